"""Training of the generic speech model: mouth curves for any voice, learnt as a person's are, from synthetic ones.

The network is the one that every avatar has, its coefficients the mouth curves; the opening is one of them, so that its
closure logit has the plainest aperture there is. It begins with the speech encoder, as theirs do, and goes on for
longer: what is a worse beginning for one person is a better model of all. The scores of the sounds are thrown away
afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hygiesync.array_types import FloatArray
from hygiesync.learning import loop
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.augment import Augmentation, in_rooms, other_tract, random_colour
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import LoopSettings
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus
from hygiesync.learning.synthetic_voices import CURVE_WEIGHTS, LOSS, OPENING, TOLD_SHARE, VoiceWindows, loss_of_sounds
from hygiesync.tts.visemes import CURVES

CLOSED_OPENING = 0.02
"""Openings (of 0 to 1) under this are lips that meet."""

_CURVES_WEIGHT, _CHANGES_WEIGHT, _OPENING_WEIGHT, _CLOSURE_WEIGHT, _EARLY_WEIGHT = 10.0, 20.0, 1.0, 0.3, 0.3
"""Of the curves' squared error, that of their changes, the opening's absolute error and the cross entropy of lips that
meet, against the cross entropy of the sounds; and of each early head against the main one."""

_CHANGE_SPANS = (1, 4)
"""Mel frames over which changes are compared: lips that quiver are far off over one frame, and over no longer span."""


@dataclass(frozen=True)
class GenericSettings:
    """How the generic model is trained.

    Attributes
    ----------
    n_epochs, steps_per_epoch, batch_size, window, warm_up : int
        Batches of windows of mel frames; the first `warm_up` frames of each count for nothing.
    tract_std : float
        Standard deviation of the logarithm of the vocal tract's length.
    colour, n_colours
        Strength and number of the ripples that a microphone adds, log10 of power.
    room_share : float
        Share of windows that are heard in a room with reverberation.
    augmentation : Augmentation
    eagerness : float
        Log-odds added in the end to those that the lips meet. Of a voice that was never seen to speak closures are less
        certain than of a person's own, and to miss one is seen sooner than one too many.
    """

    n_epochs: int = 32
    steps_per_epoch: int = 50
    batch_size: int = 32
    window: int = 200
    warm_up: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.1
    tract_std: float = 0.1
    colour: float = 0.25
    n_colours: int = 5
    room_share: float = 0.4
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(
            grain=0.2, gain=0.5, narrow_share=0.15, noise_share=1.0, noise_below=(1.8, 6.0)
        )
    )
    eagerness: float = 1.1
    seed: int = 0

    def loop(self) -> LoopSettings:
        """What the training loop needs to know of them."""
        return LoopSettings(
            self.n_epochs, self.steps_per_epoch, self.learning_rate, self.weight_decay, rise_share=0.1, seed=self.seed
        )

    def heard(self, mel: FloatArray, std: FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
        """Windows out of other throats, in other rooms and through other microphones."""
        heard = in_rooms(other_tract(mel, self.tract_std, rng), self.room_share, rng)
        heard = heard + random_colour(len(mel), self.colour, self.n_colours, rng)
        return self.augmentation.apply(heard, std, rng)


def train_generic(
    corpus: Corpus,
    early_frames: tuple[int, ...],
    settings: GenericSettings | None = None,
    encoder: SpeechEncoder | None = None,
    progress: loop.ProgressCallback | None = None,
) -> SpeechToShape:
    """Train a network on the mouth curves of a corpus.

    Parameters
    ----------
    corpus : Corpus
    early_frames : tuple of int
        See :class:`NetworkSettings`.
    settings : GenericSettings, optional
    encoder : SpeechEncoder, optional
        Layers that know speech already, to begin with; left out, they begin at random.
    progress : callable, optional

    Returns
    -------
    SpeechToShape
        Its coefficients are the mouth curves; in evaluation mode.
    """
    objective = _MouthCurves(corpus, early_frames, GenericSettings() if settings is None else settings, encoder)
    loop.train(objective, objective.settings.loop(), progress=progress)
    return _without_sounds(objective.network, objective.settings.eagerness)


class _MouthCurves:
    """Curves, closures and sounds of a corpus, by all heads; see :class:`hygiesync.learning.loop.Objective`."""

    def __init__(
        self, corpus: Corpus, early_frames: tuple[int, ...], settings: GenericSettings, encoder: SpeechEncoder | None
    ) -> None:
        self.settings = settings
        self.windows = VoiceWindows(corpus, settings.batch_size, settings.window, settings.heard)
        mean, std = self.windows.statistics(np.random.default_rng(settings.seed))
        with loop.seeded(settings.seed):
            self.network = _network(
                NetworkSettings(len(CURVES) + len(SOUNDS), dropout=settings.dropout, early_frames=early_frames),
                torch.from_numpy(mean),
                torch.from_numpy(std),
            )
        if encoder is not None:
            encoder.give_to(self.network)
        self.encoder_name = "none" if encoder is None else encoder.name

    @property
    def identity(self) -> Any:
        return [asdict(self.settings), self.network.settings.to_dict(), self.encoder_name]

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        return (self.windows.draw(rng) for _ in range(n_steps))

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        mel, curves, sounds = batch
        (main, *early), _ = self.network.raw_outputs(mel)
        loss, told_share = self._loss_of_head(*main, curves, sounds)
        for n_frames, (answer, closure_logit) in zip(self.network.settings.early_frames, early, strict=True):
            known = slice(None, mel.shape[1] - n_frames)
            of_head, _ = self._loss_of_head(
                answer[:, known], closure_logit[:, known], curves[:, n_frames:], sounds[:, n_frames:]
            )
            loss = loss + _EARLY_WEIGHT * of_head
        return loss, {LOSS: loss, TOLD_SHARE: told_share}

    def validate(self) -> dict[str, float]:
        return {}

    def _loss_of_head(self, *heard_and_known: Tensor) -> tuple[Tensor, Tensor]:
        """One head's loss, and the share of sounds that it told right, after the warm-up."""
        return loss_of_curves(*(tensor[:, self.settings.warm_up :] for tensor in heard_and_known))


def loss_of_curves(answer: Tensor, closure_logit: Tensor, curves: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
    """What curves, closures and sounds said wrongly cost, and the share of sounds that was told right.

    Parameters
    ----------
    answer : Tensor, shape (B, T, n_curves + n_sounds)
        Mouth curves, and a score for each sound.
    closure_logit : Tensor, shape (B, T)
        Log-odds that the lips meet.
    curves : Tensor, shape (B, T, n_curves)
    sounds : Tensor, shape (B, T), int64
    """
    error = answer[..., : len(CURVES)] - curves
    lips_meet = (curves[..., OPENING] < CLOSED_OPENING).float()
    weights = error.new_tensor(CURVE_WEIGHTS)
    changes = torch.stack([((error[:, n:] - error[:, :-n]) ** 2 * weights).mean() for n in _CHANGE_SPANS]).sum()
    of_sounds, told_share = loss_of_sounds(answer, sounds)
    loss = (
        _CURVES_WEIGHT * (error**2 * weights).mean()
        + _CHANGES_WEIGHT * changes
        + _OPENING_WEIGHT * error[..., OPENING].abs().mean()
        + _CLOSURE_WEIGHT * functional.binary_cross_entropy_with_logits(closure_logit, lips_meet)
        + of_sounds
    )
    return loss, told_share


def lone_opening(n_components: int) -> Aperture:
    """How lips part whose opening is a coefficient of its own."""
    alone = np.zeros(n_components)
    alone[OPENING] = 1.0
    return Aperture(alone, 0.0, alone)


def _network(settings: NetworkSettings, mean: Tensor | None = None, std: Tensor | None = None) -> SpeechToShape:
    """A network whose opening is the curve of that name, and moves alone."""
    return SpeechToShape(settings, mean, std, lone_opening(settings.n_components))


def _without_sounds(network: SpeechToShape, eagerness: float) -> SpeechToShape:
    """The same network, whose heads say the curves and, `eagerness` sooner, that the lips meet, and no more."""
    settings = network.settings
    n_heads, size = 1 + len(settings.early_frames), settings.n_components + 1
    rows = torch.tensor([start * size + row for start in range(n_heads) for row in (*range(len(CURVES)), size - 1)])
    kept = dict(network.state_dict())
    for name in ("head.weight", "head.bias"):
        kept[name] = kept[name][rows]
    kept["head.bias"][len(CURVES) :: len(CURVES) + 1] += eagerness
    for name in ("opening_gradient", "opening_path"):
        kept[name] = kept[name][: len(CURVES)]
    curves_only = _network(NetworkSettings(len(CURVES), dropout=settings.dropout, early_frames=settings.early_frames))
    curves_only.load_state_dict(kept)
    return curves_only.eval()
