"""How much fine detail sampling takes off a painted mouth, and what gives it back.

A reference is sampled from the atlas into the patch, and the painted patch again into the frame. Held-out mouths are
taken that way into the very picture that they were filmed in, and their sharpness there is compared with the camera's,
around the lips: skin's finest detail is mostly the camera's noise.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.mouth_unet.learning.examples import Example, Examples
from hygiesync.mouth_unet.painter import with_texture

MAX_DETAIL = 2.0
"""A larger factor would be noise."""

_WANTED = 0.85
"""Of the camera's sharpness, squared Laplacian: the rest is noise, which encoding takes off real videos as well."""

_PROBED_DETAIL = 1.5


def measured_detail(
    examples: Examples, held_out: list[Example], painted: list[NDArray[np.float32]], texture: float
) -> float:
    """Factor of the fine detail with which painted mouths look as sharp in a frame as real ones.

    Parameters
    ----------
    examples : Examples
    held_out : list of Example
    painted : list of ndarray, shape (height, width, 3), float32, levels of 255
        As the network paints them.
    texture : float
        Share of the reference's fine detail; see :func:`hygiesync.mouth_unet.painter.with_texture`.
    """
    plain, sharpened = (
        float(np.sqrt(_sharpness_ratio(examples, held_out, painted, texture, detail)))
        for detail in (1.0, _PROBED_DETAIL)
    )
    # the Laplacian is linear in the detail, so its size nearly is
    wanted = 1 + (np.sqrt(_WANTED) - plain) * (_PROBED_DETAIL - 1) / max(sharpened - plain, 1e-6)
    return float(np.clip(wanted, 1.0, MAX_DETAIL))


def _sharpness_ratio(
    examples: Examples, held_out: list[Example], painted: list[NDArray[np.float32]], texture: float, detail: float
) -> float:
    """Mean squared Laplacian of painted mouths in their pictures, against the camera's."""
    made = real = 0.0
    for example, patch in zip(held_out, painted, strict=True):
        finished = with_texture(patch, example.reference, texture, detail)
        around_lips = cv2.dilate(example.outline[..., 0], np.ones((5, 5), np.uint8)).astype(np.float32) / 255
        picture, in_picture, weight = examples.in_picture(example.index, finished, around_lips)
        real += _energy(picture, weight)
        made += _energy(in_picture, weight)
    return made / max(real, 1e-6)


def _energy(picture: NDArray[np.uint8], weight: NDArray[np.float32]) -> float:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.average(cv2.Laplacian(grey, cv2.CV_32F) ** 2, weights=weight + 1e-9))
