"""Speech that a voice spoke: samples, and which phoneme is heard when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.timing import sample_time

PAUSE = "_"
"""Symbol of a silence among the phonemes."""


@dataclass(frozen=True)
class Phoneme:
    """One sound of a :class:`Speech`.

    Parameters
    ----------
    symbol : str
        IPA with stress and length marks, as ``"ˈiː"`` or ``"tʃ"``; :data:`PAUSE` for silence.
    start_s, end_s : float
        Span in seconds from the first sample.
    """

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Speech:
    """Synthetic speech.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32
        Mono audio in [-1, 1].
    sample_rate : int
        Samples a second (Hz).
    phonemes : tuple of Phoneme
        In order and without gaps, from the first sample to the last.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    phonemes: tuple[Phoneme, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(sample_time(len(self.samples), self.sample_rate))
