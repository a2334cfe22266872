"""How long and how hard a network is trained, by preset and amount of video."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hygiesync.learning.augment import Augmentation
from hygiesync.timing import time_to_mel_frames


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast weights are moved.

    Attributes
    ----------
    n_epochs, steps_per_epoch : int
    learning_rate : float
        At the cycle's highest.
    weight_decay : float
    rise_share : float
        Share of the cycle in which the learning rate rises; then it falls to nothing.
    max_gradient_norm : float
        Longer gradients are shortened to it.
    patience : int, optional
        Stop after so many epochs without a lower validation loss, and keep the weights of the best. Left out, all
        epochs are run and the last weights kept, where the cycle ends.
    device : str
        As torch names it; on ``cpu`` a run is the same to the bit.
    seed : int
    """

    n_epochs: int
    steps_per_epoch: int
    learning_rate: float
    weight_decay: float = 0.0
    rise_share: float = 0.2
    max_gradient_norm: float = 1.0
    patience: int | None = None
    device: str = "cpu"
    seed: int = 0


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how hard to train; saved with the avatar.

    Attributes
    ----------
    n_epochs : int
        The learning rate's single cycle is spread over them.
    batches_per_epoch, batch_size, window : int
        Windows of `window` mel frames.
    warm_up : int
        Mel frames at a window's start and after a splice that count for nothing: the network has not heard enough yet.
    splice_share : float
        Share of the windows that go on as another one; see :func:`hygiesync.learning.dataset.splice`.
    velocity_weight : float
        Weight of the loss on changes over `velocity_span` mel frames.
    opening_weight : float
        Weight of the opening's absolute error: its best guess is the median, not the mean, so that lips which probably
        meet are not drawn half open.
    closure_weight : float
        Weight of the cross entropy of whether the lips meet.
    early_weight : float
        Weight of each early head's losses. Small: they are to learn from what the main head needs to hear, and not to
        change it.
    augmentation : Augmentation
    n_networks : int
        Networks trained one after another, each for all epochs, that answer as an ensemble.
    """

    n_epochs: int = 36
    batches_per_epoch: int = 20
    batch_size: int = 16
    window: int = 200
    warm_up: int = 20
    splice_share: float = 0.0
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    velocity_weight: float = 1.0
    velocity_span: int = 4
    opening_weight: float = 0.3
    closure_weight: float = 0.1
    early_weight: float = 0.15
    augmentation: Augmentation = field(default_factory=Augmentation)
    n_networks: int = 1
    seed: int = 0

    def loop(self) -> LoopSettings:
        """What the training loop needs to know of them."""
        return LoopSettings(
            self.n_epochs, self.batches_per_epoch, self.learning_rate, self.weight_decay, seed=self.seed
        )


_PRESET_S = 300
_MIN_SHARE, _MAX_SHARE = 0.5, 3.0
_MAX_NETWORKS = 2

PRESETS = {
    "fast": TrainingSettings(n_epochs=12),
    "balanced": TrainingSettings(),
    "best": TrainingSettings(n_networks=_MAX_NETWORKS),
}


_WHOLE_AUGMENTATION = Augmentation(grain=0.5)
"""On every mel value, in its band's standard deviations. Hearing both ways a network learns words by heart sooner; over
people who speak freely 0.5 and 1.0 measure alike, and a little better than less: the opening's correlation over three
people is 0.664 with 0.5 and 0.657 with 0.3, of new words 0.830 and 0.823 (docs/experiments/hearing.py, one seed)."""

LARGE_FROM_S = 90
"""Seconds of video from which on a network of whole recordings is twice as wide. Below, two people's mean opening
(23 and 48 s, two seeds) is 0.759 as it is and 0.753 with the double width, which takes twice the time; twice the steps
give 0.768, and 0.07 less on a third."""


LARGEST_FROM_S = 150
"""Seconds of video from which on it is wider still, and learns in twice the steps. Of 162 s of sentences, the opening's
correlation is 0.927 on known words and 0.833 on new ones so, and 0.916 and 0.830 with the size and the steps of less
video; lips are 0.64 and 0.83 % of the eyes' distance off, and not 0.69 and 0.87 (one seed). Of 104 s of news cut to
pieces, twice the steps are worse: 0.41 in place of 0.46."""


def whole_preset(name: str, seed: int, n_mel_frames: int) -> TrainingSettings:
    """Settings for the network that hears whole recordings, of a preset (one of `PRESETS`) for so many mel frames."""
    bounds = np.array([time_to_mel_frames(LARGE_FROM_S), time_to_mel_frames(LARGEST_FROM_S)])
    n_steps = (240, 360, 720)[np.searchsorted(bounds, n_mel_frames, side="right")]
    return TrainingSettings(
        n_epochs=8 if name == "fast" else 24,
        batches_per_epoch=n_steps // 24,
        warm_up=10,
        augmentation=_WHOLE_AUGMENTATION,
        n_networks=1 if name == "fast" else _MAX_NETWORKS,
        seed=seed,
    )


def preset(name: str, seed: int, n_mel_frames: int) -> TrainingSettings:
    """Settings of a preset (one of `PRESETS`) for so many mel frames, with a seed of one's own.

    The presets are meant for five minutes. An epoch of more sound has more batches, so that all of it is heard; one of
    less has fewer, down to a half, since nothing new is learnt from hearing the same again and again. What is heard
    more often than it should be is spliced, the more the shorter the video; and the time that half the batches leave
    goes into a second network.
    """
    settings = PRESETS[name]
    share = n_mel_frames / time_to_mel_frames(_PRESET_S)
    share_of_batches = float(np.clip(share, _MIN_SHARE, _MAX_SHARE))
    leaves_time = share <= _MIN_SHARE and name != "fast"
    return replace(
        settings,
        seed=seed,
        batches_per_epoch=round(settings.batches_per_epoch * share_of_batches),
        splice_share=max(0.0, 1 - share / share_of_batches),
        n_networks=_MAX_NETWORKS if leaves_time else settings.n_networks,
    )
