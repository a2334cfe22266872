r"""Piecewise-affine warping of pictures over a triangle mesh that never changes.

The triangulation is made once, on a mean shape; afterwards only vertices move. A warp is computed *backwards*: for each
pixel of the target, where in the source does its colour come from? Inside a target triangle with vertices ``t`` whose
source triangle has vertices ``s``, that is the one affine map taking ``t`` to ``s``::

        s0 ______ s1              t0 ___ t1
          \    /      <------        \  |         pixel p in (t0 t1 t2)  ->  A p in (s0 s1 s2)
           \  /          A            \ |
            s2                         t2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray, IntArray

_SUBPIXEL_BITS = 6
"""cv2.fillConvexPoly's fixed-point vertices: 1/64 pixel."""


def triangulate(points: FloatArray) -> NDArray[np.int32]:
    """Delaunay triangles of a point set.

    Parameters
    ----------
    points : ndarray, shape (n_points, 2)

    Returns
    -------
    triangles : ndarray, shape (n_triangles, 3), int32
        Indices into `points`, without slivers whose three points lie on one line.
    """
    from scipy.spatial import Delaunay

    triangles = Delaunay(points).simplices
    areas = np.abs(double_areas(points[triangles]))
    return triangles[areas > 1e-9 * np.ptp(points, axis=0).prod()].astype(np.int32)


def double_areas(corners: FloatArray) -> NDArray[np.float64]:
    """Twice the signed area (n_triangles,) of triangles with corners (n_triangles, 3, 2)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels: ``image[top:bottom, left:right]``."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def origin(self) -> NDArray[np.float64]:
        """Top left corner, (x, y)."""
        return np.array([self.left, self.top], np.float64)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in an image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def slices_within(self, outer: Box) -> tuple[slice, slice]:
        """Index of the rectangle in an array that covers `outer`."""
        top, left = self.top - outer.top, self.left - outer.left
        return slice(top, top + self.height), slice(left, left + self.width)

    def within(self, outer: Box) -> Box:
        """The part that lies in `outer`; without height or width when there is none."""
        left, top = max(self.left, outer.left), max(self.top, outer.top)
        return Box(left, top, max(left, min(self.right, outer.right)), max(top, min(self.bottom, outer.bottom)))

    @classmethod
    def around(cls, points: FloatArray, size: tuple[int, ...], margin: int = 1) -> Box:
        """Smallest box that holds `points` (n, 2) with `margin` pixels around, cut to a picture of `size` (h, w)."""
        height, width = size
        left, top = np.floor(points.min(axis=0)).astype(int) - margin
        right, bottom = np.ceil(points.max(axis=0)).astype(int) + margin + 1
        left, right = (int(np.clip(edge, 0, width)) for edge in (left, right))
        top, bottom = (int(np.clip(edge, 0, height)) for edge in (top, bottom))
        return cls(left, top, right, bottom)


class PiecewiseAffine:
    """Warps over one fixed triangulation.

    Parameters
    ----------
    triangles : ndarray, shape (n_triangles, 3), int
        Vertex indices, as from :func:`triangulate`.
    """

    def __init__(self, triangles: IntArray) -> None:
        self.triangles = np.asarray(triangles, np.int64)

    def triangle_map(self, target: FloatArray, box: Box) -> NDArray[np.int32]:
        """Which triangle each pixel of `box` lies in.

        Parameters
        ----------
        target : ndarray, shape (n_points, 2), pixels
        box : Box

        Returns
        -------
        ndarray, shape (box.height, box.width), int32
            Triangle indices; -1 outside the mesh. Where triangles share a side or fold over each other, the larger
            one wins: OpenCV draws sides a pixel wide, and the map of a sliver (between closed lips) goes astray a
            pixel beside it.
        """
        index = np.full((box.height, box.width), -1, np.int32)
        corners = np.rint((target - box.origin) * (1 << _SUBPIXEL_BITS)).astype(np.int32)[self.triangles]
        for number in np.argsort(np.abs(double_areas(target[self.triangles])), kind="stable").tolist():
            cv2.fillConvexPoly(index, corners[number], number, cv2.LINE_8, _SUBPIXEL_BITS)
        return index

    def affine_maps(self, target: FloatArray, source: FloatArray) -> NDArray[np.float64]:
        """The affine map of each triangle from target to source coordinates.

        Returns
        -------
        ndarray, shape (n_triangles, 2, 3), float64
            Degenerate target triangles, which cover no pixel's centre, get the map onto their source's first corner.
        """
        t, s = target[self.triangles], source[self.triangles]
        t_edges, s_edges = t[:, 1:] - t[:, :1], s[:, 1:] - s[:, :1]
        determinant = t_edges[:, 0, 0] * t_edges[:, 1, 1] - t_edges[:, 0, 1] * t_edges[:, 1, 0]
        flat = np.abs(determinant) < 1e-6
        inverse = np.empty_like(t_edges)
        inverse[:, 0, 0], inverse[:, 0, 1] = t_edges[:, 1, 1], -t_edges[:, 0, 1]
        inverse[:, 1, 0], inverse[:, 1, 1] = -t_edges[:, 1, 0], t_edges[:, 0, 0]
        inverse /= np.where(flat, np.inf, determinant)[:, None, None]
        linear = np.swapaxes(inverse @ s_edges, 1, 2)
        return np.concatenate([linear, s[:, 0, :, None] - linear @ t[:, 0, :, None]], axis=2)

    def backward_map(
        self, target: FloatArray, source: FloatArray, box: Box, triangle_map: NDArray[np.int32] | None = None
    ) -> NDArray[np.float32]:
        """Where in the source each target pixel of `box` comes from.

        Parameters
        ----------
        target, source : ndarray, shape (n_points, 2), pixels
            Vertices in either picture.
        box : Box
            The part of the target to compute.
        triangle_map : ndarray, shape (box.height, box.width), optional
            From :meth:`triangle_map` with the same `target` and `box`, when two sources share one target.

        Returns
        -------
        ndarray, shape (box.height, box.width, 2), float32
            Source (x, y); outside the mesh, the pixel's own position.
        """
        index = self.triangle_map(target, box) if triangle_map is None else triangle_map
        identity = np.array([[[1.0, 0, 0], [0, 1, 0]]])
        maps = np.concatenate([self.affine_maps(target, source), identity]).astype(np.float32)[index]
        x = np.arange(box.left, box.right, dtype=np.float32)[None, :, None]
        y = np.arange(box.top, box.bottom, dtype=np.float32)[:, None, None]
        return maps[..., 0] * x + maps[..., 1] * y + maps[..., 2]

    def warp(
        self, image: NDArray[np.uint8], source: NDArray[Any], target: NDArray[Any], size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Picture in which the mesh at `source` has moved to `target`; outside the mesh the picture stays as it is.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8
        source, target : ndarray, shape (n_points, 2), pixels
        size : tuple of int, optional
            (height, width) of the result; that of `image` when left out.

        Returns
        -------
        ndarray, shape (height, width, 3), uint8
        """
        height, width = size or image.shape[:2]
        return sample(image, self.backward_map(target, source, Box(0, 0, width, height)))


def sample(image: NDArray[np.uint8], backward_map: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours of `image` at the positions of a backward map, bicubic, so that detail survives fractions of a pixel.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    backward_map : ndarray, shape (h, w, 2), float32, pixels, (x, y)

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
    """
    return cv2.remap(image, backward_map, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
