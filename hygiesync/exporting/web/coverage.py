"""Which mouths a small atlas keeps: those by which the mouths of the whole one are covered best.

A run of pictures is worth what it brings nearer: with ``d(p, K)`` the distance from picture `p` to the nearest of the
kept ones, in the space that retrieval searches, runs are taken one after another, each time the one that lowers

    sum over all pictures p of d(p, K)

by most for its bytes, until the next one has no room. The sum is submodular, so this greedy choice is at least 63 % as
good as the best one.

References
----------
Nemhauser, Wolsey & Fisher, *An analysis of approximations for maximizing submodular set functions*, 1978.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def choose_runs(
    points: NDArray[np.float32], runs: Sequence[NDArray[np.int64]], n_bytes: Sequence[int], max_bytes: float
) -> list[int]:
    """Numbers of the runs to keep, in the order in which they were taken.

    Parameters
    ----------
    points : ndarray, shape (n_pictures, n_features), float32
    runs : sequence of ndarray
        Indices of the pictures in each run.
    n_bytes : sequence of int
        What each run takes.
    max_bytes : float
        What all may take together.

    Returns
    -------
    list of int
        At least one run, if there is one.
    """
    sizes = np.asarray(n_bytes, np.float64)
    if sizes.sum() <= max_bytes:
        return list(range(len(runs)))
    to_run = np.stack([_distance_to(points, points[run]) for run in runs])
    nearest = to_run.max(0)
    chosen: list[int] = []
    left = max_bytes
    is_free = np.full(len(runs), True)
    while True:
        gain = np.where(is_free & (sizes <= left), np.maximum(nearest - to_run, 0).sum(1) / sizes, -1.0)
        best = int(gain.argmax())
        if gain[best] < 0:
            return chosen or [int(sizes.argmin())]
        chosen.append(best)
        is_free[best], left = False, left - sizes[best]
        nearest = np.minimum(nearest, to_run[best])


def _distance_to(points: NDArray[np.float32], kept: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance (n_pictures,) from each point to the nearest of some."""
    squares = (points**2).sum(1)[:, None] + (kept**2).sum(1) - 2 * points @ kept.T
    return np.sqrt(np.maximum(squares.min(1), 0))
