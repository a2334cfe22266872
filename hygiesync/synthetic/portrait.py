"""A photograph that can speak: the public-domain portrait inside scikit-image, with a mouth that follows mouth curves.

A frame is made of three layers: the whole photograph, moved as the head moves; the triangles around the mouth, warped
to the wanted shape; and between parted lips a painted cavity with the portrait's own teeth. Since the shape is made
here, the true landmarks of every frame are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import HygieSyncError, UsageError
from hygiesync.extras import imports_of
from hygiesync.face.landmarks import N_LANDMARKS, LandmarkDetector
from hygiesync.face.topology import INNER_LIPS, LEFT_EYE_OUTER, OUTER_LIPS, RIGHT_EYE_OUTER
from hygiesync.rendering.warp import Box, PiecewiseAffine, sample
from hygiesync.synthetic.portrait_mouth import MouthInterior, without_teeth
from hygiesync.synthetic.portrait_shape import PortraitShape

MIN_SIZE = 128
"""Smallest picture (pixels) in which the face is still found reliably."""

_CROP_LEFT, _CROP_TOP, _CROP_SIDE = 105, 0, 240
"""The square of the photograph that fills a frame; the rest is the margin that head motion reveals."""

_MARGIN = 0.25
"""Reflected border above and beside the photograph, as a part of the frame's size."""


@dataclass(frozen=True)
class FaceAxes:
    """The face's own axes in a picture: x along the eyes, y towards the chin, in units of the outer-eye distance."""

    origin: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def from_landmarks(cls, landmarks: FloatArray) -> FaceAxes:
        """Axes of a face with `landmarks` (478, 2), centred on its mouth."""
        across = landmarks[LEFT_EYE_OUTER] - landmarks[RIGHT_EYE_OUTER]
        axes = np.array([across, (-across[1], across[0])])
        return cls(landmarks[list(INNER_LIPS)].mean(axis=0), axes)

    def to_face(self, points: FloatArray) -> NDArray[np.float64]:
        """Face coordinates (n, 2) of `points` in pixels."""
        return (points - self.origin) @ np.linalg.inv(self.axes)

    def to_pixels(self, points: FloatArray) -> NDArray[np.float64]:
        """Pixels (n, 2) of `points` in face coordinates."""
        return self.origin + points @ self.axes


class Portrait:
    """The speaking photograph.

    Parameters
    ----------
    size : int
        Width and height of its frames in pixels.

    Raises
    ------
    UsageError
        When `size` is too small.
    MissingDependencyError
        When scikit-image isn't installed.
    """

    def __init__(self, size: int = 512) -> None:
        if size < MIN_SIZE:
            raise UsageError(f"portrait size: expected at least {MIN_SIZE} pixels, got {size}")
        self.size = size
        self._picture, self._window = _enlarged_photograph(size)
        left, top = self._window
        landmarks = _detect(self._picture[top : top + size, left : left + size]) + self._window
        self._axes = FaceAxes.from_landmarks(landmarks)
        self._shape = PortraitShape(self._axes.to_face(landmarks))
        self._source = self._axes.to_pixels(self._shape.source)
        self._mesh = PiecewiseAffine(self._shape.moving_triangles())
        self._mouth = MouthInterior(self._picture, landmarks[list(INNER_LIPS)])
        self._picture = without_teeth(self._picture, landmarks[list(INNER_LIPS)])

    @property
    def triangles(self) -> NDArray[Any]:
        """Vertex indices (n_triangles, 3) of the part of the mesh that moves."""
        return self._mesh.triangles

    @property
    def centre(self) -> NDArray[np.float64]:
        """Point (x, y) in pixels of the frame between the eyes and the mouth: what the head turns about."""
        return self._axes.to_pixels(np.array([[0.0, -0.4]]))[0] - self._window

    def vertices(self, opening: float, width: float, tuck: float) -> NDArray[np.float64]:
        """Mesh vertices of a mouth shape, without head motion.

        Parameters
        ----------
        opening, width, tuck : float
            As in :data:`hygiesync.tts.visemes.CURVES`.

        Returns
        -------
        ndarray, shape (n_vertices, 2), float64, pixels, (x, y)
            The 478 landmarks first, then the rings around the face.
        """
        return self._axes.to_pixels(self._shape.articulation.vertices(opening, width, tuck)) - self._window

    def render(
        self, opening: float, width: float, tuck: float, pose: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """One frame and its true landmarks.

        Parameters
        ----------
        opening, width, tuck : float
            As in :data:`hygiesync.tts.visemes.CURVES`.
        pose : ndarray, shape (2, 3), float64
            Similarity that carries the still frame to this one, head and background together.

        Returns
        -------
        image : ndarray, shape (size, size, 3), uint8, RGB
        landmarks : ndarray, shape (478, 2), float64, pixels, (x, y)
        """
        shape = self.vertices(opening, width, tuck)
        target = shape @ pose[:, :2].T + pose[:, 2]
        whole = pose.copy()
        whole[:, 2] -= pose[:, :2] @ self._window
        image = cv2.warpAffine(self._picture, whole, (self.size, self.size), flags=cv2.INTER_LINEAR)
        self._paint_face(image, target)
        jaw_shift = self._axes.axes.T @ self._shape.articulation.jaw_shift(opening)
        self._mouth.paint(image, target[list(INNER_LIPS)], whole, pose[:, :2] @ jaw_shift)
        return image, target[:N_LANDMARKS]

    def _paint_face(self, image: NDArray[np.uint8], target: FloatArray) -> None:
        """Draw the moving triangles over `image`, in place."""
        moving = target[np.unique(self._mesh.triangles)]
        box = Box.around(moving, (self.size, self.size))
        index = self._mesh.triangle_map(target, box)
        origin = self._mesh.backward_map(target, self._source, box, index)
        lips = Box.around(target[list(OUTER_LIPS)], (self.size, self.size)).slices_within(box)
        origin[lips] = self._held_inside(origin[lips], index[lips])
        np.copyto(image[box.slices], sample(self._picture, origin), where=(index >= 0)[..., None])

    def _held_inside(self, origin: FloatArray, index: NDArray[np.int32]) -> NDArray[np.float32]:
        """Backward map `origin` (h, w, 2) with each pixel's origin held within the bounds of its source triangle.

        Where closed lips make triangles thinner than a pixel, a pixel's middle lies many heights outside, and would
        otherwise be taken from anywhere in the face.
        """
        corners = self._source[self._mesh.triangles].astype(np.float32)
        inside = np.clip(origin, corners.min(axis=1)[index], corners.max(axis=1)[index])
        return np.where((index >= 0)[..., None], inside, origin)


def photograph() -> NDArray[np.uint8]:
    """Head and shoulders of the portrait, (400, 400, 3), uint8, RGB, as it was taken.

    Raises
    ------
    MissingDependencyError
        When scikit-image isn't installed.
    """
    return np.ascontiguousarray(_whole_photograph()[:400, 25:425])


def _whole_photograph() -> NDArray[np.uint8]:
    with imports_of("demo", "the demonstration portrait"):
        from skimage import data
    return np.asarray(data.astronaut())


def _enlarged_photograph(size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The photograph at the frame's scale with reflected margins, and the corner (x, y) of the still frame in it."""
    scale = size / _CROP_SIDE
    enlarged = cv2.resize(_whole_photograph(), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    margin = round(_MARGIN * size)
    bordered = cv2.copyMakeBorder(enlarged, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
    window = np.array([round(_CROP_LEFT * scale) + margin, round(_CROP_TOP * scale) + margin])
    # What head motion can reveal; the rest of the photograph would only cost memory.
    left, top = window - margin
    return bordered[top : top + size + 2 * margin, left : left + size + 2 * margin], np.array([margin, margin])


def _detect(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    with LandmarkDetector() as detector:
        landmarks = detector.detect(np.ascontiguousarray(image))
    if landmarks is None:
        raise HygieSyncError("the demonstration portrait: expected to find one face in it, found none")
    return landmarks
