"""Key points of one picture, and how a driving picture's motion is carried to another picture's points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import UsageError


@dataclass(frozen=True)
class KeyPoints:
    """Learnt points.

    Attributes
    ----------
    value : ndarray, shape (n_points, 2)
        (x, y), -1 to 1 across the square picture.
    jacobian : ndarray, shape (n_points, 2, 2)
        How the picture is deformed around each.
    """

    value: FloatArray
    jacobian: FloatArray


@dataclass(frozen=True, kw_only=True)
class CarryOptions:
    """How motion is carried.

    Attributes
    ----------
    is_absolute : bool
        Take the driving points as they are; otherwise their motion since a reference is added to the source's points,
        which keeps the source's shape.
    adapts_scale : bool
        Scale motion by the size of the source's points against the reference's.
    smoothing_s : float
        Time over which points are smoothed, seconds; 0 for none.
    """

    is_absolute: bool = False
    adapts_scale: bool = True
    smoothing_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.smoothing_s >= 0:
            raise UsageError(f"`smoothing_s`: expected 0 or more seconds, got {self.smoothing_s:g}")


def carried(
    source: KeyPoints, driving: KeyPoints, reference: KeyPoints, options: CarryOptions | None = None
) -> KeyPoints:
    """Where the source's points go when the driving picture's moved from `reference` to `driving`.

    References
    ----------
    The paper, equation 12 (relative motion).
    """
    options = options or CarryOptions()
    if options.is_absolute:
        return driving
    scale = 1.0
    if options.adapts_scale:
        of_reference = hull_area(reference.value)
        # points on one line have no area: motion is carried as it is
        scale = np.sqrt(hull_area(source.value) / of_reference) if of_reference > 1e-9 else 1.0
    value = source.value + scale * (driving.value - reference.value)
    change = driving.jacobian @ inverse_matrices(reference.jacobian)
    return KeyPoints(value, change @ source.jacobian)


class PointFilter:
    """Smooths points over time, causally: an exponential mean with a time constant.

    Parameters
    ----------
    time_constant_s : float
        0 for none.
    """

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._last: tuple[float, KeyPoints] | None = None

    def __call__(self, points: KeyPoints, time_s: float) -> KeyPoints:
        """The smoothed points at a time, seconds, that doesn't go back."""
        if self._last is None or self._time_constant_s <= 0:
            self._last = (time_s, points)
            return points
        before_s, before = self._last
        keep = float(np.exp(-(time_s - before_s) / self._time_constant_s))
        value = keep * before.value + (1 - keep) * points.value
        smoothed = KeyPoints(value, keep * before.jacobian + (1 - keep) * points.jacobian)
        self._last = (time_s, smoothed)
        return smoothed


def hull_area(points: FloatArray) -> float:
    """Area of the convex hull of points (n, 2); 0 where they lie on a line.

    References
    ----------
    Andrew, *Another efficient algorithm for convex hulls in two dimensions*, 1979.
    """
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:
        return 0.0
    hull = np.array(_half_hull(ordered)[:-1] + _half_hull(ordered[::-1])[:-1])
    x, y = hull.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _half_hull(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
    hull: list[tuple[float, float]] = []
    for x, y in ordered:
        while len(hull) > 1:
            (ax, ay), (bx, by) = hull[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            hull.pop()
        hull.append((x, y))
    return hull


def inverse_matrices(matrices: FloatArray) -> NDArray[np.float64]:
    """Inverse of matrices (n, 2, 2); one that has none counts as the identity, so that its point only moves."""
    singular = np.abs(np.linalg.det(matrices)) < 1e-9
    safe = np.where(singular[:, None, None], np.eye(2), matrices.astype(np.float64))
    return np.linalg.inv(safe)
