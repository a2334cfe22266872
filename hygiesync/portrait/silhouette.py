r"""Edges of a turned face: the rim behind which hair, ear and wall disappear.

Where a head turns, the mesh of the face comes to lie over that of its surroundings, and the map that says where pixels
come from jumps. Interpolated between nodes, a jump becomes a comb. So along such a rim both maps are continued beyond
it, and what each of them shows is blended, by how much of a pixel lies on the face's side::

      surroundings      |  face             share of the face, 0 to 1, over a pixel and a half
      o     o     o     |     o     o       along a line that is smooth between the nodes
                  '----- rim
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.rendering.grid import NodeGrid
from hygiesync.rendering.warp import Box

_JUMP = 2.5
"""How much further apart nodes on either side of a rim lie in the picture than here, from which it is one."""

_SMOOTH = 0.9
"""Standard deviation, in nodes, over which the line between the sides is smoothed."""

_SHARP = 0.75
"""Rise of the face's share in a pixel across the rim."""

_REACH = 7
"""Nodes, an odd number, from which either side is continued."""


@dataclass(frozen=True)
class Rim:
    """Pixels along a rim.

    Attributes
    ----------
    rows, columns : ndarray, shape (n,), int
        In the grid's box.
    near, far : ndarray, shape (n, 1, 2), float32, pixels of the picture
        Where each comes from if it is the face's, and if not.
    share : ndarray, shape (n, 1), float32, 0 to 1
        How much of it is the face's.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    near: NDArray[np.float32]
    far: NDArray[np.float32]
    share: NDArray[np.float32]


def rim_of(grid: NodeGrid, backward: NDArray[np.float32], is_face: NDArray[np.bool_]) -> Rim | None:
    """The rim of a face.

    Parameters
    ----------
    grid : NodeGrid
    backward : ndarray, shape (rows, columns, 2), float32, pixels of the picture
        Where each node comes from.
    is_face : ndarray, shape (rows, columns), bool
        Whether there is the face, and not what surrounds it.

    Returns
    -------
    Rim or None
        None where the map doesn't jump between the two.
    """
    is_rim = _jumps(backward, is_face, _JUMP * grid.step)
    part = grid.around(is_rim)
    if part is None:
        return None
    # room for what is continued, and for the smooth line
    part = grid.within(_grown(part.box, _REACH * grid.step, grid.box))
    places = grid.places_of(part)
    inside, backward = is_face[places].astype(np.float32), backward[places]
    line = cv2.GaussianBlur(inside, (0, 0), _SMOOTH, borderType=cv2.BORDER_REPLICATE)
    near_rim = cv2.dilate(is_rim[places].astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = _places_of(part.to_pixels(near_rim))
    own = np.stack([columns, rows], -1).astype(np.float32)
    of_nodes = ((own - np.float32((grid.step - 1) / 2)) / grid.step)[:, None]
    own += part.box.origin.astype(np.float32)
    shifts = backward - _places_of_nodes(part)
    # what is interpolated at the rim reaches to the nodes beside it
    used = cv2.dilate(near_rim, np.ones((3, 3), np.uint8)) > 0
    near, far = (
        cv2.remap(_continued(shifts, known, used), of_nodes, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        + own[:, None]
        for known in (inside, 1 - inside)
    )
    share = cv2.remap(line, of_nodes, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = np.clip((share - 0.5) * np.float32(_SHARP * 2 * grid.step) + 0.5, 0, 1)
    return Rim(rows + part.box.top - grid.box.top, columns + part.box.left - grid.box.left, near, far, share)


def _jumps(backward: NDArray[np.float32], is_face: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """Which nodes (h, w), bool, lie beside one on the other side, at least `least` pixels of the picture away."""
    jumps = np.zeros(is_face.shape, bool)
    for down, right in ((0, 1), (1, 0)):
        height, width = is_face.shape
        rows, columns = _places_of(is_face[: height - down, : width - right] != is_face[down:, right:])
        apart = np.abs(backward[rows + down, columns + right] - backward[rows, columns])
        is_apart = np.maximum(apart[:, 0], apart[:, 1]) > least
        rows, columns = rows[is_apart], columns[is_apart]
        jumps[rows, columns] = jumps[rows + down, columns + right] = True
    return jumps


def _places_of(flags: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns (n,) of what is true; where that is little, in a tenth of NumPy's own time for two axes."""
    rows, columns = np.divmod(np.flatnonzero(flags), flags.shape[1])
    return rows, columns


def _grown(box: Box, margin: int, limit: Box) -> Box:
    return Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin).within(limit)


def _places_of_nodes(grid: NodeGrid) -> NDArray[np.float32]:
    rows, columns = grid.shape
    places = np.empty((rows, columns, 2), np.float32)
    places[..., 0], places[..., 1] = grid.x, grid.y
    return places


def _continued(values: NDArray[np.float32], known: NDArray[np.float32], used: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values (h, w, 2) where they are known (h, w), 0 or 1, and the mean of near ones at others that are used."""
    size = (_REACH, _REACH)
    total = cv2.boxFilter(values * known[..., None], -1, size)
    weight = cv2.boxFilter(known, -1, size)
    rows, columns = _places_of(used & (known == 0))
    continued = values.copy()
    continued[rows, columns] = total[rows, columns] / np.maximum(weight[rows, columns], 1e-6)[:, None]
    return continued


def draw_rim(layer: NDArray[np.uint8], rim: Rim, picture: NDArray[np.uint8], enlarged: float, border: float) -> None:
    """Draw the pixels of a rim into `layer` (h, w, n), uint8, in place.

    Parameters
    ----------
    layer : ndarray
    rim : Rim
        Of a grid over it.
    picture : ndarray, shape (H, W, n), uint8
        What is drawn, enlarged by so much, with a border of so many pixels of the picture's own around it.
    enlarged, border : float
    """
    near, far = (
        cv2.remap(picture, enlarged * (side + np.float32(border)), None, cv2.INTER_LINEAR)[:, 0].astype(np.float32)
        for side in (rim.near, rim.far)
    )
    layer[rim.rows, rim.columns] = np.rint(far + rim.share * (near - far)).astype(np.uint8)
