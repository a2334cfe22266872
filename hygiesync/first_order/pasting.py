"""A square put back into the picture that it was cut from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.first_order.crop import Square

FEATHER = 0.08
"""Width of the border, as a part of the side, over which the square passes into the picture."""


class Pasting:
    """Pastes made squares into one picture.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8, RGB
    square : Square
    """

    def __init__(self, picture: NDArray[np.uint8], square: Square) -> None:
        self._picture, self._square = picture, square
        height, width = picture.shape[:2]
        side = square.side
        ramp = np.clip((np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / max(1.0, FEATHER * side), 0, 1)
        # no feather along the picture's own border: there is nothing to pass into
        across, along = ramp.copy(), ramp.copy()
        half = side // 2
        if square.left == 0:
            across[:half] = 1
        if square.left + side == width:
            across[half:] = 1
        if square.top == 0:
            along[:half] = 1
        if square.top + side == height:
            along[half:] = 1
        self._alpha = np.outer(along, across)[..., None].astype(np.float32)

    def paste(self, made: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The whole picture with a made square (size, size, 3) in its place."""
        square = self._square
        way = cv2.INTER_AREA if made.shape[0] > square.side else cv2.INTER_CUBIC
        large = cv2.resize(made, (square.side, square.side), interpolation=way).astype(np.float32)
        result = self._picture.copy()
        part = result[square.top : square.top + square.side, square.left : square.left + square.side]
        part[:] = np.rint(part + self._alpha * (large - part)).clip(0, 255).astype(np.uint8)
        return result
