"""How open a mouth sounds: the inner lips' opening, guessed from a few mel frames by a fixed linear filter.

The filter was fitted to synthetic voices, whose lips are in time with their sound by construction
(:mod:`hygiesync.synthetic.opening_fit`). It knows no person, so it says little about how far one opens the mouth,
and much about *when*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.speech.bands import loudness
from hygiesync.speech.mel import N_MELS

LAGS = (-8, -4, 0, 4, 8)
"""Mel frames that the filter hears, relative to the one it answers for: 80 ms to both sides."""

N_CEPSTRA = 12
"""Coefficients of the spectrum's outline (a cosine transform of the log-mel bands); finer detail is pitch."""

LOUD_QUANTILE, AUDIBLE_RANGE = 0.95, 2.5
"""Bands quieter than speech at this quantile of the loudness by this much (log10 of power: 25 dB) count as silent.

What lies below is the room and not the mouth, and synthetic voices have no room.
"""

WEIGHTS = 1e-4 * np.array(
    [
        [12, -6, 20, -12, 5, -40, 42, -33, -1, 9, -51, -23],
        [47, -13, -29, -23, -125, -39, -16, -66, 45, 66, -98, 10],
        [55, 22, -52, 4, -145, 4, 8, -76, 52, 75, -119, -6],
        [26, 6, -3, 7, -79, 11, -35, -10, 3, 89, -50, 31],
        [4, -10, 30, -14, 28, 29, 11, 29, 7, 34, 5, 25],
    ]
)
"""Weights (n_lags, N_CEPSTRA), as :func:`hygiesync.synthetic.opening_fit.fit_weights` finds them."""


def heard_opening(mel: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mouth's opening that a sound suggests, but for an unknown scale and offset.

    Parameters
    ----------
    mel : ndarray, shape (n_frames, N_MELS), float32, log10 of power
        A whole recording, at any level.

    Returns
    -------
    ndarray, shape (n_frames,)
        At the frames' middles.
    """
    return cepstra_around(mel).reshape(len(mel), -1) @ WEIGHTS.ravel()


def cepstra_around(mel: FloatArray) -> NDArray[np.float64]:
    """What the filter hears: spectral outlines (n_frames, n_lags, N_CEPSTRA) around each mel frame, at equal level."""
    level = np.quantile(loudness(mel), LOUD_QUANTILE) if len(mel) else 0.0
    bands = (np.arange(N_MELS) + 0.5) * np.pi / N_MELS
    cosines = np.sqrt(2 / N_MELS) * np.cos(bands[:, None] * np.arange(N_CEPSTRA))
    outlines = np.maximum(mel - level, -AUDIBLE_RANGE) @ cosines
    frames = np.clip(np.arange(len(mel))[:, None] + LAGS, 0, max(len(mel) - 1, 0))
    return outlines[frames]
