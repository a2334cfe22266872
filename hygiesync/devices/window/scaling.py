"""Pictures in another size, quickly enough for each of sixty a second."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def middle_square(picture: NDArray[Any]) -> NDArray[Any]:
    """The largest square in the middle of a picture, as a view."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture in another size, without the flicker of skipped pixels.

    Squares of whole pixels are averaged first, and what remains is interpolated: a quarter of the time of averages
    over parts of pixels. The last columns and rows go where they fill no square.

    Parameters
    ----------
    picture : ndarray, shape (height, width, 3), uint8
    size : tuple of int
        Width and height.

    Returns
    -------
    ndarray, shape (size[1], size[0], 3), uint8
        The picture itself where it has that size.
    """
    height, width = picture.shape[:2]
    square = min(width // size[0], height // size[1])
    if square > 1:
        width, height = width // square, height // square
        whole = picture[: height * square, : width * square]
        picture = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == size:
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
