r"""The mesh beyond the face: rings of vertices around its outline that carry hair, ears, neck and shoulders along.

The face's outline is widened ring by ring. The first rings are the head itself and move as it does, in depth too; what
lies further out follows less and less, and the last rings, beyond the picture, not at all. The head's turning ends in
the neck; its shift and scale reach down to the shoulders, which lean along::

        .--~~~~--.        hair: moves as the head
      /  .-''-.   \
     |  | face |   |      the outline's own motion (a jaw that sinks) fades out over the first rings
      \  '-..-'   /
       '.      .'         neck: turns less and less
    .-~'        '~-.
   /                \     shoulders: shift, but don't turn
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.interpolation import smoothstep
from hygiesync.portrait.head import HeadMotion, gently_sloped, pivot_of
from hygiesync.portrait.parts import CHIN, OVAL, eye_distance, upright
from hygiesync.portrait.rings import NestedRings
from hygiesync.portrait.transfer import FaceTarget

_RINGS = (1.06, 1.14, 1.24, 1.36, 1.5, 1.66, 1.85, 2.1, 2.4, 2.8, 3.3, 4.0, 5.0, 7.0, 12.0)
"""Widening of the outline to each ring."""

_FADE_OF_EXPRESSION = 0.38
"""Widening over which the outline's own motion fades out."""

_RECEDING = 0.5
"""Widening at which rings have receded from the outline to the depth that the head turns about.

There lies the head's own outline, which turning and nodding don't move.
"""

_NARROWEST = 0.35
"""Share of their distance to which rings may be drawn together."""

_NECK = (-0.5, 0.35)
"""Heights below the chin, in eye distances, between which the head's turning ends."""

_SHOULDERS = (-0.1, 1.1)
"""Heights below the chin between which its shift ends."""

_DRIFTING = (3.2, 6.0)
"""Heights below the eyes, in eye distances, between which the body's own motion ends."""

_ASIDE = (1.6, 3.4)
"""Distances aside and above, in eye distances from the middle of the eyes, between which everything ends."""

_ABOVE = 0.65
"""What a distance above counts of one aside."""


class Surroundings:
    """Rings around the face of one picture.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 3), pixels

    Attributes
    ----------
    vertices : ndarray, shape (n_rings * 36, 3), pixels
    """

    def __init__(self, landmarks: FloatArray) -> None:
        outline = gently_sloped(landmarks)[list(OVAL)]
        middle = outline.mean(0)
        origin, axes = upright(landmarks)
        depth = pivot_of(landmarks, float(eye_distance(landmarks)))[2]
        rings = []
        for widening in _RINGS:
            ring = middle + widening * (outline - middle)
            ring[:, 2] = outline[:, 2]
            ring[:, 2] += smoothstep((widening - 1) / _RECEDING) * (depth - ring[:, 2])
            rings.append(ring)
        self.vertices = np.concatenate(rings)
        place = (self.vertices[:, :2] - origin) @ np.linalg.inv(axes)
        chin = float(((landmarks[CHIN, :2] - origin) @ np.linalg.inv(axes))[1])
        # tall hair and hats are the head's, too
        above = _ABOVE * np.minimum(place[:, 1], 0)
        aside = _fade(np.hypot(place[:, 0], above), *_ASIDE)
        self._turns = (aside * _fade(place[:, 1] - chin, *_NECK))[:, None]
        self._shifts = (aside * _fade(place[:, 1] - chin, *_SHOULDERS))[:, None]
        fade = smoothstep(1 - (np.array(_RINGS) - 1) / _FADE_OF_EXPRESSION)
        self._follows = np.repeat(fade, len(OVAL))[:, None] * aside[:, None]
        self._drifts = (aside * _fade(place[:, 1], *_DRIFTING))[:, None]
        self._outline = outline
        self._nested = NestedRings(np.stack([outline, *rings]), _NARROWEST)

    def moving(self) -> NDArray[np.float64]:
        """Vertices (n, 2) of the part that can move, and the ring around it."""
        n = len(OVAL)
        moves = (np.maximum(self._shifts, self._drifts) > 0).reshape(-1, n).any(1)
        return self.vertices.reshape(-1, n, 3)[: int(np.flatnonzero(moves)[-1]) + 2].reshape(-1, 3)[:, :2]

    def triangles(self, first: int) -> NDArray[np.int64]:
        """Triangles (n, 3) from the outline to the last ring, the rings' vertices numbered from `first` on."""
        n = len(OVAL)
        rings = np.concatenate([OVAL, first + np.arange(len(self.vertices))]).reshape(-1, n)
        inner, outer = rings[:-1], rings[1:]
        next_inner, next_outer = np.roll(inner, -1, axis=1), np.roll(outer, -1, axis=1)
        halves = [np.stack([inner, outer, next_outer], -1), np.stack([inner, next_outer, next_inner], -1)]
        return np.concatenate(halves).reshape(-1, 3)

    def move(self, target: FaceTarget) -> NDArray[np.float64]:
        """The vertices (n, 3) when the face is at `target`."""
        head = target.head
        turned = HeadMotion(head.rotation, 1.0, head.pivot, np.zeros(3))
        turn = turned.apply(self.vertices) - self.vertices
        shift = (head.scale - 1) * (self.vertices - head.pivot) + head.shift
        own = target.landmarks[list(OVAL)] - head.apply(self._outline)
        own = np.tile(own, (len(_RINGS), 1))
        moved = self.vertices + self._turns * turn + self._shifts * shift + self._follows * own
        if target.drift is not None:
            moved[:, :2] += self._drifts * target.drift
        rings = np.concatenate([target.landmarks[list(OVAL)], moved]).reshape(len(_RINGS) + 1, -1, 3)
        self._nested.unfold(rings)
        return rings[1:].reshape(-1, 3)


def _fade(value: FloatArray, start: float, end: float) -> NDArray[np.float64]:
    """1 up to `start`, smoothly down to 0 at `end`."""
    return smoothstep((end - value) / (end - start))
