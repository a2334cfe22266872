r"""The mouth's canvas: a small picture of the mouth region, in its mean shape, on which all that is smooth is drawn.

Three things about a mouth are too smooth to need the picture's own pixels: the *expected look* that corrects the
retrieved mouth (see appearance.py), the *membrane* that takes away the step in colour at the rim, and the *feather*
inside the rim. All three are drawn on the canvas, whose shape never changes, and carried to the picture together by
the warp that is needed anyway.

**Membrane.** Poisson image editing keeps a patch's gradients inside a mask and the picture's colours on its rim. That
is the same as adding to the patch the smoothest function that on the rim equals (picture - patch)::

    result = patch + m,     laplace(m) = 0 inside,     m = picture - patch on the rim

`m` is linear in the rim's values. On a canvas that never changes, the solution is one matrix, computed once.

**Feather.** A fold that crosses the rim never lies in exactly the same place in both pictures. There the rim's
difference is a spike, which the membrane alone would carry inwards as a bright speck. Over a short way from the rim the
two pictures are mixed; both hold the same landmarks, so that mixing them shows no ghost.

References
----------
Perez, Gangnet & Blake, *Poisson Image Editing*, SIGGRAPH 2003, equations 2 and 4 (membrane form: section 2);
Farbman et al., *Coordinates for Instant Image Cloning*, SIGGRAPH 2009 (a membrane as weights of the rim).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import LOWER_MOUTH_REGION, LOWER_OUTER_LIPS
from hygiesync.rendering.mesh import FaceMesh

N_RIM = 96
"""Points along the rim whose difference is carried inwards."""

_POINTS_PER_SAMPLE = 3
"""Places that are averaged for one of them: skin is rough, and the membrane is to follow its colour only."""

_CELL = 0.01
"""Side of a canvas cell, canonical units."""

_MIN_CELL_PX = 2.0
"""Cells are at least so many pixels of the training video: finer detail stays the retrieved mouth's own."""

_FEATHER = 0.063
"""Width of the feather, canonical units."""

_LIP_MARGIN = 0.05
"""How far around the lips the look is corrected, canonical units; it fades out over as much again."""

_BORDER_CELLS = 3
_FINER = 4


@dataclass(frozen=True)
class MouthCanvas:
    """Where the canvas lies in the face, and what is fixed on it.

    Attributes
    ----------
    vertices : ndarray, shape (n_vertices, 2), float32
        The face mesh's vertices on the canvas, in cells.
    feather : ndarray, shape (h, w), float32, 0 to 1
        Share of the mouth against the skin around it: 0 outside the region, rising from its rim.
    around_lips : ndarray, shape (h, w), float32, 0 to 1
        Where the look is corrected.
    spread : ndarray, shape (h * w, N_RIM), float32
        Membrane for a difference of 1 at each rim point.
    """

    vertices: NDArray[np.float32]
    feather: NDArray[np.float32]
    around_lips: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def from_mesh(cls, mesh: FaceMesh, px_per_unit: float) -> MouthCanvas:
        """Canvas for one person.

        Parameters
        ----------
        mesh : FaceMesh
        px_per_unit : float
            Distance between the outer eye corners in the training video, pixels.
        """
        cell = max(_CELL, _MIN_CELL_PX / px_per_unit)
        region = mesh.reference[LOWER_MOUTH_REGION]
        origin = region.min(0) - _BORDER_CELLS * cell
        width, height = np.ceil((np.ptp(region, axis=0)) / cell).astype(int) + 2 * _BORDER_CELLS
        vertices = (mesh.reference - origin) / cell
        inside = _fill(vertices[LOWER_MOUTH_REGION], width, height)
        rim = rim_points(vertices[LOWER_MOUTH_REGION]).reshape(N_RIM, -1, 2).mean(1)
        return cls(
            vertices=vertices.astype(np.float32),
            feather=_depth(inside, _FEATHER / cell),
            around_lips=_dilated(_fill(vertices[LOWER_OUTER_LIPS], width, height), _LIP_MARGIN / cell),
            spread=_harmonic(inside[_FINER // 2 :: _FINER, _FINER // 2 :: _FINER], rim).astype(np.float32),
        )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in cells."""
        return self.feather.shape[0], self.feather.shape[1]

    def lips_box(self) -> tuple[slice, slice]:
        """Rows and columns in which the look is corrected."""
        rows, columns = (np.flatnonzero(self.around_lips.any(axis)) for axis in (1, 0))
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def membrane(self, rim: FloatArray) -> NDArray[np.float32]:
        """Membrane (h, w, 3), float32, over the rim's difference (N_RIM, 3)."""
        return (self.spread @ rim.astype(np.float32)).reshape(*self.size, -1)


def rim_points(region: FloatArray) -> NDArray[np.float32]:
    """Points along the rim of a mouth region.

    Parameters
    ----------
    region : ndarray, shape (n_corners, 2)
        In any picture: the points keep their places between the corners.

    Returns
    -------
    ndarray, shape (N_RIM * 3, 2), float32
        Evenly many on each side; three in a row make one of the `N_RIM` samples.
    """
    n_points = N_RIM * _POINTS_PER_SAMPLE
    place = np.arange(n_points) * (len(region) / n_points)
    corner, share = place.astype(int), (place % 1)[:, None]
    return ((1 - share) * region[corner] + share * region[(corner + 1) % len(region)]).astype(np.float32)


def sample_rim(image: NDArray[np.uint8], points: FloatArray) -> NDArray[np.float32]:
    """Colours (N_RIM, 3), float32, of an image (H, W, 3), uint8, at rim points in its pixels."""
    colours = cv2.remap(image, points[:, None], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return colours.reshape(N_RIM, _POINTS_PER_SAMPLE, -1).mean(1, dtype=np.float32)


def _fill(corners: FloatArray, width: int, height: int) -> NDArray[np.uint8]:
    """Mask (height * finer, width * finer), uint8, of a polygon in cells."""
    mask = np.zeros((height * _FINER, width * _FINER), np.uint8)
    fine = (corners + 0.5) * _FINER - 0.5
    cv2.fillPoly(mask, [np.rint(fine * 64).astype(np.int32)], 1, cv2.LINE_8, 6)
    return mask


def _depth(inside: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """Distance to the mask's edge in widths, at most 1, at the cells."""
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / (width * _FINER)
    return _to_cells(np.minimum(depth, 1.0))


def _dilated(mask: NDArray[np.uint8], margin: float) -> NDArray[np.float32]:
    """1 up to `margin` cells around a mask, fading to 0 over as much again, at the cells."""
    distance = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / (margin * _FINER)
    return _to_cells(np.clip(2 - distance, 0.0, 1.0))


def _to_cells(fine: FloatArray) -> NDArray[np.float32]:
    size = (fine.shape[1] // _FINER, fine.shape[0] // _FINER)
    return cv2.resize(fine.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _harmonic(inside: NDArray[np.uint8], rim: FloatArray) -> NDArray[np.float64]:
    """Discrete Laplace's equation, solved for a 1 at each rim point.

    Parameters
    ----------
    inside : ndarray, shape (h, w), bool or uint8
        Unknown cells; those at the canvas's own edge never are.
    rim : ndarray, shape (n_rim, 2), cells

    Returns
    -------
    ndarray, shape (h * w, n_rim)
        Outside the mask the value of the rim beside it.
    """
    from scipy import sparse
    from scipy.sparse.linalg import spsolve

    height, width = inside.shape
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    spacing = np.linalg.norm(np.diff(rim, axis=0), axis=1).mean()
    distance = np.hypot(x.ravel()[:, None] - rim[:, 0], y.ravel()[:, None] - rim[:, 1])
    nearness = np.exp(-0.5 * ((distance - distance.min(1, keepdims=True)) / (0.7 * spacing)) ** 2)
    values = nearness / nearness.sum(1, keepdims=True)
    cells = np.flatnonzero(inside.ravel())
    number = np.full(height * width, -1)
    number[cells] = np.arange(len(cells))
    matrix = 4.0 * sparse.identity(len(cells), format="csc")
    known = np.zeros((len(cells), len(rim)))
    for step in (1, -1, width, -width):
        beside = cells + step
        is_unknown = number[beside] >= 0
        links = (np.ones(is_unknown.sum()), (np.flatnonzero(is_unknown), number[beside[is_unknown]]))
        matrix = matrix - sparse.csc_matrix(links, matrix.shape)
        known[~is_unknown] += values[beside[~is_unknown]]
    values[cells] = spsolve(matrix.tocsc(), known)
    return values
