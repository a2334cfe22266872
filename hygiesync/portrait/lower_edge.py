"""Where a picture ends below, the body is held: what lies beyond would have to be made up.

Made up of a mirror, a tie has two knots when its person rises. So near the picture's lower edge a body rises only a
little; the cloth between there and the chin is stretched instead, which nobody sees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.interpolation import smoothstep
from hygiesync.portrait.parts import CHIN, upright

_FREE = 0.08
"""Rise, in eye distances, that is left to the body at the edge: what is mirrored then is too narrow to be seen."""

_BENEATH = 0.25
"""Distance below the chin, in eye distances, from which the body may be held: the chin itself goes where it must."""

_REACH = 1.4
"""Distance above the edge, in eye distances, over which the body is stretched, where it is as far from the chin."""


class LowerEdge:
    """The lower edge of one picture.

    Parameters
    ----------
    landmarks : ndarray, shape (478, 2 or 3), pixels
    vertices : ndarray, shape (n, 2 or 3), pixels
        Of what surrounds the face.
    height : int
        The picture's.
    """

    def __init__(self, landmarks: FloatArray, vertices: FloatArray, height: int) -> None:
        unit = float(np.linalg.norm(upright(landmarks)[1][0]))
        room = height - 1 - float(landmarks[CHIN, 1]) - _BENEATH * unit
        self._y, self._free = vertices[:, 1], _FREE * unit
        reach = float(np.clip(room, 1e-6, _REACH * unit))
        self._share = smoothstep((height - 1 - vertices[:, 1]) / reach)
        self._is_held = room > 0

    def hold(self, vertices: FloatArray) -> NDArray[np.float64]:
        """The vertices (n, 3), pixels, where they have moved to, those near the edge held."""
        if not self._is_held:
            return vertices
        held = vertices.copy()
        beyond = np.maximum(self._y - self._free - vertices[:, 1], 0)
        held[:, 1] += (1 - self._share) * beyond
        return held
