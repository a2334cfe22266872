"""One picture from a template frame and shape coefficients.

Both the template's skin and the retrieved mouth are brought to the *same* target landmarks before they meet, so at the
seam a cheek continues a cheek, and a jaw that the template holds open is closed before the mouth is put on it::

    template frame --- warp lower face ----.
                                            >-- Poisson blend inside the mouth region --> picture
    atlas picture ---- warp mouth ---------'
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.render.atlas import Atlas
from hygiesync.render.blend import feather, poisson_blend
from hygiesync.render.mesh import FaceMesh
from hygiesync.render.retrieval import Retriever
from hygiesync.render.template import TemplateFrame, place_shape
from hygiesync.render.warp import Box, PiecewiseAffine, sample


class Renderer(Protocol):
    """What the engine needs of whatever draws the pictures."""

    def render(self, template: TemplateFrame, coefficients: np.ndarray) -> np.ndarray:
        """Picture (H, W, 3), uint8, RGB, of `template` with the mouth that `coefficients` (n_components,) say."""
        ...

    def reset(self) -> None:
        """Forget earlier frames."""
        ...


class Compositor:
    """Draws real mouths into template frames.

    Parameters
    ----------
    shape : ShapeModel
    atlas : Atlas
    mesh : FaceMesh
    """

    def __init__(self, shape: ShapeModel, atlas: Atlas, mesh: FaceMesh) -> None:
        self._shape, self._atlas, self._mesh = shape, atlas, mesh
        self._warp = PiecewiseAffine(mesh.triangles)
        self._retriever = Retriever(atlas, shape)

    def reset(self) -> None:
        """Forget earlier frames."""
        self._retriever.reset()

    def render(self, template: TemplateFrame, coefficients: np.ndarray) -> np.ndarray:
        """Template frame with another mouth.

        Parameters
        ----------
        template : TemplateFrame
        coefficients : ndarray, shape (n_components,), standard deviations

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new array; outside the lower face, and without a face everywhere, the template's own pixels.
        """
        picture = template.image.copy()
        face = template.face
        if face is None:
            return picture
        lower = place_shape(self._shape, coefficients, face)
        target = self._mesh.place(lower, face.to_picture)
        box = Box.around(target, picture.shape[:2])
        if box.width < 2 or box.height < 2:
            return picture
        triangle_map = self._warp.triangle_map(target, box)
        source = self._mesh.place(face.lower, face.to_picture)
        picture[box.slices] = sample(template.image, self._warp.backward_map(target, source, box, triangle_map))
        self._put_mouth(picture, lower, target, self._retriever.next(coefficients, face.turn), box, triangle_map)
        return picture

    def _put_mouth(
        self, picture: np.ndarray, lower: np.ndarray, target: np.ndarray, index: int, box: Box, triangle_map: np.ndarray
    ) -> None:
        """Blend atlas picture `index` into `picture` (changed in place) at the target vertices."""
        region = lower[LOWER_MOUTH_REGION]
        mouth_box = Box.around(region, picture.shape[:2], margin=2)
        if mouth_box.width < 3 or mouth_box.height < 3:
            return
        within = mouth_box.slices_within(box)
        backward = self._warp.backward_map(target, self._atlas.vertices[index], mouth_box, triangle_map[within])
        patch = sample(self._atlas.picture(index), backward)
        mask = fill_polygon(region, mouth_box)
        skin = picture[mouth_box.slices]
        picture[mouth_box.slices] = feather(poisson_blend(patch, skin, mask), skin, mask)


def fill_polygon(corners: np.ndarray, box: Box) -> np.ndarray:
    """Mask (box.height, box.width), bool, of a polygon (n, 2) in pixels; never touches the box's own edge."""
    mask = np.zeros((box.height, box.width), np.uint8)
    cv2.fillPoly(mask, [np.rint((corners - box.origin) * 64).astype(np.int32)], 1, cv2.LINE_8, 6)
    mask[[0, -1]] = 0
    mask[:, [0, -1]] = 0
    return mask.astype(bool)
