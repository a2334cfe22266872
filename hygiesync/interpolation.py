"""Between numbers: a step with soft ends, and a peak between samples."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Floating = TypeVar("Floating", bound=np.floating[Any])


@overload
def smoothstep(share: float) -> float: ...
@overload
def smoothstep(share: NDArray[Floating]) -> NDArray[Floating]: ...
def smoothstep(share: float | NDArray[Floating]) -> float | NDArray[Floating]:
    """Cubic from 0 to 1, level at both ends: ``s**2 * (3 - 2 * s)`` with ``s = min(max(share, 0), 1)``.

    Parameters
    ----------
    share : float, or ndarray of any shape, float32 or float64
        How much of the way is behind; what lies outside of 0 to 1 is taken for the nearer end.

    Returns
    -------
    float or ndarray
        Of the shape and the dtype of `share`.

    Examples
    --------
    >>> [float(smoothstep(share)) for share in (-1.0, 0.0, 0.25, 0.5, 2.0)]
    [0.0, 0.0, 0.15625, 0.5, 1.0]
    """
    s = np.clip(share, 0, 1)
    stepped: float | NDArray[Floating] = s * s * (3 - 2 * s)
    return stepped


def peak_offset(values: NDArray[np.floating[Any]], best: int) -> float:
    r"""How far the peak of a sampled curve lies from its highest sample, by a parabola through that and both beside.

    With the three values `a`, `b` (the highest) and `c`, its vertex lies at ``(a - c) / (2 * (a - 2 * b + c))``::

              b
            /   \  c         vertex between b and c: the offset is positive
          a

    Parameters
    ----------
    values : ndarray, shape (n,)
        Samples at equal steps.
    best : int
        Number of the highest.

    Returns
    -------
    float, steps
        -0.5 to 0.5; 0 where the highest lies at an end, or all three are equal.

    Examples
    --------
    >>> peak_offset(np.array([0.0, 2.0, 1.0]), 1)
    0.16666666666666666
    """
    if not 0 < best < len(values) - 1:
        return 0.0
    before, at, after = (float(value) for value in values[best - 1 : best + 2])
    curvature = before - 2 * at + after
    return 0.5 * (before - after) / curvature if curvature else 0.0
