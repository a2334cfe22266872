"""Where the head is: the similarity between a picture and the canonical face, and how far the head is turned.

The canonical face has its outer eye corners one unit apart and the middle between them at the origin; x points to the
picture's right, y down. A picture's points are brought there by the least-squares similarity on `RIGID` points, which
speech does not move, so that head motion never enters the shape.

A similarity can't undo turning and nodding. Their trace, the residual of the rigid points, spans a plane (yaw and
pitch): its two coordinates are the *turn*, from which the shape model foretells how turning bends the lower face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, RIGID

N_TURNS = 2
"""Dimensions of the turn: yaw and pitch, in the order of how much they vary."""

_EYES = [RIGID.index(RIGHT_EYE_OUTER), RIGID.index(LEFT_EYE_OUTER)]


def fit_similarity(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """Least-squares similarity (rotation, scale, shift; no mirroring) from points to points.

    Parameters
    ----------
    source : ndarray, shape (..., n_points, 2)
    target : ndarray, shape (..., n_points, 2)
        Leading axes broadcast: one target may serve many sources.

    Returns
    -------
    ndarray, shape (..., 2, 3), float64
        ``[[a, -b, tx], [b, a, ty]]`` with ``target ~ matrix[:, :2] @ source + matrix[:, 2]``.

    References
    ----------
    Umeyama, *Least-squares estimation of transformation parameters between two point patterns*, 1991; in the plane
    its solution is one complex quotient.
    """
    source_centre, target_centre = source.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    p, q = source - source_centre, target - target_centre
    norm = (p**2).sum((-1, -2))
    a = (p * q).sum((-1, -2)) / norm
    b = (p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]).sum(-1) / norm
    linear = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], -2)
    shift = target_centre[..., 0, :] - np.einsum("...ij,...j->...i", linear, source_centre[..., 0, :])
    return np.concatenate([linear, shift[..., None]], -1)


def apply_similarity(matrix: FloatArray, points: FloatArray) -> NDArray[np.float64]:
    """Points (..., n, 2) moved by matrices (..., 2, 3)."""
    return points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]


def invert_similarity(matrix: FloatArray) -> NDArray[np.float64]:
    """The similarity that undoes `matrix`, shape (..., 2, 3)."""
    a, b = matrix[..., 0, 0], matrix[..., 1, 0]
    norm = a**2 + b**2
    linear = np.stack([np.stack([a, b], -1), np.stack([-b, a], -1)], -2) / norm[..., None, None]
    return np.concatenate([linear, -linear @ matrix[..., 2:]], -1)


def similarity_scale(matrix: FloatArray) -> NDArray[np.float64]:
    """Factor by which similarities (..., 2, 3) enlarge."""
    return np.hypot(matrix[..., 0, 0], matrix[..., 1, 0])


@dataclass(frozen=True)
class PoseModel:
    """One person's rigid points in the canonical face, and how turning moves them.

    Attributes
    ----------
    reference : ndarray, shape (n_rigid, 2), canonical units
    turn_basis : ndarray, shape (2, n_rigid * 2)
        Orthonormal directions in which the rigid points stray from `reference` when the head turns.
    turn_scale : ndarray, shape (2,)
        Standard deviations of the turn in the training video, by which it is divided.
    """

    reference: NDArray[np.float64]
    turn_basis: NDArray[np.float64]
    turn_scale: NDArray[np.float64]

    @classmethod
    def fit(cls, rigid: FloatArray, n_rounds: int = 5) -> PoseModel:
        """Pose model of many pictures' rigid points (generalised Procrustes, then PCA of the residual).

        Parameters
        ----------
        rigid : ndarray, shape (n_frames, n_rigid, 2), pixels
        n_rounds : int
            Rounds of aligning to the mean and taking the mean again; five are plenty for one person.

        References
        ----------
        Gower, *Generalized Procrustes analysis*, 1975.
        """
        reference = _normalised(rigid[0])
        for _ in range(n_rounds):
            aligned = apply_similarity(fit_similarity(rigid, reference), rigid)
            reference = _normalised(aligned.mean(0))
        residual = (apply_similarity(fit_similarity(rigid, reference), rigid) - reference).reshape(len(rigid), -1)
        _, _, directions = np.linalg.svd(residual, full_matrices=False)
        basis = np.zeros((N_TURNS, residual.shape[1]))
        basis[: len(directions)] = directions[:N_TURNS]
        scale = np.maximum((residual @ basis.T).std(0), 1e-6)
        return cls(reference, basis, scale)

    def to_canonical(self, rigid: FloatArray) -> NDArray[np.float64]:
        """Similarities (..., 2, 3) from a picture with rigid points (..., n_rigid, 2) to the canonical face."""
        return fit_similarity(rigid, self.reference)

    def turn(self, rigid: FloatArray) -> NDArray[np.float64]:
        """Turn (..., 2) of heads with rigid points (..., n_rigid, 2), in standard deviations of the training video."""
        aligned = apply_similarity(self.to_canonical(rigid), rigid)
        residual = (aligned - self.reference).reshape(*aligned.shape[:-2], -1)
        return residual @ self.turn_basis.T / self.turn_scale


def _normalised(rigid: FloatArray) -> NDArray[np.float64]:
    """Rigid points with the outer eye corners level, one unit apart, around the origin."""
    eyes = rigid[_EYES]
    return apply_similarity(fit_similarity(eyes, np.array([[-0.5, 0.0], [0.5, 0.0]])), rigid)
