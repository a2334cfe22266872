"""How unlike two mouths are, as training sees it, in terms of coefficients.

What is asked of lips is their shape: both mouths centred on themselves, since where the mouth as a whole sits says
little of what is spoken, and the detector shakes it. The rest of the lower face, which has more points and moves with
the jaw, counts for less, in place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_LIPS

_IN_PLACE = 0.2
"""Weight of all points in place against the lips centred on themselves."""


def mouth_metric(shape: ShapeModel) -> NDArray[np.float64]:
    r"""The metric (n_components, n_components) that makes differences of coefficients into distances.

    ::

        |(a - b) @ metric|^2  ~  mean over lips |offset - mean offset|^2  +  0.2 * mean over all points |offset|^2

    Scaled so that two mouths which differ by one standard deviation in every coefficient are 1 apart.
    """
    points = shape.components.reshape(shape.n_components, -1, 2)
    lips = points[:, LOWER_LIPS] - points[:, LOWER_LIPS].mean(1, keepdims=True)
    gram = _mean_product(lips) + _IN_PLACE * _mean_product(points)
    return np.linalg.cholesky(gram / np.trace(gram) + 1e-9 * np.eye(len(gram)))


def _mean_product(offsets: FloatArray) -> NDArray[np.float64]:
    """Scalar products (n, n) of offsets (n, n_points, 2), as a mean over the points."""
    flat = offsets.reshape(len(offsets), -1)
    return flat @ flat.T / offsets.shape[1]
