r"""How a face's lips, jaw and skin move for the mouth curves of speech.

Every face is first brought to closed lips (the *rest*), also one that smiles with bare teeth, so that silence and p, b,
m look closed. From there every mouth is a sum of displacement fields, one for each movement::

    vertices = rest + opening * OPEN + max(width, 0) * SPREAD + max(-width, 0) * ROUND + tuck * TUCK

Lips and jaw line are given, skin in between by an interpolation that is zero at the nose, the eyes and a ring around
the head. A lip point at `u`, -1 in the right corner of its ring to 1 in the left one, moves by (dx, dy); of the rings,
k = 0 is next to the skin and k = 3 next to the teeth:

    OPEN     dx = -0.03 u          dy = 0.072 + 0.104 (1 - |u|^2.5)  lower lip,   0.072 - 0.096 (1 - |u|^2.5)  upper lip
    SPREAD   dx =  0.036 u         dy = -0.012 u^2
    ROUND    dx = -0.085 u         dy = +s_k (1 - u^2)             lower lip,   -s_k (1 - u^2)               upper lip
    TUCK     dx =  0               dy = -t_k (1 - u^2)             lower lip,   -0.024 (1 - u^2)             upper lip

             s = (0.022, 0.014, 0.006, 0), t = (0.024, 0.020, 0.016, 0.012)

At an opening of 1 the inner lips' middle is thus 0.2 open, and the mouth's middle has sunk by 0.076.

Points are in *face coordinates*: the middle of the inner lips is the origin, x runs along the eyes to the picture's
right, y towards the chin, and the outer eye corners are 1 apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIP_BOTTOM
from hygiesync.interpolation import smoothstep
from hygiesync.portrait import parts
from hygiesync.portrait.parts import OVAL

LIP_RINGS = parts.LIP_RINGS[3::-1]
"""The lips' own four rings (4, 20) from skin to teeth: each from the right corner along the lower lip, and back."""

RIGHT_CORNER, LEFT_CORNER = 0, 10
LOWER, UPPER = np.arange(1, 10), np.arange(19, 10, -1)
"""Places in a ring, paired: each lower point with the upper one that it meets."""

INNER = 3
"""The ring next to the teeth."""

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

_RING_SCALES = np.array([(1.1, 1.2), (1.2, 1.45)])
"""Widening (x, y) of the outline to rings of extra vertices; the outer ring stands still. Most room is below it."""

_STILL_ABOVE, _FREE_BELOW = -0.45, -0.25
"""Heights in face coordinates, about the cheekbones and the nostrils, between which movements fade away upwards."""

_SEAM = 0.27
"""Where the lips meet, from the upper lip (0) to the lower (1)."""

_CLOSING_SHARES = (0.5, 0.67, 0.85, 1.0)
"""How far each ring follows the inner edge when smiling lips close: the rest is lips growing fuller after the smile."""

_SHUTTING_SHARES = (0.93, 0.96, 0.99, 1.0)
"""The same when a jaw shuts: lips of an open mouth are as full as those of a closed one, or nearly."""

_SMILE = 0.1
"""Distance between the inner lips of a picture, in outer-eye distances, from which it is taken to smile."""

_JAW_OPEN = (0.14, 0.24)
"""The same from which its jaw is open besides, and from which nothing of it is a smile."""

_GAP = 0.2
"""Distance between the inner lips at an opening of 1, in outer-eye distances."""


class Articulation:
    """Rest and movements of one face.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2), face coordinates
        Of the face as it is in its picture.
    size : float
        Of the movements: 1 for a mouth of usual width.

    Attributes
    ----------
    face : ndarray, shape (n_vertices, 2)
        The landmarks, and two rings of vertices around them.
    rest : ndarray, shape (n_vertices, 2)
        The same with closed lips.
    fields : ndarray, shape (4, n_vertices, 2)
        Displacements of the movements: open, spread, round, tuck.
    """

    def __init__(self, landmarks: FloatArray, size: float = 1.0) -> None:
        self.face = np.concatenate([landmarks, _rings_around(landmarks)])
        self.rest = self.face + _spread_over_skin(self.face, _closing(self.face))
        movements = (_opening, _spreading, _rounding, _tucking)
        self.fields = np.stack([_spread_over_skin(self.face, size * move(self.rest)) for move in movements])

    def vertices(self, opening: float, width: float, tuck: float) -> NDArray[np.float64]:
        """Vertices (n_vertices, 2) of a mouth: the landmarks, then the rings around the face.

        Parameters
        ----------
        opening, width, tuck : float
            As in :data:`hygiesync.tts.visemes.CURVES`.
        """
        amounts = np.array([opening, max(width, 0.0), max(-width, 0.0), tuck])
        return self.rest + np.tensordot(amounts, self.fields, axes=1)

    def jaw_shift(self, opening: float) -> NDArray[np.float64]:
        """How far (2,) the lower lip's middle lies below its rest."""
        return self.fields[0, INNER_LIP_BOTTOM] * opening


def _rings_around(face: FloatArray) -> NDArray[np.float64]:
    outline = face[list(OVAL)]
    centre = outline.mean(axis=0)
    return np.concatenate([centre + scale * (outline - centre) for scale in _RING_SCALES])


def across(face: FloatArray) -> NDArray[np.float64]:
    """Position (4, 20) of each lip point of `face` (n, 2) between the corners of its own ring, -1 to 1."""
    x = face[LIP_RINGS, 0]
    ends = x[:, [RIGHT_CORNER, LEFT_CORNER]]
    return np.clip((x - ends.mean(axis=1, keepdims=True)) / (np.ptp(ends, axis=1)[:, None] / 2), -1, 1)


def _closing(face: FloatArray) -> NDArray[np.float64]:
    """From lips that are apart to closed ones: (4, 20, 2) displacements of the lip rings.

    With the gap `g` between a pair of inner points and the ring's share `q`, the upper point moves by ``0.27 q g`` and
    the lower by ``-0.73 q g``; a smile `m`, 0 to 1, is taken off by ``dx = -0.035 m u`` and ``dy = 0.03 m^2 u^2``. A
    gap that is more than a smile's is the jaw's: the wider it is, the more lips and chin go up as they are.
    """
    inner_edge = face[LIP_RINGS[INNER]]
    gap = inner_edge[LOWER] - inner_edge[UPPER]
    widest = float(np.linalg.norm(gap, axis=1).max())
    jaw = jaw_share(widest)
    moved = np.zeros((*LIP_RINGS.shape, 2))
    for ring, (smiling, shutting) in enumerate(zip(_CLOSING_SHARES, _SHUTTING_SHARES, strict=True)):
        share = smiling + jaw * (shutting - smiling)
        moved[ring, UPPER] = share * _SEAM * gap
        moved[ring, LOWER] = -share * (1 - _SEAM) * gap
    # a smile is wider, too, and its corners are higher
    place = min(widest / _SMILE, 1.0) * (1 - jaw) * across(face)
    moved[..., 0] -= 0.035 * place
    moved[..., 1] += 0.03 * place**2
    return moved


def jaw_share(gap: float) -> float:
    """How far, 0 to 1, a `gap` between inner lips, in outer-eye distances, is an open jaw's and not a smile's."""
    start, end = _JAW_OPEN
    return float(smoothstep((gap - start) / (end - start)))


def _opening(rest: FloatArray) -> NDArray[np.float64]:
    """OPEN (4, 20, 2): all lips sink with the jaw, the lower one most, and the corners draw in."""
    place = across(rest)
    roundness = 1 - np.abs(place) ** 2.5
    moved = np.zeros((*LIP_RINGS.shape, 2))
    moved[..., 1] = _GAP * 0.36
    moved[:, LOWER, 1] += _GAP * 0.52 * roundness[:, LOWER]
    moved[:, UPPER, 1] -= _GAP * 0.48 * roundness[:, UPPER]
    moved[..., 0] = -0.03 * place
    return moved


def _spreading(rest: FloatArray) -> NDArray[np.float64]:
    """SPREAD (4, 20, 2): corners go outwards and up, as in i."""
    place = across(rest)
    return np.stack([0.036 * place, -0.012 * place**2], axis=-1)


def _rounding(rest: FloatArray) -> NDArray[np.float64]:
    """ROUND (4, 20, 2): corners drawn in; lips, pushed forward, look fuller: the outer rings swell."""
    place = across(rest)
    moved = np.stack([-0.085 * place, np.zeros_like(place)], axis=-1)
    swell = np.array([0.022, 0.014, 0.006, 0.0])[:, None]
    moved[:, LOWER, 1] = swell * (1 - place[:, LOWER] ** 2)
    moved[:, UPPER, 1] = -swell * (1 - place[:, UPPER] ** 2)
    return moved


def _tucking(rest: FloatArray) -> NDArray[np.float64]:
    """TUCK (4, 20, 2): the lower lip under the upper teeth, as in f and v: it thins, rises; the upper makes way."""
    roundness = 1 - across(rest) ** 2
    moved = np.zeros((*LIP_RINGS.shape, 2))
    moved[:, UPPER, 1] = -0.024 * roundness[:, UPPER]
    moved[:, LOWER, 1] = np.array([-0.024, -0.020, -0.016, -0.012])[:, None] * roundness[:, LOWER]
    return moved


def _spread_over_skin(face: FloatArray, lips: FloatArray) -> NDArray[np.float64]:
    """Displacements of all vertices from those of the lips (4, 20, 2).

    The jaw's outline follows the lower lip's middle downwards, the still points and the outer ring stay, and skin in
    between is interpolated with the kernel ``r``: which doesn't overshoot, so that nothing folds.
    """
    chin = np.array([0.0, lips[0, LOWER[len(LOWER) // 2], 1]])
    outer_ring = np.arange(len(face) - len(OVAL), len(face))
    known = np.concatenate([LIP_RINGS.ravel(), list(_JAW_LINE), _STILL, outer_ring])
    jaw = np.array(list(_JAW_LINE.values()))[:, None] * chin
    values = np.concatenate([lips.reshape(-1, 2), jaw, np.zeros((len(known) - LIP_RINGS.size - len(jaw), 2))])
    known, first = np.unique(known, return_index=True)
    kernel = np.linalg.norm(face[:, None] - face[known], axis=2)
    moved = kernel @ np.linalg.solve(kernel[known], values[first])
    moved[known] = values[first]
    return moved * np.clip((face[:, 1:] - _STILL_ABOVE) / (_FREE_BELOW - _STILL_ABOVE), 0, 1)
