"""How near one video's pictures are to another's: at the mouth, where it meets the face, and everywhere else.

Both pictures of a moment are cut out at the *same* place, where the real face is, so that head motion drops out and
any misplaced pixel counts. Nothing but sums and the last two mouths is remembered, whatever the length of the videos.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.evaluation.blend_seam import change_across, picture_gradient
from hygiesync.face.pose import apply_similarity, invert_similarity
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_LIPS, LOWER_MOUTH_REGION
from hygiesync.rendering.interfaces import TemplateFace
from hygiesync.rendering.mesh import FaceMesh

_MOUTH_MARGIN = 0.12
_SURELY_EQUAL = 1e-3
"""Mean squared error that stands for no difference at all: it gives 78 dB."""

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_REGION_MARGIN_PX = 3


@dataclass(frozen=True)
class CanonicalWindow:
    """A rectangle of the canonical face, cut out of pictures at a fixed size.

    Attributes
    ----------
    left, top : float, canonical units
    width, height : int, pixels
    px_per_unit : float
        Pixels for the distance between the eyes.
    """

    left: float
    top: float
    width: int
    height: int
    px_per_unit: float

    @classmethod
    def around(cls, points: FloatArray, margin: float, px_per_unit: float) -> CanonicalWindow:
        """Window around points (n, 2) in canonical units."""
        left, top = points.min(0) - margin
        width, height = np.ceil((np.ptp(points, axis=0) + 2 * margin) * px_per_unit)
        return cls(float(left), float(top), max(int(width), 8), max(int(height), 8), px_per_unit)

    def cut(self, image: NDArray[np.uint8], to_picture: FloatArray) -> NDArray[np.uint8]:
        """Window (height, width, 3), uint8, of `image`, whose canonical face `to_picture` (2, 3) places."""
        pixel_to_canonical = np.array([[1 / self.px_per_unit, 0, self.left], [0, 1 / self.px_per_unit, self.top]])
        linear = to_picture[:, :2] @ pixel_to_canonical[:, :2]
        shift = to_picture[:, :2] @ pixel_to_canonical[:, 2] + to_picture[:, 2]
        backward = np.concatenate([linear, shift[:, None]], 1)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, backward, (self.width, self.height), flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def to_pixels(self, points: FloatArray) -> NDArray[np.float64]:
        """Points (n, 2) in canonical units as pixels of the window."""
        return (points - (self.left, self.top)) * self.px_per_unit


class PictureComparison:
    """Compares the pictures of two videos, a pair at a time.

    Parameters
    ----------
    shape : ShapeModel
    px_per_unit : float
        Distance between the eyes in the pictures, so that windows are cut at the pictures' own scale.
    """

    def __init__(self, shape: ShapeModel, px_per_unit: float) -> None:
        self._mesh = FaceMesh(shape)
        self._mouth = CanonicalWindow.around(shape.mean[LOWER_LIPS], _MOUTH_MARGIN, px_per_unit)
        self.lower_face = CanonicalWindow.around(self._mesh.still, 0.0, px_per_unit)
        window = (self.lower_face.height, self.lower_face.width, 3)
        self._difference, self._real = np.zeros(window), np.zeros(window)
        self._edges = np.zeros((2, *window[:2]))
        self._mouth_error, self._sharpness, self._flicker, self._seam = _Mean(), _Mean(2), _Mean(2), _Mean(2)
        self._outside_error = _Mean()
        self._last: deque[NDArray[Any]] = deque(maxlen=3)
        self._n_pairs = 0

    def add(self, real: NDArray[np.uint8], other: NDArray[np.uint8], face: TemplateFace) -> None:
        """Take in the next pair of pictures (H, W, 3), uint8, RGB; `face` is the real one's."""
        real_mouth, other_mouth = (self._mouth.cut(image, face.to_picture) for image in (real, other))
        self._mouth_error.add(_squared_error(real_mouth, other_mouth))
        grey = np.stack([mouth @ _GREY for mouth in (real_mouth, other_mouth)])
        self._sharpness.add(np.array([cv2.Laplacian(mouth, cv2.CV_32F).var() for mouth in grey]))
        self._last.append(grey)
        if len(self._last) == 3:
            before, at, after = self._last
            self._flicker.add(np.abs(before - 2 * at + after).mean((1, 2)))
        self._outside_error.add(_squared_error(real, other, ~self._lower_face_mask(face, *real.shape[:2])))
        real_window, other_window = (self.lower_face.cut(image, face.to_picture) for image in (real, other))
        self._real += real_window
        self._difference += cv2.absdiff(real_window, other_window)
        gradients = [picture_gradient(window @ _GREY) for window in (real_window, other_window)]
        self._edges += [np.hypot(*gradient) for gradient in gradients]
        outline = self._outline(face)
        self._seam.add(np.array([change_across(gradient, outline) for gradient in gradients]))
        self._n_pairs += 1

    def skip(self) -> None:
        """Leave out a pair: what comes next does not follow upon what came before."""
        self._last.clear()

    def measures(self) -> dict[str, float]:
        """Peak signal-to-noise ratios in decibels; ratios of the other's measure to the real one's."""
        real_sharpness, sharpness = self._sharpness.value
        real_flicker, flicker = self._flicker.value
        real_seam, seam = self._seam.value
        return {
            "mouth_psnr_db": _psnr_db(self._mouth_error),
            "mouth_sharpness_ratio": float(sharpness / max(real_sharpness, 1e-9)),
            "mouth_flicker_ratio": float(flicker / max(real_flicker, 1e-9)),
            "seam_ratio": float(seam / max(real_seam, 1e-9)),
            "outside_psnr_db": _psnr_db(self._outside_error),
        }

    @property
    def mean_real(self) -> NDArray[np.uint8]:
        """Mean lower face (height, width, 3), uint8, of the real video."""
        return (self._real / max(self._n_pairs, 1)).astype(np.uint8)

    @property
    def mean_difference(self) -> NDArray[np.float64]:
        """Mean absolute difference (height, width), levels of 255, within the lower face's window."""
        return (self._difference / max(self._n_pairs, 1)).mean(-1)

    @property
    def mean_real_edges(self) -> NDArray[np.float64]:
        """Mean length of the gradient (height, width), levels per pixel, of the real lower face."""
        return self._edges[0] / max(self._n_pairs, 1)

    @property
    def mean_added_edges(self) -> NDArray[np.float64]:
        """How much longer the other's gradient is in the mean (height, width), levels per pixel; negative is smoother.

        What is wrong by another moment's teeth is wrong in different places at different times and fades; a line that
        the real face does not have is always there.
        """
        return (self._edges[1] - self._edges[0]) / max(self._n_pairs, 1)

    def _outline(self, face: TemplateFace) -> NDArray[np.float64]:
        """Outline (n_corners, 2), pixels of the lower face's window, of what is blended in, where the real jaw is."""
        in_picture = face.lower[LOWER_MOUTH_REGION]
        return self.lower_face.to_pixels(apply_similarity(invert_similarity(face.to_picture), in_picture))

    def _lower_face_mask(self, face: TemplateFace, height: int, width: int) -> NDArray[np.bool_]:
        """Pixels (height, width), bool, that putting in a mouth may change."""
        mask = np.zeros((height, width), np.uint8)
        hull = cv2.convexHull(np.rint(self._mesh.place(face.lower, face.to_picture)).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
        return cv2.dilate(mask, np.ones((2 * _REGION_MARGIN_PX + 1,) * 2, np.uint8)).astype(bool)


class _Mean:
    """Mean of a stream of numbers, or of rows of `size` numbers."""

    def __init__(self, size: int = 1) -> None:
        self._sum, self._count = np.zeros(size), 0

    def add(self, value: FloatArray | float) -> None:
        self._sum += value
        self._count += 1

    @property
    def value(self) -> NDArray[np.float64]:
        return self._sum / max(self._count, 1)


def _squared_error(a: NDArray[np.uint8], b: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> float:
    """Mean squared difference of two pictures, within `mask`; 0 where that is empty."""
    squared = cv2.absdiff(a, b).astype(np.float32) ** 2
    if mask is None:
        return float(squared.mean())
    return float(squared[mask].mean()) if mask.any() else 0.0


def _psnr_db(error: _Mean) -> float:
    return float(10 * np.log10(255**2 / max(float(error.value[0]), _SURELY_EQUAL)))
