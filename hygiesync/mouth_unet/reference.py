"""What the painter begins with: a real mouth in the wanted shape, with the look that the shape is expected to have.

That is what the renderer of real pictures would show (see `rendering/mouth_drawing`), in the patch in place of a frame.
The network adds what is still missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.shape import ShapeModel
from hygiesync.mouth_unet.patch import MouthPatch
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.mouth_pasting import FAR_OUTSIDE, sample_canvas


@dataclass(frozen=True)
class KnownMouths:
    """All that is known of one person's mouth.

    Attributes
    ----------
    shape : ShapeModel
    atlas : Atlas
    mesh : FaceMesh
    canvas : MouthCanvas
    appearance : AppearanceModel
    """

    shape: ShapeModel
    atlas: Atlas
    mesh: FaceMesh
    canvas: MouthCanvas
    appearance: AppearanceModel


class References:
    """Makes references. It remembers nothing between them.

    Parameters
    ----------
    mouths : KnownMouths
    patch : MouthPatch
    """

    def __init__(self, mouths: KnownMouths, patch: MouthPatch) -> None:
        self._mouths, self._patch = mouths, patch
        self._triangles = np.asarray(mouths.mesh.triangles, np.int64)
        self._lips = mouths.canvas.lips_box()

    def make(self, vertices: FloatArray, index: int, look: NDArray[Any]) -> NDArray[np.uint8]:
        """A reference.

        Parameters
        ----------
        vertices : ndarray, shape (n_vertices, 2), pixels of the patch
            The mesh in the wanted shape.
        index : int
            Of the atlas picture.
        look : ndarray, shape (n_look_components,), float32
            Code that the mouth is expected to have.

        Returns
        -------
        ndarray, shape (height, width, 3), uint8, RGB
        """
        atlas, canvas = self._mouths.atlas, self._mouths.canvas
        target = self._patch.target(vertices, self._triangles)
        picture = self._patch.filled(target, atlas.camera_picture(index), atlas.vertices[index])
        smooth = np.zeros((*canvas.size, 3), np.float32)
        around_lips = smooth[self._lips]
        around_lips += self._mouths.appearance.draw(look - atlas.codes[index]).reshape(around_lips.shape)
        on_canvas = target.backward(canvas.vertices, outside=FAR_OUTSIDE)
        added = target.grid.to_pixels(sample_canvas(smooth, on_canvas))
        return np.asarray(cv2.add(picture, added, dtype=cv2.CV_8U), np.uint8)
