"""The face of a picture on the head of a video.

The picture's face is warped onto the video's landmarks, so that it moves as the video's does. What is coarse in its
colours, light and shade, becomes that of the face it replaces; what is fine stays its own. It is blended along a rim
inside the face's outline. The mouth's inside stays the video's.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIPS
from hygiesync.interpolation import smoothstep
from hygiesync.portrait.eyes import Eye
from hygiesync.portrait.masks import cover
from hygiesync.portrait.parts import EYES, GAPS, IRISES, OVAL, eye_distance
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.warp import Box, double_areas

_COARSE = 0.22
"""Standard deviation of what counts as light and not as feature, in eye distances."""

_RIM = 0.22
"""Width over which the face fades out inside its outline, in eye distances."""

_NODES = 60
_DARKEST, _RATIOS = 6.0, (0.25, 3.5)
"""Level added to both lights before they are divided, and how far one may be from the other."""

_MAX_SHRINK = 0.8
"""A picture larger than the video's face is first scaled down: taken point by point its grain would flicker."""

_KNEE = 205.0
"""Level from which on brighter ones are drawn together."""

_LIGHT_CELLS = 24.0
"""Cells to an eye distance in which light is compared."""


class FaceSwap:
    """One picture's face, ready for any video.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    triangles : ndarray, shape (n, 3), int
        Of the face, as from :func:`hygiesync.face.landmarks.mesh_triangles`.
    size_px : float
        Distance between the eyes in the video, about.
    """

    def __init__(
        self, image: NDArray[np.uint8], landmarks: FloatArray, triangles: NDArray[np.int64], size_px: float
    ) -> None:
        shrink = size_px / float(eye_distance(landmarks))
        if shrink < _MAX_SHRINK:
            image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            middle = np.array([0.5, 0.5, 0.0])  # of a pixel
            landmarks = (landmarks + middle) * shrink - middle
        self._image, self._source = image, landmarks[:, :2]
        self._triangles = np.concatenate([triangles, GAPS])
        self._areas = double_areas(self._source[self._triangles])
        self._eyes = [
            Eye(image, landmarks[list(ring), :2], landmarks[list(iris), :2])
            for ring, iris in zip(EYES, IRISES, strict=True)
        ]

    def render(self, image: NDArray[np.uint8], target: FaceTarget) -> NDArray[np.uint8]:
        """A frame of a video with the picture's face on the one that is there.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB
        target : FaceTarget
            The video's own face.

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new one.
        """
        swapped = image.copy()
        box = Box.around(target.landmarks[list(OVAL), :2], image.shape[:2], 2)
        if box.width < 8 or box.height < 8:
            return swapped
        place = target.landmarks - (*box.origin, 0)
        slits = target.slits[..., :2] - box.origin
        unit = float(eye_distance(place))
        own = image[box.slices]
        face = self._warped(place, slits, Box(0, 0, box.width, box.height), unit)
        share = _share(place, box, unit)
        matched = face * _light_ratio(own, face, share, unit)
        matched = np.rint(_below_white(matched)).astype(np.uint8)
        swapped[box.slices] = cv2.blendLinear(matched, np.ascontiguousarray(own), share, 1 - share)
        return swapped

    def _warped(self, place: FloatArray, slits: FloatArray, box: Box, unit: float) -> NDArray[np.uint8]:
        """The picture's face (h, w, 3), uint8, at landmarks `place` (478, 3) and lids' `slits` in a box."""
        grid = NodeGrid(box, int(np.clip(round(unit / _NODES), 1, 8)))
        corners = place[self._triangles]
        share = double_areas(corners[..., :2]) / self._areas
        nearness = -corners[..., 2].mean(1) / unit
        rank = np.where(share > 0, nearness - nearness.min() + 1, 0.0)
        backward = grid.to_pixels(Target(place[:, :2], self._triangles, grid, rank).backward(self._source))
        face = cv2.remap(self._image, backward, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for eye, ring, iris, slit in zip(self._eyes, EYES, IRISES, slits, strict=True):
            eye.paint(face, place[list(ring), :2], slit, place[iris[0], :2])
        return face


def _below_white(values: FloatArray) -> NDArray[np.float32]:
    """Levels (h, w, 3) of which the brightest near white slowly: cut off, a lit cheek would be a white patch."""
    over = np.maximum(values - _KNEE, 0) / (255 - _KNEE)
    return np.maximum(np.minimum(values, _KNEE) + (255 - _KNEE) * np.tanh(over), 0)


def _share(place: FloatArray, box: Box, unit: float) -> NDArray[np.float32]:
    """How far (h, w), float32, the picture's face covers the video's."""
    whole = Box(0, 0, box.width, box.height)
    inside = cover(place[list(OVAL)], whole)
    distance = cv2.distanceTransform((inside > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    share = smoothstep(distance / (_RIM * unit) - 0.15)
    mouth = cv2.GaussianBlur(cover(place[list(INNER_LIPS)], whole), (0, 0), max(0.6, 0.01 * unit))
    return (share * (1 - mouth)).astype(np.float32)


def _light_ratio(
    own: NDArray[np.uint8], face: NDArray[np.uint8], share: FloatArray, unit: float
) -> NDArray[np.float32]:
    """What (h, w, 3), float32, the coarse colours of `face` are to be multiplied with to be those of `own`."""
    height, width = share.shape
    scale = min(1.0, _LIGHT_CELLS / unit)
    size = max(4, round(width * scale)), max(4, round(height * scale))
    weight = cv2.resize((share > 0.02).astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    sigma = _COARSE * unit * scale
    coarse = [
        cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA) * weight, (0, 0), sigma)
        for image in (own, face)
    ]
    known = _DARKEST * cv2.GaussianBlur(weight, (0, 0), sigma)[..., None] + 1e-3
    ratio = np.clip((coarse[0] + known) / (coarse[1] + known), *_RATIOS)
    return cv2.resize(ratio, (width, height), interpolation=cv2.INTER_LINEAR)
