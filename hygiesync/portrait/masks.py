"""Covers of small polygons: the slits between lids and between lips, with edges as smooth as the picture's own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.rendering.warp import Box

_SUBPIXELS = 4
_FRACTION_BITS = 4


def cover(points: FloatArray, box: Box) -> NDArray[np.float32]:
    """How far each pixel of a box lies inside a polygon.

    Parameters
    ----------
    points : ndarray, shape (n, 2), pixels of the picture that `box` is in
    box : Box

    Returns
    -------
    ndarray, shape (box.height, box.width), float32, 0 to 1
    """
    fine = np.zeros((box.height * _SUBPIXELS, box.width * _SUBPIXELS), np.uint8)
    # pixel centres lie at whole numbers: the fine grid starts half a pixel earlier
    corners = (points[:, :2] - box.origin + 0.5) * _SUBPIXELS - 0.5
    cv2.fillPoly(fine, [np.rint(corners * (1 << _FRACTION_BITS)).astype(np.int32)], 255, cv2.LINE_8, _FRACTION_BITS)
    return cv2.resize(fine, (box.width, box.height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def mix(image: NDArray[np.uint8], box: Box, patch: NDArray[np.uint8], share: FloatArray) -> None:
    """Put `patch` (h, w, 3) into a box of `image` (H, W, 3), uint8, in place, `share` (h, w) of it."""
    target = image[box.slices]
    target[:] = cv2.blendLinear(np.ascontiguousarray(patch), np.ascontiguousarray(target), share, 1 - share)
