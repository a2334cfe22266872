"""The pictures that a mouth is put into: a frame with the time it is shown at and where its face is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from hygiesync.face.pose import apply_similarity
from hygiesync.face.topology import LOWER_INNER_LIPS

NEARLY_CLOSED = 0.016
"""Canonical units between lips that a viewer takes for closed, nearly."""

# the inner lips' line runs along the lower lip from corner to corner, and back along the upper one
_LOWER_LIP, _UPPER_LIP = LOWER_INNER_LIPS[1:10], LOWER_INNER_LIPS[:10:-1]

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


class MouthShapes(Protocol):
    """What lower face coefficients stand for; a :class:`hygiesync.face.shape.ShapeModel` is one."""

    def inverse_transform(self, coefficients: np.ndarray, turns: np.ndarray | None = None) -> np.ndarray:
        """Canonical lower faces (..., n_lower, 2) of coefficients (..., n_components), on heads turned by `turns`."""
        ...


def place_shape(shape: MouthShapes, coefficients: np.ndarray, face: TemplateFace) -> np.ndarray:
    """Target landmarks (n_lower, 2), pixels, of `coefficients` on a template's face; lips that nearly meet do meet."""
    return apply_similarity(face.to_picture, press_lips(shape.inverse_transform(coefficients, face.turn)))


def press_lips(lower: np.ndarray) -> np.ndarray:
    """Close the gap between lips that are all but closed.

    A detector never says that lips touch: it leaves them a little apart, more so when they were averaged. A viewer sees
    that little as a mouth that does not close on b, p and m. Gaps under `NEARLY_CLOSED` therefore shrink, smoothly
    down to none; wider ones stay as they are.

    Parameters
    ----------
    lower : ndarray, shape (n_lower, 2), canonical units

    Returns
    -------
    ndarray, shape (n_lower, 2)
    """
    upper_lip, lower_lip = lower[_UPPER_LIP], lower[_LOWER_LIP]
    gap = lower_lip - upper_lip
    opened = np.clip(np.linalg.norm(gap, axis=1, keepdims=True) * np.sign(gap[:, 1:]) / NEARLY_CLOSED, 0.0, 1.0)
    taken_off = (1 - opened * opened * (3 - 2 * opened)) * gap / 2
    pressed = lower.copy()
    pressed[_UPPER_LIP] = upper_lip + taken_off
    pressed[_LOWER_LIP] = lower_lip - taken_off
    return pressed
