"""The gap between inner lips, as a place to look into: how one mouth's inside is seen between another's lips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIPS
from hygiesync.interpolation import smoothstep

_SHRINK = (0.05, 0.2)
"""How far the seen inside keeps away from the driving lips, as a part of the gap: of a wide and of a narrow one.

The blurred edge of a lip takes up much of a narrow gap.
"""

_LIP_EDGE = 0.02
"""How far it keeps away at least, in widths of the mouth."""

_STRETCHED = (0.67, 1.0)
"""Bounds of how high the gap may be, against the driving one as large as teeth are shown: both rows must fit in."""

_ROWS_UP_TO = 0.3
"""Part of the gap from either lip in which teeth are: between the rows it is stretched."""

_LEFT = len(INNER_LIPS) // 2
_LOWER, _UPPER = np.arange(_LEFT + 1), np.array([0, *range(len(INNER_LIPS) - 1, _LEFT - 1, -1)])
_EPSILON = 1e-3


class Slit:
    """A gap, measured from its corners: along it, and from either lip.

    Parameters
    ----------
    ring : ndarray, shape (20, 2), pixels
        Inner lips: the right corner, along the lower lip to the left one, and back along the upper.

    Attributes
    ----------
    width : float
        Between the corners, pixels.
    """

    def __init__(self, ring: FloatArray) -> None:
        along = ring[_LEFT] - ring[0]
        self.width = max(float(np.linalg.norm(along)), 1.0)
        self._origin, self._along = ring[0], along / self.width
        self._down = np.array([-self._along[1], self._along[0]])
        x, y = (ring - self._origin) @ self._along, (ring - self._origin) @ self._down
        # in the middle between the lips, so that a skewed mouth is measured along itself
        self._x = np.maximum.accumulate(0.5 * (x[_LOWER] + x[_UPPER]) + _EPSILON * np.arange(_LEFT + 1))
        self._lower, self._upper = y[_LOWER], y[_UPPER]

    def place(self, x: FloatArray, y: FloatArray) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Where pixels are: along the ring in its points, 0 to 10; pixels below the upper lip; above the lower."""
        right, down = x - self._origin[0], y - self._origin[1]
        along = right * self._along[0] + down * self._along[1]
        down = right * self._down[0] + down * self._down[1]
        upper, lower = np.interp(along, self._x, self._upper), np.interp(along, self._x, self._lower)
        return np.interp(along, self._x, np.arange(_LEFT + 1)), down - upper, lower - down

    def seen_at(
        self, across: FloatArray, below_upper: FloatArray, above_lower: FloatArray, width: float, narrow: float
    ) -> NDArray[np.float32]:
        """Where (h, w, 2) in this slit pixels of another come from, whose mouth is `width` wide, and its gap `narrow`.

        Teeth keep their shape and their distance from their own lip: what is between the rows takes up the difference
        between the heights of the gaps.
        """
        places = np.arange(_LEFT + 1)
        upper, lower = np.interp(across, places, self._upper), np.interp(across, places, self._lower)
        gap = lower - upper
        shrink = _SHRINK[0] + narrow * (_SHRINK[1] - _SHRINK[0])
        margin = np.minimum(shrink * gap + _LIP_EDGE * self.width, 0.4 * np.maximum(gap, 0))
        # detectors draw the lower lip's edge over the teeth behind it
        upper, lower, gap = upper + margin, lower - 0.5 * margin, gap - 1.5 * margin
        theirs = np.maximum(below_upper + above_lower, 1e-3)
        # as large as the mouth, if both rows then fit; else as the gaps are
        scale = np.clip(self.width / width, *(gap / theirs / np.array(_STRETCHED[::-1])[:, None, None]))
        depth = np.clip(below_upper / theirs, 0, 1)
        share = smoothstep((depth - _ROWS_UP_TO) / (1 - 2 * _ROWS_UP_TO))
        # rows that meet are stretched as one
        share += narrow * (depth - share)
        down = (1 - share) * (upper + scale * below_upper) + share * (lower - scale * above_lower)
        along = np.interp(across, places, self._x)
        x = self._origin[0] + along * self._along[0] + down * self._down[0]
        y = self._origin[1] + along * self._along[1] + down * self._down[1]
        return np.dstack([x, y]).astype(np.float32)
