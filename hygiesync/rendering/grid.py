r"""Piecewise-affine warping at the nodes of a coarse grid: the fast form of what warp.py does pixel by pixel.

Where a pixel's colour comes from changes so evenly from pixel to pixel that it need not be computed for each. It is
computed at nodes, one in the middle of every `step` by `step` pixels, and interpolated between them::

    o  .  .  o  .  .  o        o  node: which triangle, which affine map, where from
    .  .  .  .  .  .  .        .  pixel: between its nodes
    o  .  .  o  .  .  o

Finding the triangle is the slow part, and is shared by everything that is warped to the same target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray, IntArray
from hygiesync.rendering.warp import Box, double_areas

_SUBPIXEL_BITS = 6


@dataclass(frozen=True)
class NodeGrid:
    """Nodes over a box of pixels.

    Attributes
    ----------
    box : Box
        The pixels that are wanted; the nodes cover them and up to ``step - 1`` more on the right and below.
    step : int
        Pixels from node to node.
    """

    box: Box
    step: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of nodes."""
        return -(-self.box.height // self.step), -(-self.box.width // self.step)

    @property
    def x(self) -> NDArray[np.float32]:
        """Picture x of the columns, (columns,), float32."""
        return np.arange(self.shape[1], dtype=np.float32) * self.step + (self.box.left + (self.step - 1) / 2)

    @property
    def y(self) -> NDArray[np.float32]:
        """Picture y of the rows, (rows, 1), float32."""
        rows = np.arange(self.shape[0], dtype=np.float32)[:, None]
        return rows * self.step + (self.box.top + (self.step - 1) / 2)

    def within(self, box: Box) -> NodeGrid:
        """The part of the grid that covers `box`."""
        left, top, right, bottom = self.box.left, self.box.top, self.box.right, self.box.bottom
        return replace(
            self,
            box=Box(
                left + (box.left - left) // self.step * self.step,
                top + (box.top - top) // self.step * self.step,
                min(left - (left - box.right) // self.step * self.step, right),
                min(top - (top - box.bottom) // self.step * self.step, bottom),
            ),
        )

    def coarser(self, factor: int) -> NodeGrid:
        """Fewer nodes over the same pixels."""
        return replace(self, step=self.step * factor)

    def places_of(self, grid: NodeGrid) -> tuple[slice, slice]:
        """Where the nodes of a part of this grid, or of a part of a coarser one, are among this grid's nodes.

        A coarser grid's node lies in the middle of several of this grid's; the first of those stands for it.
        """
        (rows, columns), stride = grid.shape, grid.step // self.step
        top, left = (grid.box.top - self.box.top) // self.step, (grid.box.left - self.box.left) // self.step
        return slice(top, top + rows * stride, stride), slice(left, left + columns * stride, stride)

    def around(self, flags: NDArray[np.bool_]) -> NodeGrid | None:
        """The smallest part that holds all nodes (rows, columns), bool, that are true, and those next to them."""
        rows, columns = np.flatnonzero(flags.any(1)), np.flatnonzero(flags.any(0))
        if not len(rows):
            return None
        (top, bottom), (left, right) = (
            (max(int(places[0]) - 1, 0) * self.step, (int(places[-1]) + 1) * self.step) for places in (rows, columns)
        )
        return replace(
            self,
            box=Box(
                self.box.left + left,
                self.box.top + top,
                min(self.box.left + right + self.step, self.box.right),
                min(self.box.top + bottom + self.step, self.box.bottom),
            ),
        )

    def to_pixels(self, values: FloatArray) -> NDArray[np.float32]:
        """Node values (rows, columns[, n]) at every pixel of the box, (box.height, box.width[, n])."""
        if self.step == 1:
            return values
        rows, columns = self.shape
        fine = cv2.resize(values, (columns * self.step, rows * self.step), interpolation=cv2.INTER_LINEAR)
        return fine[: self.box.height, : self.box.width]


class Target:
    """A mesh in its place in the picture that is being made, ready to be filled from any number of sources.

    Parameters
    ----------
    vertices : ndarray, shape (n_points, 2), pixels
    triangles : ndarray, shape (n_triangles, 3), int
    grid : NodeGrid
    rank : ndarray, shape (n_triangles,), optional
        Where triangles lie over each other the higher rank is seen; their area when left out.
    """

    def __init__(
        self, vertices: FloatArray, triangles: IntArray, grid: NodeGrid, rank: FloatArray | None = None
    ) -> None:
        self.grid, self._triangles = grid, triangles
        corners = vertices[triangles]
        area = double_areas(corners)
        self._index = self._triangle_of_each_node(corners, np.abs(area) if rank is None else rank)
        self._first = corners[:, 0]
        edges = corners[:, 1:] - corners[:, :1]
        determinant = np.where(np.abs(area) < 1e-6, np.inf, area)[:, None]
        self._inverse_x = np.stack([edges[:, 1, 1], -edges[:, 0, 1]], 1) / determinant
        self._inverse_y = np.stack([-edges[:, 1, 0], edges[:, 0, 0]], 1) / determinant

    @property
    def triangle_of_nodes(self) -> NDArray[np.int64]:
        """Triangle (rows, columns), intp, that each node lies in; the number of triangles where in none."""
        return self._index

    def _triangle_of_each_node(self, corners: FloatArray, rank: FloatArray) -> NDArray[np.int64]:
        """Triangle (rows, columns), intp, that each node lies in; the number of triangles where in none.

        The higher rank wins where two meet.
        """
        origin = np.array([self.grid.x[0], self.grid.y[0, 0]])
        nodes = np.rint((corners - origin) * ((1 << _SUBPIXEL_BITS) / self.grid.step)).astype(np.int32)
        index = np.full(self.grid.shape, len(self._triangles), np.int32)
        order = np.argsort(rank, kind="stable")
        fill = cv2.fillConvexPoly
        for number, triangle in zip(order.tolist(), nodes[order], strict=True):
            fill(index, triangle, number, cv2.LINE_8, _SUBPIXEL_BITS)
        return index.astype(np.intp)

    def backward(
        self, source: FloatArray, grid: NodeGrid | None = None, outside: tuple[float, float] | None = None
    ) -> NDArray[np.float32]:
        """Where each node comes from.

        Parameters
        ----------
        source : ndarray, shape (n_points, 2)
            The mesh's vertices in the source.
        grid : NodeGrid, optional
            A part of the target's own grid, or a coarser one; its own when left out.
        outside : (x, y), optional
            Where nodes outside the mesh come from; their own place when left out.

        Returns
        -------
        ndarray, shape (rows, columns, 2), float32
        """
        grid = grid or self.grid
        s = _as_complex(source)[self._triangles]
        edge_1, edge_2 = s[:, 1] - s[:, 0], s[:, 2] - s[:, 0]
        by_x = self._inverse_x[:, 0] * edge_1 + self._inverse_x[:, 1] * edge_2
        by_y = self._inverse_y[:, 0] * edge_1 + self._inverse_y[:, 1] * edge_2
        constant = s[:, 0] - self._first[:, 0] * by_x - self._first[:, 1] * by_y
        elsewhere = (1, 1j, 0) if outside is None else (0, 0, complex(*outside))
        by_x, by_y, constant = (
            np.append(column, last).astype(np.complex64)
            for column, last in zip((by_x, by_y, constant), elsewhere, strict=True)
        )
        index = self._triangles_at(grid)
        place = np.take(by_x, index, mode="clip")
        place *= grid.x
        of_y = np.take(by_y, index, mode="clip")
        of_y *= grid.y
        place += of_y
        place += np.take(constant, index, mode="clip")
        return place.view(np.float32).reshape(*place.shape, 2)

    def _triangles_at(self, grid: NodeGrid) -> NDArray[np.int64]:
        """Triangles (rows, columns) of the nodes of a part of the own grid, or of a coarser grid."""
        return self._index[self.grid.places_of(grid)]


def _as_complex(points: FloatArray) -> NDArray[np.complex128]:
    """Points (n, 2) as complex numbers (n,): x and y are then looked up and moved as one, in a third of the time."""
    return points[:, 0] + 1j * points[:, 1]
