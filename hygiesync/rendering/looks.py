"""The looks of an atlas's mouths: its pictures brought to one shape, on the mouth's canvas."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.warp import Box

_FINER = 3
"""Places in a canvas's cell, along each side, that its colour is the mean of."""


def atlas_looks(atlas: Atlas, mesh: FaceMesh, canvas: MouthCanvas) -> NDArray[np.uint8]:
    """All pictures around the lips on the canvas, (n_pictures, h * w * 3), uint8, faded out away from the lips."""
    height, width = canvas.size
    grid = NodeGrid(Box(0, 0, width * _FINER, height * _FINER), 1)
    target = Target((canvas.vertices + 0.5) * _FINER - 0.5, np.asarray(mesh.triangles, np.int64), grid)
    lips = canvas.lips_box()
    share = canvas.around_lips[lips][..., None]
    appearances = np.empty((len(atlas), 3 * share.size), np.uint8)
    for index, vertices in enumerate(atlas.vertices):
        positions = target.backward(vertices.astype(np.float64))
        fine = cv2.remap(
            atlas.camera_picture(index), positions, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        look = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)[lips]
        appearances[index] = np.rint(look * share).ravel()
    return appearances
