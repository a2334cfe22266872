"""A square put back into the picture that it was cut from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.first_order.crop import Square

FEATHER = 0.08
"""Width of the border, as a part of the side, over which the square passes into the picture."""


class Pasting:
    """Pastes made squares into pictures of one size.

    Parameters
    ----------
    width, height : int
        Of the pictures, pixels.
    square : Square
    """

    def __init__(self, width: int, height: int, square: Square) -> None:
        self._square = square
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

    def paste(
        self, picture: NDArray[np.uint8], made: NDArray[np.uint8], mask: NDArray[np.float32] | None = None
    ) -> NDArray[np.uint8]:
        """The whole picture (height, width, 3) with a made square (size, size, 3) in its place.

        Parameters
        ----------
        picture, made : ndarray, uint8, RGB
        mask : ndarray, shape (size', size'), 0 to 1, optional
            How much of each place is taken.
        """
        square = self._square
        way = cv2.INTER_AREA if made.shape[0] > square.side else cv2.INTER_CUBIC
        large = cv2.resize(made, (square.side, square.side), interpolation=way).astype(np.float32)
        alpha = self._alpha
        if mask is not None:
            alpha = alpha * cv2.resize(mask, (square.side, square.side), interpolation=cv2.INTER_LINEAR)[..., None]
        result = picture.copy()
        part = result[square.top : square.top + square.side, square.left : square.left + square.side]
        part[:] = np.rint(part + alpha * (large - part)).clip(0, 255).astype(np.uint8)
        return result
