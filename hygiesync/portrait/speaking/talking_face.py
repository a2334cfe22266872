"""A picture's face that speaks: its landmarks in space for the mouth curves of speech.

Lips move in the plane of the face, whichever way the face looks: its landmarks are turned to look straight ahead, moved
by their :class:`Articulation`, and turned back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import apply_similarity, fit_similarity
from hygiesync.face.topology import (
    INNER_LIPS,
    LEFT_EYE_OUTER,
    LOWER_FACE,
    MOUTH_CORNER_LEFT,
    MOUTH_CORNER_RIGHT,
    RIGHT_EYE_OUTER,
    RIGID,
)
from hygiesync.portrait.head import facing_deg, rotation_of
from hygiesync.portrait.parts import eye_distance
from hygiesync.portrait.speaking.articulation import Articulation

_USUAL_WIDTH = 0.62
"""Width of a closed mouth, in outer-eye distances, whose movements have their usual size."""

_SIZES = (0.75, 1.1)
"""Bounds of that size: a tiny painted mouth still has to be seen to speak."""


class TalkingFace:
    """One face, at rest and speaking, its head as in the picture.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 3), pixels

    Attributes
    ----------
    origin : ndarray, shape (3,), pixels
        The middle of the inner lips in the picture.
    axes : ndarray, shape (3, 3), pixels
        Rows: one outer-eye distance to the face's left (the picture's right), towards its chin, and into the picture.
    """

    def __init__(self, landmarks: FloatArray) -> None:
        self.origin = landmarks[list(INNER_LIPS)].mean(0)
        self.axes = float(eye_distance(landmarks)) * rotation_of(facing_deg(landmarks)).T
        self._frontal = (landmarks - self.origin) @ np.linalg.inv(self.axes)
        width = float(np.linalg.norm(landmarks[MOUTH_CORNER_LEFT] - landmarks[MOUTH_CORNER_RIGHT]))
        size = np.sqrt(width / (_USUAL_WIDTH * float(eye_distance(landmarks))))
        self.articulation = Articulation(self._frontal[:, :2], float(np.clip(size, *_SIZES)))

    def landmarks(self, curves: FloatArray) -> NDArray[np.float64]:
        """Landmarks (478, 3), pixels, for mouth curves (3,) as in :data:`hygiesync.tts.visemes.CURVES`."""
        opening, width, tuck = (float(curve) for curve in curves)
        moved = self._frontal.copy()
        moved[:, :2] = self.articulation.vertices(max(opening, 0.0), width, max(tuck, 0.0))[: len(moved)]
        return self.to_picture(moved)

    def to_picture(self, points: FloatArray) -> NDArray[np.float64]:
        """Pixels (..., 3) of points (..., 3) in face coordinates."""
        return points @ self.axes + self.origin


class SpokenShapes:
    """The lower face that mouth curves stand for, in the canonical frame that every avatar's shapes have.

    Parameters
    ----------
    face : TalkingFace

    Attributes
    ----------
    rigid : ndarray, shape (n_rigid, 2), canonical units
        Points that speech doesn't move; see :mod:`hygiesync.face.pose`.
    """

    def __init__(self, face: TalkingFace) -> None:
        self._face = face
        rest = face.landmarks(np.zeros(3))[:, :2]
        eyes = rest[[RIGHT_EYE_OUTER, LEFT_EYE_OUTER]]
        self._to_canonical = fit_similarity(eyes, np.array([[-0.5, 0.0], [0.5, 0.0]]))
        self.rigid = apply_similarity(self._to_canonical, rest[list(RIGID)])

    def inverse_transform(self, coefficients: FloatArray, turns: FloatArray | None = None) -> NDArray[np.float64]:
        """Canonical lower face (n_lower, 2) of mouth curves (3,); a picture's head doesn't turn beyond its own view."""
        return apply_similarity(self._to_canonical, self._face.landmarks(coefficients)[list(LOWER_FACE), :2])
