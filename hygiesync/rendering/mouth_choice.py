"""Which atlas picture each frame gets: its candidates, what each would cost, and the path through them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.face.shape import ShapeModel
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.path import PathSearch
from hygiesync.rendering.retrieval import Retriever


class MouthChoice:
    """Chooses atlas pictures while frames come in.

    Parameters
    ----------
    shape : ShapeModel
    atlas : Atlas
    appearance : AppearanceModel
    lag : int
        Frames that a choice may wait for those after it, so that the path through the atlas is smooth.
    """

    def __init__(self, shape: ShapeModel, atlas: Atlas, appearance: AppearanceModel, lag: int = 0) -> None:
        self._features, self._appearance = ShapeFeatures(shape), appearance
        self._retriever = Retriever(atlas, self._features(atlas.coefficients, atlas.turns))
        self._path = PathSearch(atlas.frame_numbers, lag)
        self._lag = lag

    @property
    def lag(self) -> int:
        """Frames that a choice may wait for those after it."""
        return self._lag

    def push(self, coefficients: NDArray[Any], turn: NDArray[Any]) -> tuple[NDArray[np.float32], Sequence[int]]:
        """Take in the next mouth that is wanted.

        Parameters
        ----------
        coefficients : ndarray, shape (n_components,), standard deviations
        turn : ndarray, shape (2,), standard deviations

        Returns
        -------
        appearance : ndarray, shape (n_look_components,), float32
            Code of the look that this mouth is expected to have.
        decided : sequence of int
            Indices of the pictures for the oldest frames that had none yet, in order; none, one or several.
        """
        features = self._features(coefficients[None], turn[None])
        appearance = self._appearance.expected(features)
        candidates, costs = self._retriever.find(features, appearance, self._path.likely_followers())
        return appearance[0], self._path.push(candidates, costs)

    def flush(self) -> Sequence[int]:
        """Pictures of all frames that have none yet: no more will come."""
        return self._path.flush()

    def reset(self) -> None:
        """Forget the path: what comes next need not follow upon what came before."""
        self._path.reset()
