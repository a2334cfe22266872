"""What a first order model is, what it learns from, and how: the settings of a configuration.

A configuration is a YAML file with one section for each class here; :mod:`hygiesync.first_order.configurations` reads
it. What is not written has the published value for 256 x 256 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class _Widths:
    """Channels that double from block to block, up to a limit."""

    base_channels: int
    max_channels: int

    def _widths(self, n_blocks: int) -> list[int]:
        return [min(self.max_channels, self.base_channels << level) for level in range(n_blocks + 1)]


@dataclass(frozen=True, kw_only=True)
class HourglassSettings(_Widths):
    """An hourglass that works on pictures scaled by `scale`, a power of 1/2."""

    n_blocks: int = 5
    scale: float = 0.25

    @property
    def widths(self) -> list[int]:
        """Channels at each level, from the finest."""
        return self._widths(self.n_blocks)


@dataclass(frozen=True, kw_only=True)
class KeypointSettings(HourglassSettings):
    """The key point detector; a lower `temperature` makes its heat maps narrower."""

    base_channels: int = 32
    max_channels: int = 1024
    temperature: float = 0.1
    has_jacobians: bool = True
    has_single_jacobian: bool = False
    """One map of Jacobians for all points, as for pixel art, where they would be ill defined."""
    pads_heads: bool = False
    """Heat maps as large as the features, as in `vox-first-order.pth.tar`; they mean other coordinates."""


@dataclass(frozen=True, kw_only=True)
class DenseMotionSettings(HourglassSettings):
    """The dense motion network."""

    base_channels: int = 64
    max_channels: int = 1024


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings(_Widths):
    """The generator: `n_down` halvings, `n_residual` residual blocks at the bottom."""

    base_channels: int = 64
    max_channels: int = 512
    n_down: int = 2
    n_residual: int = 6
    has_occlusion: bool = True
    keeps_pixels: bool = False
    """Whether it chooses, at each pixel, between the source's own, moved, and a painted one, and so keeps detail that
    small networks would blur. No published model does."""

    @property
    def widths(self) -> list[int]:
        """Channels before the first halving, and after each."""
        return self._widths(self.n_down)


@dataclass(frozen=True, kw_only=True)
class DiscriminatorSettings(_Widths):
    """The discriminator."""

    base_channels: int = 32
    max_channels: int = 512
    n_blocks: int = 4
    scales: tuple[float, ...] = (1.0,)
    is_spectral: bool = False
    """Whether its weights are divided by their spectral norm."""
    sees_points: bool = False

    @property
    def widths(self) -> list[int]:
        """Channels after each block, the first of which is skipped: pictures take its place."""
        return self._widths(self.n_blocks)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """All networks."""

    n_points: int = 10
    is_segmented: bool = False
    """Whether points are segments of a picture (motion co-segmentation); such models are imported, not trained."""
    n_channels: int = 3
    aligns_corners: bool = True
    """Whether -1 and 1 are the centres of the corner pixels when pictures are sampled, as it was when the published
    weights were trained (torch up to 1.2), or the corners' outer edges (torch since 1.3)."""
    keypoints: KeypointSettings = field(default_factory=KeypointSettings)
    dense_motion: DenseMotionSettings = field(default_factory=DenseMotionSettings)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    discriminator: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Pictures, and how a pair of them is varied."""

    frame_size: int = 256
    samples_identities: bool = False
    """One video of each person in an epoch; the person is a video's name up to its first ``#``."""
    flips_time: bool = True
    flips_horizontally: bool = True
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    """How far each is changed, the same for both pictures of a pair: a factor in 1 +- x, hue by a turn of +- x."""
    resize_ratio: tuple[float, ...] = ()
    """Smallest and largest scale by which both pictures are resized before a square is cut out at random."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How much each loss counts; 0 leaves it out."""

    perceptual: tuple[float, ...] = (10.0, 10.0, 10.0, 10.0, 10.0)
    """One for each layer of the network that looks; without one, the first counts for the losses in its place."""
    generator_gan: float = 0.0
    discriminator_gan: float = 1.0
    feature_matching: tuple[float, ...] = (10.0, 10.0, 10.0, 10.0)
    equivariance_value: float = 10.0
    equivariance_jacobian: float = 10.0


@dataclass(frozen=True, kw_only=True)
class TransformSettings:
    """The random thin-plate deformation of the equivariance losses."""

    sigma_affine: float = 0.05
    sigma_tps: float = 0.005
    points_tps: int = 5


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How it learns."""

    n_epochs: int = 100
    n_repeats: int = 1
    """How often an epoch goes through all videos."""
    steps_per_epoch: int | None = None
    """An epoch's steps where they are not to depend on the number of videos; then `n_repeats` says nothing."""
    milestones: tuple[int, ...] = (60, 90)
    """Epochs after which the learning rate is multiplied by `decay`."""
    decay: float = 0.1
    batch_size: int = 36
    rate_generator: float = 2e-4
    rate_discriminator: float = 2e-4
    rate_keypoints: float = 2e-4
    scales: tuple[float, ...] = (1.0, 0.5, 0.25, 0.125)
    """Sizes at which pictures are compared."""
    weights: LossWeights = field(default_factory=LossWeights)
    transform: TransformSettings = field(default_factory=TransformSettings)
    epochs_per_snapshot: int = 50
    """Epochs between weights that are kept for good."""
    max_snapshots: int = 5
    epochs_per_sheet: int = 1
    """Epochs between contact sheets."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class ReconstructionSettings:
    """The published protocol: each test video from its first frame."""

    n_videos: int = 1000


@dataclass(frozen=True, kw_only=True)
class AnimationSettings:
    """What a model is animated with when nothing else is asked for."""

    n_pairs: int = 50
    is_relative: bool = True
    adapts_scale: bool = False


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything that makes a model what it is."""

    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    reconstruction: ReconstructionSettings = field(default_factory=ReconstructionSettings)
    animation: AnimationSettings = field(default_factory=AnimationSettings)
