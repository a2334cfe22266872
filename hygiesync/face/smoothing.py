"""Smoothing of landmark tracks without lag.

A symmetric window over *time*, not over frame numbers, delays nothing and is right for variable frame rates. It never
reaches across a cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

_REACH = 2.5
"""Half width of the window in standard deviations; what lies beyond weighs under 5 %."""


def gaussian_smooth(
    values: FloatArray, times_s: FloatArray, shots: NDArray[np.int64], sigma_s: float
) -> NDArray[np.float64]:
    """Gaussian mean of a track over time, within shots.

    Parameters
    ----------
    values : ndarray, shape (n_frames, ...)
        NaN frames are left out of every mean and come back as NaN.
    times_s : ndarray, shape (n_frames,), seconds, increasing
    shots : ndarray, shape (n_frames,), int
        Number of the shot that each frame belongs to: two frames weigh upon each other only within one shot.
    sigma_s : float
        Standard deviation of the window, seconds; 0 returns a copy.

    Returns
    -------
    ndarray, shape (n_frames, ...)
    """
    if sigma_s <= 0:
        return values.copy()
    flat = values.reshape(len(values), -1)
    known = ~np.isnan(flat).any(1)
    total, weight = np.zeros_like(flat), np.zeros(len(flat))
    for offset in range(-_widest_reach(times_s, sigma_s), _widest_reach(times_s, sigma_s) + 1):
        here = slice(max(0, -offset), len(flat) - max(0, offset))
        there = slice(max(0, offset), len(flat) - max(0, -offset))
        distance = (times_s[there] - times_s[here]) / sigma_s
        usable = known[there] & (shots[there] == shots[here]) & (np.abs(distance) <= _REACH)
        factor = np.where(usable, np.exp(-0.5 * distance**2), 0.0).astype(flat.dtype)
        total[here] += factor[:, None] * np.where(usable[:, None], flat[there], 0.0)
        weight[here] += factor
    with np.errstate(invalid="ignore"):
        smooth = np.where(known[:, None], total / weight[:, None], np.nan)
    return smooth.reshape(values.shape)


def _widest_reach(times_s: FloatArray, sigma_s: float) -> int:
    """Largest number of frames that fit in half a window anywhere on the track."""
    ends = np.searchsorted(times_s, times_s + _REACH * sigma_s, side="right")
    return int((ends - np.arange(len(times_s))).max(initial=1)) - 1


MAX_JUMP = 0.05
"""Mean move of the rigid points between two frames, in widths of their box, that calm heads don't do."""

_USUAL_JUMPS = 3.0
"""A head that moves fast jumps with every frame; a cut jumps by this many times as far as the frames around it do.

On a man who paces a stage (24 pictures a second) 40 % of all frames jump by more than `MAX_JUMP`; this leaves 2 % of
those where his face is seen, and of 219 real cuts in other videos it loses 2.
"""

_SURE_JUMP = 0.5
"""No head does this between two frames, however fast it moves."""

_FRAMES_AROUND = 4


def find_shots(rigid: FloatArray) -> NDArray[np.int64]:
    """Numbers the shots of a video by where the head jumps or goes missing.

    Parameters
    ----------
    rigid : ndarray, shape (n_frames, n_rigid, 2), pixels
        NaN where there is no face.

    Returns
    -------
    ndarray, shape (n_frames,), int, starting at 0
    """
    widths = np.ptp(rigid[..., 0], axis=1)
    width = float(np.median(widths[~np.isnan(widths)])) if not np.isnan(widths).all() else 1.0
    jump = np.linalg.norm(np.diff(rigid, axis=0), axis=-1).mean(-1) / width
    allowed = np.minimum(np.maximum(MAX_JUMP, _USUAL_JUMPS * _median_around(jump)), _SURE_JUMP)
    return np.concatenate([[0], np.cumsum(~(jump <= allowed))]).astype(np.int64)[: len(rigid)]


def _median_around(values: FloatArray) -> FloatArray:
    """Median of the values (n,) before and after each, without it; 0 where none of them is a number."""
    if not len(values):
        return np.zeros(0)
    padded = np.pad(values, _FRAMES_AROUND, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _FRAMES_AROUND + 1)
    others = np.sort(np.delete(around, _FRAMES_AROUND, axis=1), axis=1)  # what is no number comes last
    n_known = (~np.isnan(others)).sum(axis=1)
    middle = np.stack([np.maximum(n_known - 1, 0) // 2, n_known // 2], axis=1)
    medians = np.take_along_axis(others, np.minimum(middle, others.shape[1] - 1), axis=1).mean(axis=1)
    return np.where(n_known > 0, medians, 0.0)
