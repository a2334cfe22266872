"""How a person's lips part, in terms of coefficients: enough to make them meet, whatever the rest of the mouth does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_TOP

CLOSED = 0.01
"""Openings under this are lips that meet, in canonical units (distances between the eyes): detectors see no less."""


@dataclass(frozen=True)
class Aperture:
    """The opening of the mouth as a linear function of the coefficients, and how the mouth moves with it.

    ::

        opening = at_mean + coefficients @ gradient,   coefficients + d * path   opens the lips by d

    Attributes
    ----------
    gradient : ndarray, shape (n_components,), canonical units for each standard deviation
    at_mean : float
        Opening of the mean shape, canonical units.
    path : ndarray, shape (n_components,), standard deviations for each canonical unit
    """

    gradient: NDArray[np.float64]
    at_mean: float
    path: NDArray[np.float64]

    @classmethod
    def fit(cls, shape: ShapeModel, coefficients: FloatArray) -> Aperture:
        """Aperture of a person whose mouth took the shapes `coefficients` (n_frames, n_components).

        The path is the regression of the coefficients on the opening: lips meet as the person's own do, with the jaw.
        """
        vertical = shape.components.reshape(shape.n_components, -1, 2)[..., 1]
        gradient = vertical[:, LOWER_BOTTOM] - vertical[:, LOWER_TOP]
        at_mean = float(shape.mean[LOWER_BOTTOM, 1] - shape.mean[LOWER_TOP, 1])
        opening = coefficients @ gradient
        path = (opening - opening.mean()) @ (coefficients - coefficients.mean(0))
        opening_variance = float(path @ gradient)
        return cls(gradient, at_mean, path / opening_variance if opening_variance > 0 else np.zeros_like(path))

    @classmethod
    def none(cls, n_components: int) -> Aperture:
        """Lips that never part, so that nothing can make them meet."""
        return cls(np.zeros(n_components), 0.0, np.zeros(n_components))

    def opening(self, coefficients: FloatArray) -> NDArray[np.float64]:
        """Opening (...) of mouths (..., n_components), canonical units; negative where the lips cross."""
        return coefficients @ self.gradient + self.at_mean
