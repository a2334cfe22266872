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

N_LOOK_COMPONENTS = 48
"""Components of a look's code that the search goes by; what the others tell is too fine to be seen."""


class Retriever:
    """Finds candidates and what each would cost.

    Thread-safe: a search changes nothing.

    Parameters
    ----------
    atlas : Atlas
    features : ndarray, shape (n_pictures, n_features), float32, canonical units
        Shape features of its pictures.

    Attributes
    ----------
    points : ndarray, shape (n_pictures, n_features + n_look_components), float32, canonical units
        The pictures in the space that is searched; not to be written to.
    appearance_scale : float32
        Canonical units that 1 of a look's code counts for there.
    """

    def __init__(self, atlas: Atlas, features: NDArray[np.float32]) -> None:
        import faiss

        spread = np.sqrt((atlas.codes**2).sum(1).mean())
        self.appearance_scale = np.float32(_APPEARANCE_WEIGHT / max(float(spread), 1e-6))
        self.points = self._to_points(features, atlas.codes)
        self._index = faiss.IndexFlatL2(self.points.shape[1])
        self._index.add(self.points)

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
        return candidates, np.linalg.norm(self.points[candidates] - query, axis=1)

    def _to_points(self, features: FloatArray, codes: FloatArray) -> NDArray[np.float32]:
        return np.concatenate([features, codes[:, :N_LOOK_COMPONENTS] * self.appearance_scale], axis=1)
