"""The shape of the lower face as a few coefficients: PCA, after what the head's turn explains has been taken off.

    lower face  =  mean  +  turn @ turn_basis  +  coefficients @ components

The *coefficients* are what speech moves and what the network learns. The *turn* is read off the head of whatever
picture the mouth goes into, so a mouth learnt on a frontal face sits right on a slightly turned one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.extras import imports_of
from hygiesync.face.topology import (
    LOWER_BOTTOM,
    LOWER_FACE,
    LOWER_LEFT,
    LOWER_LIPS,
    LOWER_RIGHT,
    LOWER_TOP,
)

MIN_COMPONENTS, MAX_COMPONENTS = 8, 24
EXPLAINED_VARIANCE = 0.999

_SKIN_WEIGHT = 0.5
"""Weight of points off the lips within the PCA: they are placed less exactly by the detector and seen less exactly."""


@dataclass(frozen=True)
class ShapeModel:
    """One person's lower face.

    Attributes
    ----------
    mean : ndarray, shape (n_points, 2), canonical units
    turn_basis : ndarray, shape (n_turns, n_points * 2)
    components : ndarray, shape (n_components, n_points * 2)
        Displacements for one standard deviation of each coefficient, largest first.
    analysis : ndarray, shape (n_points * 2, n_components)
        Takes a displacement to its coefficients: the pseudo-inverse of `components` under the points' weights.
    explained_variance_ratio : ndarray, shape (n_components,)
    """

    mean: NDArray[np.float64]
    turn_basis: NDArray[np.float64]
    components: NDArray[np.float64]
    analysis: NDArray[np.float64]
    explained_variance_ratio: NDArray[np.float64]

    @property
    def n_components(self) -> int:
        return len(self.components)

    @classmethod
    def fit(cls, shapes: FloatArray, turns: FloatArray, explained_variance: float = EXPLAINED_VARIANCE) -> ShapeModel:
        """Shape model of many canonical lower faces.

        Parameters
        ----------
        shapes : ndarray, shape (n_frames, n_points, 2), canonical units
        turns : ndarray, shape (n_frames, n_turns)
        explained_variance : float
            The fewest components, between 8 and 24, that explain this share of the variance are kept.
        """
        with imports_of("train", "fitting a shape"):
            from sklearn.decomposition import PCA

        mean = shapes.mean(0)
        centred_turns = turns - turns.mean(0)
        displacement = (shapes - mean).reshape(len(shapes), -1)
        turn_basis = _effect_of_turns(centred_turns, displacement, mouth_opening(shapes))
        mean = mean - (turns.mean(0) @ turn_basis).reshape(mean.shape)
        weights = _point_weights(shapes.shape[1])
        residual = (displacement - centred_turns @ turn_basis) * weights
        pca = PCA(n_components=min(MAX_COMPONENTS, *residual.shape), svd_solver="full").fit(residual)
        enough = int(np.searchsorted(np.cumsum(pca.explained_variance_ratio_), explained_variance)) + 1
        kept = slice(0, int(np.clip(enough, MIN_COMPONENTS, MAX_COMPONENTS)))
        std = np.sqrt(np.maximum(pca.explained_variance_[kept], 1e-12))
        directions = _with_fixed_signs(pca.components_[kept])
        return cls(
            mean=mean,
            turn_basis=turn_basis,
            components=directions * std[:, None] / weights,
            analysis=directions.T * weights[:, None] / std,
            explained_variance_ratio=pca.explained_variance_ratio_[kept],
        )

    def transform(self, shapes: FloatArray, turns: FloatArray) -> NDArray[np.float64]:
        """Coefficients (..., n_components), standard deviations, of shapes (..., n_points, 2) at turns (..., 2)."""
        displacement = (shapes - self.mean).reshape(*shapes.shape[:-2], -1)
        return (displacement - turns @ self.turn_basis) @ self.analysis

    def inverse_transform(self, coefficients: FloatArray, turns: FloatArray | None = None) -> NDArray[np.float64]:
        """Shapes (..., n_points, 2), canonical, of coefficients (..., n_components); without turns, frontal."""
        displacement = coefficients @ self.components
        if turns is not None:
            displacement = displacement + turns @ self.turn_basis
        return displacement.reshape(*displacement.shape[:-1], -1, 2) + self.mean


def mouth_opening(shapes: FloatArray) -> FloatArray:
    """Distance (...) between the inner lips' middles of lower faces (..., n_points, 2), in the shapes' unit."""
    return np.linalg.norm(shapes[..., LOWER_TOP, :] - shapes[..., LOWER_BOTTOM, :], axis=-1)


def mouth_width(shapes: FloatArray) -> FloatArray:
    """Distance (...) between the mouth's corners of lower faces (..., n_points, 2), in the shapes' unit."""
    return np.linalg.norm(shapes[..., LOWER_RIGHT, :] - shapes[..., LOWER_LEFT, :], axis=-1)


def _effect_of_turns(turns: FloatArray, displacement: FloatArray, opening: FloatArray) -> NDArray[np.float64]:
    """How turning moves the points (n_turns, n_points * 2), at a constant opening of the mouth.

    MediaPipe lets an opening mouth leak into the points that turns are read from. With the opening as a regressor of
    its own, that leak explains nothing: the fitted turn neither opens nor closes the lips, so a template's own talking
    never shows in the mouth that is put on it.
    """
    regressors = np.concatenate([turns, (opening - opening.mean())[:, None]], axis=1)
    solution, *_ = np.linalg.lstsq(regressors, displacement, rcond=None)
    return solution[: turns.shape[1]]


def _point_weights(n_points: int) -> NDArray[np.float64]:
    weights = np.full(n_points, _SKIN_WEIGHT)
    if n_points == len(LOWER_FACE):
        weights[LOWER_LIPS] = 1.0
    return np.repeat(weights, 2)


def _with_fixed_signs(directions: FloatArray) -> NDArray[np.float64]:
    """Rows flipped so that each one's largest entry is positive: PCA's own sign depends on the machine's LAPACK."""
    largest = directions[np.arange(len(directions)), np.abs(directions).argmax(1)]
    return directions * np.sign(largest)[:, None]
