"""Which square of a picture a model is shown: what it learnt from was cut like this, and what it is given must be."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

FACE_MARGIN = 0.3
"""Room on each side of a face, as a part of it: landmarks end at hairline and chin, and hair and neck move as well."""


@dataclass(frozen=True)
class Square:
    """A square of a picture, wholly inside it.

    Attributes
    ----------
    left, top, side : int
        Pixels.
    """

    left: int
    top: int
    side: int

    @classmethod
    def middle(cls, width: int, height: int) -> Square:
        """The largest in the middle of a picture."""
        side = min(width, height)
        return cls((width - side) // 2, (height - side) // 2, side)

    @classmethod
    def around(cls, box: FloatArray, width: int, height: int, margin: float = FACE_MARGIN) -> Square:
        """Around a box (left, top, right, bottom), with room on each side, moved and made smaller to fit a picture."""
        left, top, right, bottom = box
        side = min(round(max(right - left, bottom - top) * (1 + 2 * margin)), width, height)
        x = int(np.clip(round((left + right - side) / 2), 0, width - side))
        y = int(np.clip(round((top + bottom - side) / 2), 0, height - side))
        return cls(x, y, side)

    def cut(self, image: NDArray[np.uint8], size: int | None = None) -> NDArray[np.uint8]:
        """The square of a picture (h, w, 3), with sides of `size` pixels where it is given."""
        part = image[self.top : self.top + self.side, self.left : self.left + self.side]
        if size is None or size == self.side:
            return np.ascontiguousarray(part)
        way = cv2.INTER_AREA if size < self.side else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, (size, size), interpolation=way), np.uint8)


def bounds(landmarks: FloatArray) -> NDArray[np.float64]:
    """(left, top, right, bottom) of landmarks (n, 2 or 3)."""
    points = landmarks[:, :2]
    return np.concatenate([points.min(0), points.max(0)]).astype(np.float64)


def joined(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """The smallest box around two boxes."""
    return np.concatenate([np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])])


def overlap(first: FloatArray, second: FloatArray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (first, second)]
    return common / max(sum(areas) - common, 1e-12)
