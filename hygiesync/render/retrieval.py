"""Which real mouth to show: the atlas picture nearest in shape and pose, without jumping about."""

from __future__ import annotations

import numpy as np

from hygiesync.face.shape import ShapeModel, mouth_opening
from hygiesync.render.atlas import Atlas

N_CANDIDATES = 24
"""Nearest pictures that compete for each frame."""

_OPENING_WEIGHT = 0.5
"""Weight of the opening against all points' distance: teeth that show or don't are seen first."""

_TURN_WEIGHT = 0.002
"""Canonical units that one standard deviation of turn counts for."""

_JUMP_COST = 0.003
"""Canonical units that a jump within the atlas costs; staying, or going on to a neighbouring frame, is free."""

_NEIGHBOURHOOD = 2


class Retriever:
    """Chooses atlas pictures one after the other; remembers the last one.

    Distances are in canonical units (1 = the distance between the outer eye corners): root mean square over the
    points, by weighing each coefficient with how far it moves them.

    Parameters
    ----------
    atlas : Atlas
    shape : ShapeModel
    """

    def __init__(self, atlas: Atlas, shape: ShapeModel) -> None:
        import faiss

        self._shape = shape
        self._reach = np.sqrt((shape.components**2).mean(1) * 2)
        self._features = self._to_features(atlas.coefficients, atlas.turns)
        self._frame_numbers = atlas.frame_numbers
        self._index = faiss.IndexFlatL2(self._features.shape[1])
        self._index.add(self._features)
        self.reset()

    def reset(self) -> None:
        """Forget the last choice."""
        self._last: int | None = None

    def next(self, coefficients: np.ndarray, turn: np.ndarray) -> int:
        """Atlas picture for the next frame.

        Parameters
        ----------
        coefficients : ndarray, shape (n_components,)
        turn : ndarray, shape (n_turns,)

        Returns
        -------
        int
        """
        query = self._to_features(coefficients[None], turn[None])
        _, found = self._index.search(query, min(N_CANDIDATES, self._index.ntotal))
        candidates = np.union1d(found[0], self._continuations())
        cost = np.linalg.norm(self._features[candidates] - query, axis=1)
        if self._last is not None:
            distance = np.abs(self._frame_numbers[candidates] - self._frame_numbers[self._last])
            cost = cost + np.where(distance <= _NEIGHBOURHOOD, 0.0, _JUMP_COST)
        self._last = int(candidates[cost.argmin()])
        return self._last

    def _continuations(self) -> np.ndarray:
        """Pictures around the last one: those that may follow it without a jump."""
        if self._last is None:
            return np.zeros(0, np.int64)
        around = np.arange(self._last - _NEIGHBOURHOOD, self._last + _NEIGHBOURHOOD + 1)
        return around[(around >= 0) & (around < len(self._frame_numbers))]

    def _to_features(self, coefficients: np.ndarray, turns: np.ndarray) -> np.ndarray:
        opening = mouth_opening(self._shape.inverse_transform(coefficients))
        return np.concatenate(
            [coefficients * self._reach, _OPENING_WEIGHT * opening[:, None], _TURN_WEIGHT * turns], axis=1
        ).astype(np.float32)
