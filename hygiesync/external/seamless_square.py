"""A square put back into the picture that it was cut from, without a step in colour at its border.

The step along the border, picture minus square, is carried inwards by the smoothest function that has these values
there (see :mod:`hygiesync.rendering.canvas`, which does the same for mouths); a feather mixes the two over the border.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.first_order.crop import Square
from hygiesync.first_order.pasting import Pasting

_CELLS = 24
"""Cells along a side on which the membrane is solved: light and skin tone are coarser than that."""


class SeamlessSquare:
    """Puts made squares into one picture.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8, RGB
    square : Square
    """

    def __init__(self, picture: NDArray[np.uint8], square: Square) -> None:
        self._picture, self._side = picture, square.side
        self._pasting = Pasting(picture.shape[1], picture.shape[0], square)
        self._border = _on_cells(square.cut(picture))
        self._spread = _membrane_of_border(_CELLS)

    def paste(self, made: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The whole picture with a made square (size, size, 3), uint8, in its place."""
        step = (self._border - _on_cells(made))[_border_cells(_CELLS)]
        smooth = (self._spread @ step).reshape(_CELLS, _CELLS, 3)
        large = cv2.resize(smooth, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        way = cv2.INTER_AREA if made.shape[0] > self._side else cv2.INTER_CUBIC
        fitted = cv2.resize(made, (self._side, self._side), interpolation=way)
        return self._pasting.paste(self._picture, np.asarray(cv2.add(fitted, large, dtype=cv2.CV_8U), np.uint8))


def _on_cells(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean colours (_CELLS, _CELLS, 3), float32, of an image."""
    return cv2.resize(image, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)


def _border_cells(n_cells: int) -> NDArray[np.bool_]:
    """Cells (n_cells, n_cells), bool, along the border."""
    border = np.ones((n_cells, n_cells), bool)
    border[1:-1, 1:-1] = False
    return border


def _membrane_of_border(n_cells: int) -> NDArray[np.float32]:
    """Harmonic function (n_cells ** 2, n_border) on all cells for a 1 in each border cell.

    The five-point Laplacian is zero in the inner cells; the border's are given.
    """
    border = _border_cells(n_cells).ravel()
    number = np.arange(n_cells**2).reshape(n_cells, n_cells)
    equations = np.eye(n_cells**2)
    inner = number[1:-1, 1:-1].ravel()
    for neighbour in (-n_cells, n_cells, -1, 1):
        equations[inner, inner + neighbour] = -0.25
    return np.linalg.solve(equations, np.eye(n_cells**2)[:, border]).astype(np.float32)
