"""What both trainings on synthetic speech share: windows of a corpus in other voices and rooms, and sounds to be named.

The network is the one that every avatar has, its coefficients the three mouth curves and one score for each sound.
Naming the sounds keeps it from guessing the mouth from loudness alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hygiesync.learning.synthetic_corpus import Corpus
from hygiesync.tts.visemes import CURVES

OPENING = CURVES.index("opening")

CURVE_WEIGHTS = (4.0, 1.0, 1.0)
"""Of the curves' squared errors: the opening counts most."""

LOSS, TOLD_SHARE = "loss", "told_share"
"""Figures of both trainings; the second is the share of sounds that were told right."""

N_STATISTICS_BATCHES = 8
"""Batches that the mel bands' mean and standard deviation are taken from."""

Variation = Callable[[NDArray[Any], NDArray[Any], np.random.Generator], NDArray[Any]]
"""Makes windows (n, n_frames, n_mels) sound otherwise, given each band's standard deviation."""


@dataclass(frozen=True)
class VoiceWindows:
    """Random windows of a corpus, as they might have been heard.

    Attributes
    ----------
    corpus : Corpus
    batch_size, window : int
        `window` mel frames each.
    variation : callable
    """

    corpus: Corpus
    batch_size: int
    window: int
    variation: Variation

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Mel frames (batch_size, window, n_mels) float32, curves (..., 3) float32, sounds (...) int64."""
        starts = rng.integers(0, len(self.corpus.mel) - self.window, self.batch_size)
        frames = starts[:, None] + np.arange(self.window)
        heard = self.variation(self.corpus.mel[frames], self._std, rng)
        return heard.astype(np.float32), self.corpus.curves[frames], self.corpus.sounds[frames]

    @cached_property
    def _std(self) -> NDArray[Any]:
        return np.asarray(self.corpus.mel.std(0) + 1e-3)

    def statistics(self, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean and standard deviation (n_mels,) of each band, as heard."""
        heard = np.concatenate([self.draw(rng)[0] for _ in range(N_STATISTICS_BATCHES)])
        return heard.mean((0, 1)), heard.std((0, 1))


def loss_of_sounds(answer: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy of the sounds (B, T) in answers (B, T, n_curves + n_sounds), and the share that was told right."""
    scores = answer[..., len(CURVES) :]
    share = (scores.detach().argmax(-1) == sounds).float().mean()
    return functional.cross_entropy(scores.flatten(0, 1), sounds.flatten()), share
