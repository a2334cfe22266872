"""Mouths as points in a space where distance means how different two of them are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import ShapeModel, mouth_opening

_OPENING_WEIGHT = 0.5
"""Weight of the opening against all points' distance: teeth that show or don't are seen first."""

_TURN_WEIGHT = 0.002
"""Canonical units that one standard deviation of turn counts for."""


class ShapeFeatures:
    """Takes coefficients and turns to features, in canonical units (1 = the distance between the outer eye corners).

    A coefficient counts by how far it moves the points (root mean square); the opening counts once more by itself, and
    so does the head's turn, since a mouth seen from the side can't be warped to one seen from the front.

    Parameters
    ----------
    shape : ShapeModel
    """

    def __init__(self, shape: ShapeModel) -> None:
        self._shape = shape
        self._reach = np.sqrt((shape.components**2).mean(1) * 2)

    def __call__(self, coefficients: FloatArray, turns: FloatArray) -> NDArray[np.float32]:
        """Features (n, n_components + 1 + n_turns), float32, of coefficients (n, n_components), turns (n, n_turns)."""
        opening = mouth_opening(self._shape.inverse_transform(coefficients))
        return np.concatenate(
            [coefficients * self._reach, _OPENING_WEIGHT * opening[:, None], _TURN_WEIGHT * turns], axis=1
        ).astype(np.float32)
