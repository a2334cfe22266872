"""Drawing one known mouth into one frame, in four stages that can be called, timed and tested by themselves.

Both the template's skin and the mouth are brought to the *same* target landmarks before they meet, so at the seam a
cheek continues a cheek, and a jaw that the template holds open is closed before the mouth is put on it::

    template frame --- move_skin ------------------------------------.
                          ^                                           >-- blend --> picture
                        target                                       '
                          v                                         '
    atlas picture ---- warp_mouth --- + expected look + membrane ---'

Where a mouth goes and how it is put there is `mouth_pasting`'s; here is what only atlas pictures have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.face.shape import ShapeModel
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace
from hygiesync.rendering.lips import place_shape
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.mouth_pasting import MouthPasting, MouthTarget, WarpedMouth


class MouthDrawing:
    """Draws atlas pictures of one person's mouth into template frames. It remembers nothing between frames.

    Parameters
    ----------
    shape : ShapeModel
    atlas : Atlas
    mesh : FaceMesh
    canvas : MouthCanvas
    appearance : AppearanceModel
    """

    def __init__(
        self, shape: ShapeModel, atlas: Atlas, mesh: FaceMesh, canvas: MouthCanvas, appearance: AppearanceModel
    ) -> None:
        self._shape, self._atlas, self._appearance = shape, atlas, appearance
        self._pasting = MouthPasting(mesh, canvas)
        self._lips = canvas.lips_box()

    def draw(
        self, template: PlainFrame, coefficients: NDArray[Any], index: int, appearance: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """Template frame with the mouth of one atlas picture: all stages, one after another.

        Parameters
        ----------
        template : TemplateFrame
            With a face.
        coefficients : ndarray, shape (n_components,), standard deviations
        index : int
            Of the atlas picture.
        appearance : ndarray, shape (n_look_components,), float32
            Code that the mouth is expected to have.

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new array; outside the lower face the template's own pixels.
        """
        picture, face = template.image.copy(), template.face
        assert face is not None
        target = self.target(face, coefficients, picture.shape[:2])
        if target is not None:
            self.move_skin(picture, template, target)
            self.blend(picture, self.warp_mouth(target, index, face.strength), appearance - self._atlas.codes[index])
        return picture

    def target(self, face: TemplateFace, coefficients: NDArray[Any], size: tuple[int, ...]) -> MouthTarget | None:
        """First stage: where the mouth goes in a picture of `size` (H, W); None where hardly any of it is inside."""
        return self._pasting.target(target_shape(self._shape, coefficients, face), face, size)

    def move_skin(self, picture: NDArray[Any], template: PlainFrame, target: MouthTarget) -> None:
        """Second stage: bring the template's own lower face to the target, in `picture` (changed in place)."""
        self._pasting.move_skin(picture, template, target)

    def warp_mouth(self, target: MouthTarget, index: int, strength: float = 1.0) -> WarpedMouth:
        """Third stage: bring atlas picture `index` to the target, to be seen as far as `strength` (0 to 1) says."""
        return self._pasting.warp(target, self._atlas.picture(index), self._atlas.vertices[index], strength)

    def blend(self, picture: NDArray[Any], mouth: WarpedMouth, look: NDArray[Any]) -> None:
        """Fourth stage: put the mouth, without a seam, into `picture` (changed in place).

        Parameters
        ----------
        picture : ndarray, shape (H, W, 3), uint8
        mouth : WarpedMouth
        look : ndarray, shape (n_look_components,), float32
            What the expected look has more than the picture's own.
        """
        smooth = self._pasting.membrane(picture, mouth)
        around_lips = smooth[self._lips]
        around_lips += self._appearance.draw(look).reshape(around_lips.shape)
        self._pasting.paste(picture, mouth, smooth)


def target_shape(shape: ShapeModel, coefficients: NDArray[Any], face: TemplateFace) -> NDArray[np.float64]:
    """Lower face (n_lower, 2), pixels, that the mouth gets; while it fades in, between the template's and that."""
    wanted = place_shape(shape, coefficients, face)
    return wanted if face.strength == 1 else face.lower + face.strength * (wanted - face.lower)
