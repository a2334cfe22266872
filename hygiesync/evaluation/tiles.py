"""Tiles: faces cut out of pictures at a fixed size, for looking at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import apply_similarity

_NO_PICTURE = 225


def cut_tile(
    image: NDArray[np.uint8], to_picture: FloatArray, centre: FloatArray, width: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """A rectangle of a picture, enlarged by cubic interpolation.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    to_picture : ndarray, shape (2, 3)
        Similarity from a face with eyes one unit apart to the picture.
    centre : ndarray, shape (2,), units of that face
    width : float
        Of the rectangle, in the same units.
    size : tuple of int
        (width, height) of the tile in pixels.

    Returns
    -------
    ndarray, shape (size[1], size[0], 3), uint8
        Black beyond the picture's edges.
    """
    half = np.array([width, width * size[1] / size[0]]) / 2
    corners = centre + half * np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    in_picture = apply_similarity(to_picture, corners).astype(np.float32)
    # drawn finer and made small again where the picture has more pixels than the tile, lest edges break up
    finer = int(np.ceil(max(1.0, float(np.linalg.norm(in_picture[1] - in_picture[0])) / size[0])))
    fine = (size[0] * finer, size[1] * finer)
    on_tile = np.array([[0, 0], [fine[0], 0], [0, fine[1]]], np.float32)
    tile = cv2.warpAffine(image, cv2.getAffineTransform(in_picture, on_tile), fine, flags=cv2.INTER_CUBIC)
    return cv2.resize(tile, size, interpolation=cv2.INTER_AREA) if finer > 1 else tile


def empty_tile(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Grey tile (size[1], size[0], 3), uint8, that stands for a picture that isn't there."""
    return np.full((size[1], size[0], 3), _NO_PICTURE, np.uint8)
