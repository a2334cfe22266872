"""Where the lips of a wanted mouth lie in a picture, and lips that nearly meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import apply_similarity
from hygiesync.face.topology import LOWER_INNER_LIPS
from hygiesync.interpolation import smoothstep
from hygiesync.rendering.interfaces import MouthShapes, TemplateFace

NEARLY_CLOSED = 0.016
"""Canonical units between lips that a viewer takes for closed, nearly."""

# the inner lips' line runs along the lower lip from corner to corner, and back along the upper one
_LOWER_LIP, _UPPER_LIP = LOWER_INNER_LIPS[1:10], LOWER_INNER_LIPS[:10:-1]


def place_shape(shape: MouthShapes, coefficients: FloatArray, face: TemplateFace) -> NDArray[np.float64]:
    """Target landmarks (n_lower, 2), pixels, of `coefficients` on a template's face; lips that nearly meet do meet."""
    return apply_similarity(face.to_picture, press_lips(shape.inverse_transform(coefficients, face.turn)))


def press_lips(lower: FloatArray) -> NDArray[np.float64]:
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
    opened = smoothstep(np.linalg.norm(gap, axis=1, keepdims=True) * np.sign(gap[:, 1:]) / NEARLY_CLOSED)
    taken_off = (1 - opened) * gap / 2
    pressed = lower.copy()
    pressed[_UPPER_LIP] = upper_lip + taken_off
    pressed[_LOWER_LIP] = lower_lip - taken_off
    return pressed
