r"""The mesh of a person's lower face: its moving vertices, the still ones around them, and the triangles between.

The moving vertices are the landmarks of `LOWER_FACE`. Around them lies a rim that stays put in the canonical face (an
oval through cheeks, nose and neck), so that a moving jaw draws the skin along and fades out before the rim::

          . - ~ ~ ~ - .          rim: still
        '   nose  x x   '        x: still points at the nose's base
       |    .-------.    |
       |   (  mouth  )   |       moving: lips, cheeks, chin, jaw
        \   '-------'   /
         '.    chin   .'
            ' - . - '            rim: on the neck
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_INNER_LIPS
from hygiesync.rendering.warp import triangulate

_N_RIM = 32
_RIM_TOP, _RIM_MARGIN, _NECK_MARGIN = 0.38, 0.25, 0.25
_NOSE_BASE_X = (-0.16, -0.08, 0.0, 0.08, 0.16)
_NOSE_BASE_ABOVE_LIP = 0.06
_PARTED_LIPS = 0.1


class FaceMesh:
    """Vertices and triangles for one person.

    Parameters
    ----------
    shape : ShapeModel
    triangles : ndarray, shape (n_triangles, 3), int, optional
        As a mesh of the same shape model had them; found anew when left out.

    Attributes
    ----------
    still : ndarray, shape (n_still, 2), canonical units
        The rim and the base of the nose.
    reference : ndarray, shape (n_lower + n_still, 2), canonical units
        All vertices of the mean face, its lips parted so that no triangle is flat.
    triangles : ndarray, shape (n_triangles, 3), int32
        Over the lower face's points followed by `still`.
    """

    def __init__(self, shape: ShapeModel, triangles: NDArray[np.int32] | None = None) -> None:
        mean = shape.mean
        left, right = mean[:, 0].min() - _RIM_MARGIN, mean[:, 0].max() + _RIM_MARGIN
        bottom = mean[:, 1].max() + _NECK_MARGIN
        centre = np.array([(left + right) / 2, (_RIM_TOP + bottom) / 2])
        radius = np.array([(right - left) / 2, (bottom - _RIM_TOP) / 2])
        angle = 2 * np.pi * np.arange(_N_RIM) / _N_RIM
        oval = np.stack([np.cos(angle), np.sin(angle)], 1)
        # a superellipse: corners rounder than a box's, fuller than an ellipse's, so that the jaw's corners lie inside
        rim = centre + radius * np.sign(oval) * np.abs(oval) ** 0.7
        nose_y = mean[:, 1].min() - _NOSE_BASE_ABOVE_LIP
        nose = np.stack([mean[:, 0].mean() + np.array(_NOSE_BASE_X), np.full(len(_NOSE_BASE_X), nose_y)], 1)
        self.still = np.concatenate([rim, nose])
        self.reference = np.concatenate([_with_parted_lips(mean), self.still])
        self.triangles = triangulate(self.reference) if triangles is None else triangles

    def place(self, lower: FloatArray, to_picture: FloatArray) -> NDArray[np.float64]:
        """All vertices in a picture.

        Parameters
        ----------
        lower : ndarray, shape (n_lower, 2), pixels
            The lower face, already in the picture.
        to_picture : ndarray, shape (2, 3)
            Similarity from the canonical face to the picture.

        Returns
        -------
        ndarray, shape (n_lower + n_still, 2), pixels
        """
        return np.concatenate([lower, apply_similarity(to_picture, self.still)])


def _with_parted_lips(mean: FloatArray) -> NDArray[np.float64]:
    """`mean` with its inner lips apart, so that Delaunay joins upper with upper lip and lower with lower lip."""
    parted = mean.copy()
    inner = mean[LOWER_INNER_LIPS]
    corner_y = inner[[0, 10], 1].mean()
    bottom, top = LOWER_INNER_LIPS[1:10], LOWER_INNER_LIPS[11:]
    arch = np.sin(np.linspace(0, np.pi, 11))[1:-1] * _PARTED_LIPS
    parted[bottom, 1] = np.maximum(parted[bottom, 1], corner_y + arch)
    parted[top, 1] = np.minimum(parted[top, 1], corner_y)
    below = (mean[:, 1] > inner[:, 1].mean()) & ~np.isin(np.arange(len(mean)), LOWER_INNER_LIPS)
    parted[below, 1] += _PARTED_LIPS * np.exp(-((mean[below, 0] - inner[:, 0].mean()) ** 2) / 0.08)
    return parted
