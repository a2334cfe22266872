"""The pictures that a mouth is put into: a frame with the time it is shown at and where its face is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import ShapeModel


@dataclass(frozen=True, slots=True)
class TemplateFace:
    """Where the face of a template frame is.

    Attributes
    ----------
    to_picture : ndarray, shape (2, 3), float64
        Similarity from the canonical face to the picture.
    turn : ndarray, shape (2,), float64, standard deviations
    lower : ndarray, shape (n_lower, 2), float64, pixels
        The template's own lower face.
    strength : float
        How far the mouth is put in: 0 the template's own, 1 the wanted one.
    """

    to_picture: np.ndarray
    turn: np.ndarray
    lower: np.ndarray
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class TemplateFrame:
    """One picture to put a mouth into.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
        Not to be written to: it may be shown more than once.
    time_s : Fraction
        When the result is shown, seconds.
    face : TemplateFace or None
        None where no face is seen, or none that a mouth can be put on: the picture then passes untouched.
    """

    image: np.ndarray
    time_s: Fraction
    face: TemplateFace | None


def place_shape(shape: ShapeModel, coefficients: np.ndarray, face: TemplateFace) -> np.ndarray:
    """Target landmarks (n_lower, 2), pixels, of `coefficients` on a template's face."""
    return apply_similarity(face.to_picture, shape.inverse_transform(coefficients, face.turn))
