"""The visible mark of synthetic media that a session's pictures carry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.media.images import label_of

TEXT = "SYNTHETIC"

_SHARE = 0.035
"""Height of the letters, as a part of the picture's."""


class SyntheticMark:
    """A small label in a picture's lower left corner.

    Parameters
    ----------
    size : tuple of int
        (width, height) of the pictures.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        label = label_of(TEXT, max(9, round(_SHARE * height)))[:height, :width]
        margin = min(round(0.015 * height), height - label.shape[0], width - label.shape[1])
        self._rows = slice(height - margin - label.shape[0], height - margin)
        self._columns = slice(margin, margin + label.shape[1])
        self._label = label

    def on(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of a picture (H, W, 3) with the mark."""
        marked: NDArray[Any] = picture.copy()
        marked[self._rows, self._columns] = self._label
        return marked
