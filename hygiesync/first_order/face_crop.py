"""Where a picture is cut: as asked for, around the face, or its middle."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError, UsageError
from hygiesync.extras import is_there, require
from hygiesync.first_order.crop import Square, bounds

AUTO, FACE, NONE = "auto", "face", "none"


def chosen_square(image: NDArray[np.uint8], crop: str, name: str) -> Square:
    """The square of a picture (h, w, 3) that a model is to see.

    Parameters
    ----------
    image : ndarray
    crop : str
        ``face``; ``none``: the middle; ``auto``: the face where there is one, else the middle; or ``LEFT,TOP,SIDE``,
        pixels.
    name : str
        The picture's, for messages.

    Raises
    ------
    UsageError
        When `crop` is no such thing, or reaches out of the picture.
    InputError
        When no face is found where one is asked for.
    """
    height, width = image.shape[:2]
    if crop == NONE or (crop == AUTO and not is_there("mediapipe")):
        return Square.middle(width, height)
    if crop in (FACE, AUTO):
        require("photo", "cutting around a face")
        from hygiesync.face.landmarks import find_faces

        faces = find_faces(image)
        if faces:
            largest = max(faces, key=lambda face: float(np.prod(np.ptp(face[:, :2], axis=0))))
            return Square.around(bounds(largest), width, height)
        if crop == AUTO:
            return Square.middle(width, height)
        raise InputError(f"{name}: no face was found; say where to cut as LEFT,TOP,SIDE, or `crop` none for the middle")
    return _explicit(crop, width, height, name)


def _explicit(crop: str, width: int, height: int, name: str) -> Square:
    try:
        left, top, side = (int(part) for part in crop.split(","))
    except ValueError:
        raise UsageError(f"`crop`: expected auto, face, none or LEFT,TOP,SIDE in pixels, got {crop!r}") from None
    if min(left, top) < 0 or side < 1 or left + side > width or top + side > height:
        raise UsageError(f"`crop`: {crop} reaches out of {name}, which is {width}x{height}; choose a smaller square")
    return Square(left, top, side)


def shown(image: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
    """The picture with what lies outside the square darkened."""
    dark = (image // 3).astype(np.uint8)
    inside = slice(square.top, square.top + square.side), slice(square.left, square.left + square.side)
    dark[inside] = image[inside]
    corner = (square.left + square.side - 1, square.top + square.side - 1)
    cv2.rectangle(dark, (square.left, square.top), corner, (255, 255, 255), max(1, square.side // 200))
    return dark
