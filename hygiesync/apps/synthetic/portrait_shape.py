"""Shape of the speaking portrait: where its mesh vertices lie for each mouth shape, in the face's own coordinates.

The photograph smiles with bare teeth. Its lips are first brought together (the *rest* shape), so that silence and p, b,
m look closed; from there every mouth shape is a sum of displacement fields, one for each movement::

    vertices = rest + opening * OPEN + max(width, 0) * SPREAD + max(-width, 0) * ROUND + tuck * TUCK

Lips and jaw line are given by hand, skin in between by an interpolation that is zero at the nose, the eyes and a ring
around the head.
"""

from __future__ import annotations

import cv2
import numpy as np

from hygiesync.face.topology import INNER_LIP_BOTTOM, INNER_LIPS, OUTER_LIPS
from hygiesync.render.warp import triangulate

# Four rings of lip points from skin to teeth, each from the right corner along the lower lip and back along the upper.
LIP_RINGS = np.array(
    [
        OUTER_LIPS,
        (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 408, 304, 303, 302, 11, 72, 73, 74, 184),
        (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 407, 272, 271, 268, 12, 38, 41, 42, 183),
        INNER_LIPS,
    ]
)
_RIGHT_CORNER, _LEFT_CORNER = 0, 10
_LOWER, _UPPER = np.arange(1, 10), np.arange(19, 10, -1)
"""Places in a ring, paired: each lower point with the upper one that it meets."""

_JAW_LINE = {
    152: 0.80, 148: 0.78, 377: 0.78, 176: 0.74, 400: 0.74, 149: 0.66, 378: 0.66, 150: 0.55, 379: 0.55, 136: 0.42,
    365: 0.42, 172: 0.28, 397: 0.28, 58: 0.15, 288: 0.15, 132: 0.05, 361: 0.05,
}  # fmt: skip
"""How far points of the jaw's outline follow the lower lip (0..1), from the chin to the ears."""

_STILL = (
    1, 2, 4, 5, 6, 98, 327, 64, 294, 168, 33, 133, 362, 263, 159, 386, 145, 374, 10, 50, 280, 117, 346, 93, 323, 234,
    454, 127, 356, 105, 334, 8, 195,
)  # fmt: skip
"""Points that no mouth movement reaches: nose, eyes, brows, cheekbones and temples."""

_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_RING_SCALES = np.array([(1.1, 1.2), (1.2, 1.45)])
"""Widening (x, y) of the outline to rings of extra vertices; the outer ring stands still. Most room is below it."""

_STILL_ABOVE, _FREE_BELOW = -0.45, -0.25
"""Heights in face coordinates, about the cheekbones and the nostrils, between which movements fade away upwards."""

_INNER = 3
"""The ring next to the teeth."""

_TEETH_MARGIN = 0.05
"""How far the lips' inner edge is drawn back towards the outer one in the photograph."""

_SEAM = 0.27
"""Where the lips meet, from the upper lip (0) to the lower (1)."""

_CLOSING_SHARES = (0.5, 0.67, 0.85, 1.0)
"""How far each ring follows the inner edge when the lips close: the rest is lips growing fuller after the smile."""

_STILL_ENOUGH = 5e-4
"""Displacement, in outer-eye distances, that nobody sees."""

_GAP = 0.2
"""Distance between the inner lips at an opening of 1, in outer-eye distances."""


class PortraitShape:
    """Rest shape and movements of one face.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2), float64, face coordinates
        Of the photograph as it is, smiling.

    Attributes
    ----------
    source : ndarray, shape (n_vertices, 2)
        Vertices in the photograph; the lips' inner edge is drawn back a little, so that no teeth stick to the lips.
    rest : ndarray, shape (n_vertices, 2)
        Vertices with closed lips.
    fields : ndarray, shape (4, n_vertices, 2)
        Displacements of the movements: open, spread, round, tuck.
    """

    def __init__(self, landmarks: np.ndarray) -> None:
        face = np.concatenate([landmarks, _rings_around(landmarks)])
        self.source = _lips_without_teeth(face)
        self.rest = face + _spread_over_skin(face, _closing(face))
        movements = (_opening, _spreading, _rounding, _tucking)
        self.fields = np.stack([_spread_over_skin(face, movement(self.rest)) for movement in movements])

    def vertices(self, opening: float, width: float, tuck: float) -> np.ndarray:
        """Vertices (n_vertices, 2) of a mouth shape: the landmarks, then the rings around the face."""
        amounts = np.array([opening, max(width, 0.0), max(-width, 0.0), tuck])
        return self.rest + np.tensordot(amounts, self.fields, axes=1)

    def jaw_shift(self, opening: float) -> np.ndarray:
        """How far (2,) the lower lip's middle lies below its rest."""
        return self.fields[0, INNER_LIP_BOTTOM] * opening

    def moving_triangles(self) -> np.ndarray:
        """Triangles (n_triangles, 3) that any movement reaches, those between the lips first.

        The later ones are drawn over the earlier: the mouth's inside only fills what the lips leave uncovered.
        """
        triangles = np.concatenate([_gap_triangles(), _skin_triangles(self.source), _lip_triangles()])
        reach = np.abs(np.concatenate([self.fields, (self.rest - self.source)[None]])).max(axis=(0, 2))
        return triangles[reach[triangles].max(axis=1) > _STILL_ENOUGH]


def _skin_triangles(face: np.ndarray) -> np.ndarray:
    """Delaunay triangles of everything around the outer lips' edge, and none inside it."""
    skin = np.setdiff1d(np.arange(len(face)), LIP_RINGS[1:])
    triangles = skin[triangulate(face[skin])]
    mouth = face[LIP_RINGS[0]].astype(np.float32)[:, None]
    middles = face[triangles].mean(axis=1)
    is_outside = [cv2.pointPolygonTest(mouth, (float(x), float(y)), measureDist=False) < 0 for x, y in middles]
    return triangles[is_outside]


def _gap_triangles() -> np.ndarray:
    """Triangles between the inner edges of the lips, flat when they are closed."""
    columns = [_RIGHT_CORNER, *_LOWER, _LEFT_CORNER], [_RIGHT_CORNER, *_UPPER, _LEFT_CORNER]
    lower, upper = (LIP_RINGS[_INNER][places] for places in columns)
    halves = [np.stack([lower[:-1], lower[1:], upper[:-1]], 1), np.stack([lower[1:], upper[1:], upper[:-1]], 1)]
    # At the corners one point is both lower and upper: those triangles are lines.
    return np.concatenate([halves[0][1:], halves[1][:-1]])


def _lip_triangles() -> np.ndarray:
    """Strips of triangles from ring to ring: unlike Delaunay's, none reaches from one lip to the other."""
    outer, inner = LIP_RINGS[:-1], LIP_RINGS[1:]
    next_outer, next_inner = np.roll(outer, -1, axis=1), np.roll(inner, -1, axis=1)
    halves = [np.stack([outer, next_outer, inner], axis=-1), np.stack([next_outer, next_inner, inner], axis=-1)]
    return np.concatenate(halves).reshape(-1, 3)


def _rings_around(face: np.ndarray) -> np.ndarray:
    outline = face[list(_OVAL)]
    centre = outline.mean(axis=0)
    return np.concatenate([centre + scale * (outline - centre) for scale in _RING_SCALES])


def _lips_without_teeth(face: np.ndarray) -> np.ndarray:
    source = face.copy()
    share = _TEETH_MARGIN * (1 - _across(face)[_INNER, :, None] ** 4)
    source[LIP_RINGS[_INNER]] += share * (face[LIP_RINGS[0]] - face[LIP_RINGS[_INNER]])
    return source


def _across(face: np.ndarray) -> np.ndarray:
    """(4, 20) position of each lip point between the corners of its own ring, -1 to 1."""
    x = face[LIP_RINGS, 0]
    ends = x[:, [_RIGHT_CORNER, _LEFT_CORNER]]
    return np.clip((x - ends.mean(axis=1, keepdims=True)) / (np.ptp(ends, axis=1)[:, None] / 2), -1, 1)


def _closing(face: np.ndarray) -> np.ndarray:
    """From the smile to closed lips: (4, 20, 2) displacements of the lip rings."""
    inner_edge = face[LIP_RINGS[_INNER]]
    gap = inner_edge[_LOWER] - inner_edge[_UPPER]
    moved = np.zeros((*LIP_RINGS.shape, 2))
    for ring, share in enumerate(_CLOSING_SHARES):
        moved[ring, _UPPER] = share * _SEAM * gap
        moved[ring, _LOWER] = -share * (1 - _SEAM) * gap
    across = _across(face)
    moved[..., 0] -= 0.035 * across
    moved[..., 1] += 0.03 * across**2
    return moved


def _opening(rest: np.ndarray) -> np.ndarray:
    across = _across(rest)
    roundness = 1 - np.abs(across) ** 2.5
    moved = np.zeros((*LIP_RINGS.shape, 2))
    moved[..., 1] = _GAP * 0.36
    moved[:, _LOWER, 1] += _GAP * 0.52 * roundness[:, _LOWER]
    moved[:, _UPPER, 1] -= _GAP * 0.48 * roundness[:, _UPPER]
    moved[..., 0] = -0.03 * across
    return moved


def _spreading(rest: np.ndarray) -> np.ndarray:
    across = _across(rest)
    return np.stack([0.036 * across, -0.012 * across**2], axis=-1)


def _rounding(rest: np.ndarray) -> np.ndarray:
    """Corners drawn in; lips, pushed forward, look fuller: the outer rings swell."""
    across = _across(rest)
    moved = np.stack([-0.085 * across, np.zeros_like(across)], axis=-1)
    swell = np.array([0.022, 0.014, 0.006, 0.0])[:, None]
    moved[:, _LOWER, 1] = swell * (1 - across[:, _LOWER] ** 2)
    moved[:, _UPPER, 1] = -swell * (1 - across[:, _UPPER] ** 2)
    return moved


def _tucking(rest: np.ndarray) -> np.ndarray:
    """The lower lip under the upper teeth, as in f and v: it thins and rises, and the upper lip makes way."""
    roundness = 1 - _across(rest) ** 2
    moved = np.zeros((*LIP_RINGS.shape, 2))
    moved[:, _UPPER, 1] = -0.024 * roundness[:, _UPPER]
    moved[:, _LOWER, 1] = np.array([-0.024, -0.020, -0.016, -0.012])[:, None] * roundness[:, _LOWER]
    return moved


def _spread_over_skin(face: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """Displacements of all vertices from those of the lips (4, 20, 2).

    The jaw's outline follows the lower lip's middle downwards, the still points and the outer ring stay, and skin in
    between is interpolated with the kernel ``r``: which doesn't overshoot, so that nothing folds.
    """
    chin = np.array([0.0, lips[0, _LOWER[len(_LOWER) // 2], 1]])
    outer_ring = np.arange(len(face) - len(_OVAL), len(face))
    known = np.concatenate([LIP_RINGS.ravel(), list(_JAW_LINE), _STILL, outer_ring])
    jaw = np.array(list(_JAW_LINE.values()))[:, None] * chin
    values = np.concatenate([lips.reshape(-1, 2), jaw, np.zeros((len(known) - LIP_RINGS.size - len(jaw), 2))])
    known, first = np.unique(known, return_index=True)
    kernel = np.linalg.norm(face[:, None] - face[known], axis=2)
    moved = kernel @ np.linalg.solve(kernel[known], values[first])
    moved[known] = values[first]
    return moved * np.clip((face[:, 1:] - _STILL_ABOVE) / (_FREE_BELOW - _STILL_ABOVE), 0, 1)
