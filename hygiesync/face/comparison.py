"""How near two tracks of lower faces are to each other: the measures that training and evaluation report."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import mouth_opening, mouth_width
from hygiesync.face.topology import LOWER_LIPS
from hygiesync.interpolation import peak_offset

_MAX_LAG_S = 0.4


@dataclass(frozen=True)
class LipComparison:
    """Rendered or predicted lips against real ones.

    Attributes
    ----------
    lip_distance_pct : float
        Mean distance between lip points, each mouth centred on itself, in % of the distance between the eyes.
    opening_correlation, width_correlation : float
        Pearson's, of the inner lips' opening and of the mouth's width.
    opening_amplitude : float
        Standard deviation of the opening against the real one's.
    lag_ms : float
        How late the opening is; negative is early.
    """

    lip_distance_pct: float
    opening_correlation: float
    width_correlation: float
    opening_amplitude: float
    lag_ms: float

    def to_dict(self) -> dict[str, float]:
        """The measures by name, rounded for reading."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def compare_lips(real: FloatArray, other: FloatArray, frame_s: float) -> LipComparison:
    """Compare two tracks of canonical lower faces.

    Parameters
    ----------
    real, other : ndarray, shape (n_frames, n_points, 2), canonical units
        At the same times.
    frame_s : float
        Seconds between frames.
    """
    opening, other_opening = mouth_opening(real), mouth_opening(other)
    return LipComparison(
        lip_distance_pct=lip_distance(real, other),
        opening_correlation=correlation(opening, other_opening),
        width_correlation=correlation(mouth_width(real), mouth_width(other)),
        opening_amplitude=float(other_opening.std() / max(float(opening.std()), 1e-9)),
        lag_ms=1000 * lag_s(opening, other_opening, frame_s),
    )


def lip_distance(real: FloatArray, other: FloatArray) -> float:
    """Mean distance between the lip points of two tracks (n_frames, n_points, 2), mouths centred, in % of the unit."""
    lips, other_lips = real[:, LOWER_LIPS], other[:, LOWER_LIPS]
    offset = (lips - lips.mean(1, keepdims=True)) - (other_lips - other_lips.mean(1, keepdims=True))
    return float(np.linalg.norm(offset, axis=-1).mean() * 100)


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Pearson's correlation; 0 when one side does not move."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / norm) if norm > 1e-12 else 0.0


def delay_correlations(
    reference: FloatArray, late: FloatArray, frame_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How well `late` correlates with `reference` (n,) when it is so much later.

    Returns
    -------
    delays_s : ndarray, shape (n_delays,), seconds
        Whole frames to both sides of 0; 0 alone when there is too little to shift.
    correlations : ndarray, shape (n_delays,)
    """
    max_lag = max(0, min(round(_MAX_LAG_S / frame_s), len(reference) // 4))
    shifts = np.arange(-max_lag, max_lag + 1)
    middle = reference[max_lag : len(reference) - max_lag]
    return shifts * frame_s, np.array(
        [correlation(middle, late[max_lag + shift : len(late) - max_lag + shift]) for shift in shifts]
    )


def lag_s(reference: FloatArray, late: FloatArray, frame_s: float) -> float:
    """Delay of `late` behind `reference` (n,) where they correlate best, to a part of a frame (parabola), seconds."""
    delays_s, scores = delay_correlations(reference, late, frame_s)
    best = int(np.argmax(scores))
    return float(delays_s[best]) + peak_offset(scores, best) * frame_s
