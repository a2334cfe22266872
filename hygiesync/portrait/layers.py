"""A picture taken apart into the person and what lies behind, so that the one can move before the other.

The matte of a small network, sharpened along the picture's own edges, says how much of each pixel is the person. What
they hide is filled in: next to their outline with the background mirrored at it, which keeps its texture, and further
inside with ever smoother colours. Pixels of the outline, in which both are mixed, are unmixed, so that hair takes none
of the old background along. Put together again without motion, the layers give the picture itself.

References
----------
He, Sun & Tang, *Guided Image Filtering*, 2010 (edges); Burt, *Moment images, polynomial fit filters and the problem of
surface interpolation*, 1988 (pull and push).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.parts import OVAL, upright

_HAZE, _SOLID = 0.1, 0.9
"""Shares of the matte below and above which a pixel is only background or only person."""

_UNMIXED_FROM = 0.3
"""Person's share of a pixel from which its colour can be told."""

_TEXTURED_REACH = 0.35
"""How far inside the outline the mirrored background reaches, in eye distances."""

_STRAY = 0.05
"""How far from the person the background is free of their hairs, in eye distances."""

_MIRROR_BEND = 0.1
"""How smoothly the mirror bends, in eye distances."""

_STEP_REACH = 0.5
"""How far a difference at the border of what is made up fades out, in eye distances."""

_FACE_MARGIN = 1.04


@dataclass(frozen=True)
class Layers:
    """Person and background.

    Attributes
    ----------
    person : ndarray, shape (H, W, 3), uint8, RGB
        The person's colours, continued beyond their outline.
    alpha : ndarray, shape (H, W), uint8
        How much of each pixel is theirs.
    background : ndarray, shape (H, W, 3), uint8, RGB
        The picture without the person.
    """

    person: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    background: NDArray[np.uint8]

    @classmethod
    def from_picture(cls, image: NDArray[np.uint8], matte: NDArray[np.float32], landmarks: FloatArray) -> Layers:
        """Layers of a picture.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB
        matte : ndarray, shape (H, W), float32, 0 to 1
            Coarse share of the person, as from :func:`hygiesync.face.landmarks.person_matte`.
        landmarks : ndarray, shape (478, 2 or 3), pixels
            The face, which is the person's whatever the matte says.
        """
        unit = float(np.linalg.norm(upright(landmarks)[1][0]))
        alpha = _with_face(_refined(image, matte, unit), landmarks)
        background = _behind(image, alpha, unit)
        share = alpha[..., None]
        mixed = image.astype(np.float32) - (1 - share) * background
        own = np.clip(mixed / np.maximum(share, _UNMIXED_FROM), 0, 255)
        weight = np.clip((alpha - _UNMIXED_FROM) / (1 - _UNMIXED_FROM), 0, 1) + (alpha >= 1)
        beyond = pull_push(own, np.minimum(weight, 1.0))
        person = np.where(share >= _UNMIXED_FROM, own, beyond)
        return cls(_as_bytes(person), _as_bytes(255 * alpha), _as_bytes(background))


def pull_push(image: NDArray[np.float32], weight: FloatArray) -> NDArray[np.float32]:
    """Smooth colours everywhere from those that are known.

    Parameters
    ----------
    image : ndarray, shape (h, w, n), float32
    weight : ndarray, shape (h, w), float, 0 to 1
        How far each pixel is known; known ones keep their colour.

    Returns
    -------
    ndarray, shape (h, w, n), float32
    """
    height, width = weight.shape
    if min(height, width) <= 2 or weight.min() >= 1:
        return image.astype(np.float32)
    weight = weight.astype(np.float32)
    size = (width + 1) // 2, (height + 1) // 2
    mean_weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(image.astype(np.float32) * weight[..., None], size, interpolation=cv2.INTER_AREA)
    mean = mean.reshape(*mean_weight.shape, -1) / np.maximum(mean_weight, 1e-6)[..., None]
    coarse = pull_push(mean, np.clip(4 * mean_weight, 0, 1))
    coarse = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)
    return coarse + weight[..., None] * (image - coarse)


def _refined(image: NDArray[np.uint8], matte: FloatArray, unit: float) -> NDArray[np.float32]:
    """The matte (H, W), float32, 0 to 1, along the picture's own edges."""
    radius = max(2, round(0.12 * unit))
    alpha = cv2.ximgproc.guidedFilter(image, matte, radius, (0.02 * 255) ** 2)
    return np.clip((alpha - _HAZE) / (_SOLID - _HAZE), 0, 1)


def _with_face(alpha: FloatArray, landmarks: FloatArray) -> NDArray[np.float32]:
    outline = landmarks[list(OVAL), :2]
    middle = outline.mean(0)
    face = np.zeros(alpha.shape, np.uint8)
    cv2.fillConvexPoly(face, np.rint(middle + _FACE_MARGIN * (outline - middle)).astype(np.int32), 255)
    return np.maximum(alpha, cv2.GaussianBlur(face, (0, 0), 1.5).astype(np.float32) / 255)


def _behind(image: NDArray[np.uint8], alpha: FloatArray, unit: float) -> NDArray[np.float32]:
    """The background (H, W, 3), float32."""
    from scipy.ndimage import distance_transform_edt

    is_known = alpha < 0.02
    # the outline's own haze is neither: a margin keeps it out of what is mirrored
    is_known = cv2.erode(is_known.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2) > 0
    # single hairs beyond the matte would be mirrored into feathers
    is_clean = cv2.erode(is_known.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=round(_STRAY * unit)) > 0
    if not is_clean.any():
        return image.astype(np.float32)
    smooth = pull_push(image.astype(np.float32), is_clean.astype(np.float32))
    depth, (row, column) = distance_transform_edt(~is_clean, return_indices=True)
    height, width = alpha.shape
    y, x = np.mgrid[:height, :width]
    away = np.stack([2 * (column - x), 2 * (row - y)], -1).astype(np.float32)
    # where the nearest point jumps, from one side of a lock of hair to the other, the mirror would splinter
    away = cv2.GaussianBlur(away, (0, 0), max(1.0, _MIRROR_BEND * unit))
    mirrored = away + np.stack([x, y], -1).astype(np.float32)
    beside = np.dstack([image, 255 * is_clean.astype(np.uint8)])
    beside = cv2.remap(beside, mirrored, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
    share = np.clip(1 - depth / (_TEXTURED_REACH * unit), 0, 1).astype(np.float32)
    share *= cv2.GaussianBlur(beside[..., 3], (0, 0), 2) / 255
    filled = smooth + share[..., None] * (beside[..., :3] - smooth)
    # what is made up meets what is seen without a step
    step = pull_push(image.astype(np.float32) - filled, is_known.astype(np.float32))
    filled += step * np.clip(1 - depth / (_STEP_REACH * unit), 0, 1).astype(np.float32)[..., None]
    return np.where(is_known[..., None], image, filled).astype(np.float32)


def _as_bytes(values: FloatArray) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
