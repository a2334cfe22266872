"""How loud a recording is: its speech, its background, and what the recorder cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hygiesync.array_types import FloatArray
from hygiesync.timing import time_to_samples

FULL_SCALE = 0.98
"""Samples at least this large are at the recorder's limit: lossy sound wanders a little around it."""

SPEECH_QUANTILE, BACKGROUND_QUANTILE = 0.9, 0.05
"""Of the windows' levels: syllables, and what is left in the pauses."""

WINDOW_S = 0.02

_SILENCE = 1e-5
"""Amplitude below which everything is silence: -100 dB."""


@dataclass(frozen=True)
class SoundLevel:
    """Levels of one recording, in decibels below full scale (0 is the loudest that can be recorded).

    Attributes
    ----------
    speech_db, background_db : float
    clipped_share : float
        Share of the samples at full scale.
    """

    speech_db: float
    background_db: float
    clipped_share: float

    @classmethod
    def from_samples(cls, samples: FloatArray) -> SoundLevel:
        """Levels of samples (n,), float32, at 16 kHz."""
        length = time_to_samples(WINDOW_S)
        n_windows = len(samples) // length
        if n_windows == 0:
            return cls(-100.0, -100.0, 0.0)
        windows = samples[: n_windows * length].reshape(n_windows, length)
        power = np.einsum("ij,ij->i", windows, windows) / length
        level = 10 * np.log10(np.maximum(power, _SILENCE**2))
        speech, background = np.quantile(level, [SPEECH_QUANTILE, BACKGROUND_QUANTILE])
        return cls(float(speech), float(background), float(np.mean(np.abs(samples) >= FULL_SCALE)))
