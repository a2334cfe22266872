"""Mesh of the speaking portrait: its vertices for each mouth shape, and the triangles between them.

The photograph smiles with bare teeth; how it closes its lips and speaks is its :class:`Articulation`.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.speaking.articulation import (
    INNER,
    LEFT_CORNER,
    LIP_RINGS,
    LOWER,
    RIGHT_CORNER,
    UPPER,
    Articulation,
    across,
)
from hygiesync.rendering.warp import triangulate

_TEETH_MARGIN = 0.05
"""How far the lips' inner edge is drawn back towards the outer one in the photograph."""

_STILL_ENOUGH = 5e-4
"""Displacement, in outer-eye distances, that nobody sees."""


class PortraitShape:
    """Rest shape and movements of one face.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2), float64, face coordinates
        Of the photograph as it is, smiling.

    Attributes
    ----------
    articulation : Articulation
    source : ndarray, shape (n_vertices, 2)
        Vertices in the photograph; the lips' inner edge is drawn back a little, so that no teeth stick to the lips.
    """

    def __init__(self, landmarks: NDArray[np.float64]) -> None:
        self.articulation = Articulation(landmarks)
        self.source = _lips_without_teeth(self.articulation.face)

    def moving_triangles(self) -> NDArray[np.int64]:
        """Triangles (n_triangles, 3) that any movement reaches, those between the lips first.

        The later ones are drawn over the earlier: the mouth's inside only fills what the lips leave uncovered.
        """
        triangles = np.concatenate([_gap_triangles(), _skin_triangles(self.source), _lip_triangles()])
        moved = (*self.articulation.fields, self.articulation.rest - self.source)
        reach = np.abs(np.stack(moved)).max(axis=(0, 2))
        return triangles[reach[triangles].max(axis=1) > _STILL_ENOUGH]


def _skin_triangles(face: FloatArray) -> NDArray[np.int64]:
    """Delaunay triangles of everything around the outer lips' edge, and none inside it."""
    skin = np.setdiff1d(np.arange(len(face)), LIP_RINGS[1:])
    triangles = skin[triangulate(face[skin])]
    mouth = face[LIP_RINGS[0]].astype(np.float32)[:, None]
    middles = face[triangles].mean(axis=1)
    is_outside = [cv2.pointPolygonTest(mouth, (float(x), float(y)), measureDist=False) < 0 for x, y in middles]
    return triangles[is_outside]


def _gap_triangles() -> NDArray[np.int64]:
    """Triangles between the inner edges of the lips, flat when they are closed."""
    columns = [RIGHT_CORNER, *LOWER, LEFT_CORNER], [RIGHT_CORNER, *UPPER, LEFT_CORNER]
    lower, upper = (LIP_RINGS[INNER][places] for places in columns)
    halves = [np.stack([lower[:-1], lower[1:], upper[:-1]], 1), np.stack([lower[1:], upper[1:], upper[:-1]], 1)]
    # At the corners one point is both lower and upper: those triangles are lines.
    return np.concatenate([halves[0][1:], halves[1][:-1]])


def _lip_triangles() -> NDArray[np.int64]:
    """Strips of triangles from ring to ring: unlike Delaunay's, none reaches from one lip to the other."""
    outer, inner = LIP_RINGS[:-1], LIP_RINGS[1:]
    next_outer, next_inner = np.roll(outer, -1, axis=1), np.roll(inner, -1, axis=1)
    halves = [np.stack([outer, next_outer, inner], axis=-1), np.stack([next_outer, next_inner, inner], axis=-1)]
    return np.concatenate(halves).reshape(-1, 3)


def _lips_without_teeth(face: FloatArray) -> NDArray[np.float64]:
    source = face.copy()
    share = _TEETH_MARGIN * (1 - across(face)[INNER, :, None] ** 4)
    source[LIP_RINGS[INNER]] += share * (face[LIP_RINGS[0]] - face[LIP_RINGS[INNER]])
    return source
