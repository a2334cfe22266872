"""What is seen between the parted lips of the speaking portrait: its own upper teeth, a dark cavity and the tongue."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.rendering.warp import Box

_SUBPIXELS = 4
"""The opening's edge is drawn this much finer and then averaged, so that lips have no stair steps."""

_FRACTION_BITS = 4
"""cv2's fixed-point vertices: 1/16 of a fine pixel."""

_LINE_WIDTH, _LINE_COVER = 0.02, 0.42
"""Line between closed lips: width as a part of the mouth's, and how dark it is."""

_CAVITY = np.array([46, 15, 16], np.float32)
_SHADOW = np.array([52, 17, 17], np.float32)
_LIP_LINE = np.array([140, 72, 70], np.float32)
_TONGUE = np.array([138, 62, 62], np.float32)
_TEETH_LIGHT = 0.88
_EDGE_LIGHT = 0.2
"""Light that reaches the interior right at the lips, which shade it."""


class MouthInterior:
    """Paints the inside of the mouth.

    Parameters
    ----------
    picture : ndarray, shape (H, W, 3), uint8, RGB
        The photograph, in which the mouth smiles.
    inner_lips : ndarray, shape (20, 2), float64, pixels
        Inner edge of its lips.
    """

    def __init__(self, picture: NDArray[np.uint8], inner_lips: NDArray[np.float64]) -> None:
        self._width = float(np.ptp(inner_lips[:, 0]))
        margin = round(0.2 * self._width)
        height, width = picture.shape[:2]
        box = Box.around(inner_lips, (height, width), margin)
        teeth = picture[box.slices].astype(np.float32) * _TEETH_LIGHT
        opaque = _polygon(inner_lips - box.origin, box.height, box.width)
        # Eroded, so that no lip comes along, then feathered; the feather scales with the picture.
        step = max(1, round(0.02 * self._width))
        opaque = cv2.erode(opaque, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * step + 1, 2 * step + 1)))
        opaque = cv2.GaussianBlur(opaque, (0, 0), 0.6 * step)
        self._teeth = np.dstack([teeth, opaque])
        self._tongue = _tongue_mask(inner_lips - box.origin, box.height, box.width)
        self._origin = box.origin

    def paint(
        self,
        image: NDArray[np.uint8],
        inner_lips: NDArray[np.float64],
        head: NDArray[np.float64],
        jaw_shift: NDArray[np.float64],
    ) -> None:
        """Paint the inside into `image`, in place, wherever the lips are apart.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB
        inner_lips : ndarray, shape (20, 2), float64, pixels
            Inner edge of the lips in `image`.
        head : ndarray, shape (2, 3), float64
            Similarity from the photograph to `image`, which the teeth follow.
        jaw_shift : ndarray, shape (2,), float64, pixels
            How far the jaw, and the tongue with it, has sunk in `image`.
        """
        height, width = image.shape[:2]
        box = Box.around(inner_lips, (height, width), margin=3)
        if box.width < 1 or box.height < 1:
            return
        # Where the lips meet they cast a thin line, which also hides the stair steps of triangles that have no height.
        line = _outline(inner_lips - box.origin, box.height, box.width, _LINE_WIDTH * self._width)
        visible = np.maximum(_polygon(inner_lips - box.origin, box.height, box.width), _LINE_COVER * line)
        to_box = head.copy()
        to_box[:, 2] += head[:, :2] @ self._origin - box.origin
        size = (box.width, box.height)
        teeth = cv2.warpAffine(self._teeth, to_box, size, flags=cv2.INTER_LINEAR)
        to_box[:, 2] += jaw_shift
        tongue = cv2.warpAffine(self._tongue, to_box, size, flags=cv2.INTER_LINEAR)[..., None]
        inside = _CAVITY + tongue * (_TONGUE - _CAVITY)
        inside += teeth[..., 3:] * (teeth[..., :3] - inside)
        inside = _SHADOW + self._light(visible)[..., None] * (inside - _SHADOW)
        patch = image[box.slices]
        patch[:] = np.rint(patch + visible[..., None] * (inside - patch)).astype(np.uint8)

    def _light(self, visible: FloatArray) -> NDArray[np.float32]:
        """Light (h, w), 0..1, in the interior: little next to the lips, full a few pixels inside."""
        near = cv2.GaussianBlur(visible, (0, 0), 0.035 * self._width)
        return _EDGE_LIGHT + (1 - _EDGE_LIGHT) * np.clip(2 * near - 0.8, 0, 1)


def without_teeth(picture: NDArray[np.uint8], inner_lips: FloatArray) -> NDArray[np.uint8]:
    """Copy of a picture (H, W, 3) in which the mouth's inside is as dark as the line where lips meet.

    Lips drawn from it show no crumbs of teeth along their edge, closed or open.
    """
    height, width = picture.shape[:2]
    box = Box.around(inner_lips, (height, width), margin=4)
    inside = cv2.GaussianBlur(_polygon(inner_lips - box.origin, box.height, box.width), (0, 0), 0.8)[..., None]
    bare = picture.copy()
    patch = bare[box.slices]
    patch[:] = np.rint(patch + inside * (_LIP_LINE - patch)).astype(np.uint8)
    return bare


def _polygon(points: FloatArray, height: int, width: int) -> NDArray[np.float32]:
    """Cover (height, width), float32 0..1, of a polygon (n, 2) in pixels."""
    fine = np.zeros((height * _SUBPIXELS, width * _SUBPIXELS), np.uint8)
    cv2.fillPoly(fine, [_fine_corners(points)], 255, cv2.LINE_8, _FRACTION_BITS)
    return _averaged(fine, height, width)


def _outline(points: FloatArray, height: int, width: int, thickness: float) -> NDArray[np.float32]:
    """Cover (height, width), float32 0..1, of a polygon's edge, `thickness` pixels wide."""
    fine = np.zeros((height * _SUBPIXELS, width * _SUBPIXELS), np.uint8)
    fine_thickness = max(1, round(thickness * _SUBPIXELS))
    cv2.polylines(fine, [_fine_corners(points)], True, 255, fine_thickness, cv2.LINE_8, _FRACTION_BITS)
    return _averaged(fine, height, width)


def _fine_corners(points: FloatArray) -> NDArray[np.int32]:
    # Pixel centres lie at whole numbers: the fine grid starts half a pixel earlier.
    return np.rint(((points + 0.5) * _SUBPIXELS - 0.5) * (1 << _FRACTION_BITS)).astype(np.int32)


def _averaged(fine: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    return cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _tongue_mask(inner_lips: FloatArray, height: int, width: int) -> NDArray[np.float32]:
    """Soft ellipse (height, width) that lies behind the lower lip when the mouth is closed."""
    half_width = np.ptp(inner_lips[:, 0]) / 2
    x0, y0 = inner_lips.mean(axis=0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    distance = np.hypot((x - x0) / (0.62 * half_width), (y - y0) / (0.22 * half_width))
    return np.clip(1.6 - 1.1 * distance, 0, 0.9).astype(np.float32)
