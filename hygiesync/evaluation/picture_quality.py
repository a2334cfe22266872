"""How near one video's pictures are to another's: at the mouth, where it meets the face, and everywhere else.

Both pictures of a moment are cut out at the *same* place, where the real face is, so that head motion drops out and
any misplaced pixel counts. Nothing but sums and the last two mouths is remembered, whatever the length of the videos.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.evaluation.blend_seam import change_across, picture_gradient
from hygiesync.evaluation.mouth_look import GREY, MouthLook, RunningMean, psnr_db, squared_error
from hygiesync.face.pose import apply_similarity, invert_similarity
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_LIPS, LOWER_MOUTH_REGION
from hygiesync.rendering.interfaces import TemplateFace
from hygiesync.rendering.mesh import FaceMesh

_MOUTH_MARGIN = 0.12
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
        self._mouth, self._look = mouth_window(shape, px_per_unit), MouthLook()
        self.lower_face = CanonicalWindow.around(self._mesh.still, 0.0, px_per_unit)
        window = (self.lower_face.height, self.lower_face.width, 3)
        self._difference, self._real = np.zeros(window), np.zeros(window)
        self._edges = np.zeros((2, *window[:2]))
        self._seam, self._outside_error = RunningMean(2), RunningMean()
        self._n_pairs = 0

    def add(self, real: NDArray[np.uint8], other: NDArray[np.uint8], face: TemplateFace) -> None:
        """Take in the next pair of pictures (H, W, 3), uint8, RGB; `face` is the real one's."""
        self._look.add(*(self._mouth.cut(image, face.to_picture) for image in (real, other)))
        self._outside_error.add(squared_error(real, other, ~self._lower_face_mask(face, *real.shape[:2])))
        real_window, other_window = (self.lower_face.cut(image, face.to_picture) for image in (real, other))
        self._real += real_window
        self._difference += cv2.absdiff(real_window, other_window)
        gradients = [picture_gradient(window @ GREY) for window in (real_window, other_window)]
        self._edges += [np.hypot(*gradient) for gradient in gradients]
        outline = self._outline(face)
        self._seam.add(np.array([change_across(gradient, outline) for gradient in gradients]))
        self._n_pairs += 1

    def skip(self) -> None:
        """Leave out a pair: what comes next does not follow upon what came before."""
        self._look.skip()

    def measures(self) -> dict[str, float]:
        """Peak signal-to-noise ratios in decibels; ratios of the other's measure to the real one's."""
        real_seam, seam = self._seam.value
        return {
            **self._look.measures(),
            "seam_ratio": float(seam / max(real_seam, 1e-9)),
            "outside_psnr_db": psnr_db(self._outside_error),
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


def mouth_window(shape: ShapeModel, px_per_unit: float) -> CanonicalWindow:
    """The window that holds a person's lips, at so many pixels for the distance between the eyes."""
    return CanonicalWindow.around(shape.mean[LOWER_LIPS], _MOUTH_MARGIN, px_per_unit)
