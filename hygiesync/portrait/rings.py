"""Rings of points around each other that must not fold: each stays outside the one within it."""

from __future__ import annotations

import numpy as np

from hygiesync.array_types import FloatArray


class NestedRings:
    """Rings as they lie in a picture, from the innermost.

    Parameters
    ----------
    rings : ndarray, shape (n_rings, n, 2 or 3), pixels
        Points of one column lie beside each other.
    narrowest : float
        Share of the distance between two rings that they keep.
    """

    def __init__(self, rings: FloatArray, narrowest: float) -> None:
        steps = np.diff(rings[..., :2], axis=0)
        spacing = np.linalg.norm(steps, axis=-1)
        self._outward = steps / np.maximum(spacing, 1e-6)[..., None]
        self._least = narrowest * spacing

    def unfold(self, rings: FloatArray) -> None:
        """Push each of `rings`, in place, as far out as it needs to stay outside the one before it."""
        for inner, outer, outward, least in zip(rings[:-1], rings[1:], self._outward, self._least, strict=True):
            distance = ((outer - inner)[:, :2] * outward).sum(1)
            outer[:, :2] += np.maximum(least - distance, 0)[:, None] * outward
