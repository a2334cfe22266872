"""Coarse bands of a log-mel spectrum, and what two numbers tell of it: how loud it is, and whether it has harmonics.

Levels are in *bel*, log10 of power: 0.1 is a decibel, 1 a power ten times as large.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

N_BANDS = 20
"""Bands of four mel bands each, 150 Hz wide below 1 kHz: wide enough that one frame's power says something."""

_RIPPLE_WIDTH = 7
"""Mel bands that a spectrum's trend is the mean of: 260 Hz, one to three harmonics of a voice."""

_RIPPLE_FROM, _RIPPLE_TO = 11, 31
"""Mel bands [from, to) in which harmonics are looked for, 450 Hz to 1.2 kHz: below, the lowest harmonic alone would be
ripple; above, mel bands are too wide to part harmonics."""


def band_levels(mel: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level of each coarse band: the log10 of its mel bands' mean power.

    Parameters
    ----------
    mel : ndarray, shape (n_frames, n_mels), float32, bel
        `n_mels` is a multiple of `N_BANDS`.

    Returns
    -------
    ndarray, shape (n_frames, N_BANDS), float64, bel
    """
    # float64, or sums of float32 would depend on how many frames come at a time
    power = 10.0 ** mel.astype(np.float64)
    levels: NDArray[np.float64] = np.log10(power.reshape(len(mel), N_BANDS, mel.shape[1] // N_BANDS).mean(axis=2))
    return levels


def loudness(mel: FloatArray) -> FloatArray:
    """Mean over the mel bands (n_frames,) of log-mel frames (n_frames, n_mels), bel."""
    level: FloatArray = mel.mean(axis=1)
    return level


def ripple(mel: FloatArray) -> float:
    """Standard deviation of a log-mel spectrum (n_mels,) about its trend, the mean of 7 mel bands, bel."""
    beside = _RIPPLE_WIDTH // 2
    total = np.cumsum(np.concatenate([[0.0], mel[_RIPPLE_FROM - beside : _RIPPLE_TO + beside]]))
    trend = (total[_RIPPLE_WIDTH:] - total[:-_RIPPLE_WIDTH]) / _RIPPLE_WIDTH
    return float((mel[_RIPPLE_FROM:_RIPPLE_TO] - trend).std())
