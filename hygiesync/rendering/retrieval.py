"""Which real mouths come into question: the atlas pictures nearest in shape, pose and look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.rendering.atlas import Atlas

N_CANDIDATES = 24
"""Nearest pictures that compete for each frame."""

_APPEARANCE_WEIGHT = 0.04
"""Canonical units that a look as far from the expected one as a random picture's counts for."""

_N_LOOK_COMPONENTS = 48


class Retriever:
    """Finds candidates and what each would cost.

    Thread-safe: a search changes nothing.

    Parameters
    ----------
    atlas : Atlas
    features : ndarray, shape (n_pictures, n_features), float32, canonical units
        Shape features of its pictures.
    """

    def __init__(self, atlas: Atlas, features: NDArray[np.float32]) -> None:
        import faiss

        spread = np.sqrt((atlas.codes**2).sum(1).mean())
        self._appearance_scale = np.float32(_APPEARANCE_WEIGHT / max(float(spread), 1e-6))
        self._points = self._to_points(features, atlas.codes)
        self._index = faiss.IndexFlatL2(self._points.shape[1])
        self._index.add(self._points)

    def find(
        self, features: NDArray[np.float32], appearance: NDArray[np.float32], others: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Candidates for one frame.

        Parameters
        ----------
        features : ndarray, shape (1, n_features), float32
            Of the wanted mouth.
        appearance : ndarray, shape (1, n_components), float32
            The code it is expected to have.
        others : ndarray, shape (n_others,), int
            Pictures that are to be among the candidates, near or not.

        Returns
        -------
        candidates : ndarray, shape (n,), int
        costs : ndarray, shape (n,), float32, canonical units
        """
        query = self._to_points(features, appearance)
        _, found = self._index.search(query, min(N_CANDIDATES, self._index.ntotal))
        candidates = np.union1d(found[0], others)
        return candidates, np.linalg.norm(self._points[candidates] - query, axis=1)

    def _to_points(self, features: FloatArray, codes: FloatArray) -> NDArray[np.float32]:
        return np.concatenate([features, codes[:, :_N_LOOK_COMPONENTS] * self._appearance_scale], axis=1)
