"""The measures that an evaluation reports: how they are taken from two face tracks, and how they read in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.comparison import compare_lips
from hygiesync.face.shape import mouth_opening
from hygiesync.face.topology import LOWER_LIPS

CLOSED_SHARE = 0.15
"""Share of the frames, those in which the real mouth is the most closed, that the closed mouth is measured on."""

MIN_FRAMES = 10
"""Frames that lips are compared on, at least."""

Rows = Mapping[str, Mapping[str, float]]
"""Name of a row -> name of a measure -> its value."""


@dataclass(frozen=True)
class Measure:
    """What a measure is called in a table, and what to compare it with."""

    name: str
    label: str
    ideal: str
    n_digits: int


MEASURES = (
    Measure("frames", "frames compared", "", 0),
    Measure("faces_found", "share of frames with a frontal face", "1", 3),
    Measure("lip_distance_pct", "lip distance, % of eye distance", "0", 2),
    Measure("opening_correlation", "opening, correlation", "1", 3),
    Measure("width_correlation", "width, correlation", "1", 3),
    Measure("opening_amplitude", "opening, amplitude ratio", "1", 2),
    Measure("lag_ms", "lag, ms", "0", 1),
    Measure("jitter_ratio", "lip jitter ratio", "1", 2),
    Measure("closed_opening_real_pct", "opening when closed, real, %", "", 2),
    Measure("closed_opening_pct", "opening when closed, %", "as real", 2),
    Measure("mouth_psnr_db", "mouth PSNR, dB", "high", 1),
    Measure("mouth_sharpness_ratio", "mouth sharpness ratio", "1", 2),
    Measure("mouth_flicker_ratio", "mouth flicker ratio", "1", 2),
    Measure("seam_ratio", "change across the blend's outline, ratio", "1", 2),
    Measure("outside_psnr_db", "PSNR outside the lower face, dB", "high", 1),
)


def lip_measures(real: FloatArray, other: FloatArray, shots: NDArray[np.int64], frame_s: float) -> dict[str, float]:
    """Measures of moving lips.

    Parameters
    ----------
    real, other : ndarray, shape (n_frames, n_lower, 2), canonical units
        At the same times; NaN where there is no face.
    shots : ndarray, shape (n_frames,), int
        Number of the shot that each frame belongs to.
    frame_s : float
        Seconds between frames.

    Returns
    -------
    dict
        The number of frames compared and the share of faces found; the rest only when there are at least `MIN_FRAMES`.
    """
    known = ~(np.isnan(real).any((1, 2)) | np.isnan(other).any((1, 2)))
    counts = {"frames": float(known.sum()), "faces_found": float(known.mean()) if len(known) else 0.0}
    if known.sum() < MIN_FRAMES:
        return counts
    opening, other_opening = mouth_opening(real[known]), mouth_opening(other[known])
    is_closed = opening <= np.quantile(opening, CLOSED_SHARE)
    return {
        **counts,
        **asdict(compare_lips(real[known], other[known], frame_s)),
        "jitter_ratio": _jitter(other, known, shots) / max(_jitter(real, known, shots), 1e-9),
        "closed_opening_real_pct": 100 * float(opening[is_closed].mean()),
        "closed_opening_pct": 100 * float(other_opening[is_closed].mean()),
    }


def _jitter(shapes: FloatArray, known: NDArray[np.bool_], shots: NDArray[np.int64]) -> float:
    """Mean second difference of centred lips, over frames whose neighbours are known and of the same shot."""
    lips = shapes[:, LOWER_LIPS]
    lips = lips - lips.mean(1, keepdims=True)
    is_inner = known[:-2] & known[1:-1] & known[2:] & (shots[:-2] == shots[2:])
    bend = np.linalg.norm(np.diff(lips, 2, axis=0)[is_inner], axis=-1)
    return float(bend.mean()) if bend.size else 0.0


def format_value(measure: Measure, row: Mapping[str, float]) -> str:
    """A measure of a row as text; a dash when the row lacks it."""
    return f"{row[measure.name]:.{measure.n_digits}f}" if measure.name in row else "–"


def format_table(rows: Rows, measures: Sequence[Measure] = MEASURES) -> str:
    """Rows of measures as a plain text table, a line for each measure and a column for each row.

    Parameters
    ----------
    rows : mapping
        As :func:`hygiesync.evaluation.evaluate.evaluate` returns them.
    measures : sequence of Measure
        What is shown of them.
    """
    head = ["", *rows, "ideal"]
    lines = [[m.label, *(format_value(m, row) for row in rows.values()), m.ideal] for m in measures]
    widths = [max(len(cell) for cell in column) for column in zip(head, *lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in (head, *lines)
    )
