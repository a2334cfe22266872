"""How loud it is now, as a meter shows it: up at once, down slowly."""

from __future__ import annotations

import math

import numpy as np

from hygiesync.array_types import FloatArray
from hygiesync.devices.sound.source import SILENCE_DB

WINDOW_S = 0.05
"""Length of sound whose RMS is one reading (seconds)."""

FALL_DB_PER_S = 40.0
"""How fast the meter falls when it gets quieter."""


class LevelMeter:
    """Follows a stream's level.

    Attributes
    ----------
    level_db : float
        RMS over 50 ms with a decaying peak, dB below full scale; -120 for silence. May be read from any thread.
    """

    def __init__(self, sample_rate: int) -> None:
        self.level_db = SILENCE_DB
        self._sample_rate = sample_rate
        self._window = np.zeros(round(WINDOW_S * sample_rate), np.float32)

    def push(self, samples: FloatArray) -> None:
        """Take note of samples, shape (n,), float32."""
        if len(samples) == 0:
            return
        n = len(self._window)
        self._window = np.concatenate([self._window, samples])[-n:]
        power = float(np.mean(np.square(self._window, dtype=np.float64)))
        now_db = max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB
        fallen_db = self.level_db - FALL_DB_PER_S * len(samples) / self._sample_rate
        self.level_db = max(now_db, fallen_db, SILENCE_DB)
