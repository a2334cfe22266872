"""Drawing one known mouth into one frame, in four stages that can be called, timed and tested by themselves.

Both the template's skin and the mouth are brought to the *same* target landmarks before they meet, so at the seam a
cheek continues a cheek, and a jaw that the template holds open is closed before the mouth is put on it::

    template frame --- move_skin ------------------------------------.
                          ^                                           >-- blend --> picture
                        target                                       '
                          v                                         '
    atlas picture ---- warp_mouth --- + expected look + membrane ---'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.face.pose import similarity_scale
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas, rim_points, sample_rim
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace
from hygiesync.rendering.lips import place_shape
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.warp import Box

_UNITS_PER_STEP = 1 / 110
"""Canonical units from node to node of the warp; much finer than the triangles of the lips."""

_SKIN_STEPS = 2
"""The template's skin around the mouth needs no lips' precision: its nodes are so many steps apart."""

_STILL_PX = 0.05
"""Skin that moves by less keeps its own pixels."""

_FAR_OUTSIDE = (-1e4, -1e4)


@dataclass(frozen=True, slots=True)
class MouthTarget:
    """Where everything goes in the picture that is being made.

    Attributes
    ----------
    region : ndarray, shape (n_corners, 2), float64, pixels
        Outline of the mouth that is put in.
    mesh : Target
        The face mesh in its new place.
    grid : NodeGrid
        The nodes of the mouth, a part of the mesh's own.
    """

    region: NDArray[np.float64]
    mesh: Target
    grid: NodeGrid


@dataclass(frozen=True, slots=True)
class WarpedMouth:
    """One atlas picture, brought to its target.

    Attributes
    ----------
    target : MouthTarget
    index : int
        Of the atlas picture.
    patch : ndarray, shape (h, w, 3), uint8
        Its colours at the pixels of the target's grid.
    on_canvas : ndarray, shape (rows, columns, 2), float32, cells
        Where the grid's nodes lie on the mouth's canvas.
    share : ndarray, shape (h, w), float32, 0 to 1
        How much of the patch is seen: 0 outside the mouth, rising inside its rim.
    """

    target: MouthTarget
    index: int
    patch: NDArray[np.uint8]
    on_canvas: NDArray[np.float32]
    share: NDArray[np.float32]


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
        self._shape, self._atlas, self._mesh, self._canvas, self._appearance = shape, atlas, mesh, canvas, appearance
        self._triangles = np.asarray(mesh.triangles, np.int64)
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
            self.blend(picture, self.warp_mouth(target, index, face.strength), appearance)
        return picture

    def target(self, face: TemplateFace, coefficients: NDArray[Any], size: tuple[int, ...]) -> MouthTarget | None:
        """First stage: where the mouth goes in a picture of `size` (H, W); None where hardly any of it is inside."""
        lower = self._target_shape(face, coefficients)
        region = lower[LOWER_MOUTH_REGION]
        mouth_box = Box.around(region, size, margin=2)
        if min(mouth_box.width, mouth_box.height) < 3:
            return None
        vertices = self._mesh.place(lower, face.to_picture)
        step = max(1, round(float(similarity_scale(face.to_picture)) * _UNITS_PER_STEP))
        grid = NodeGrid(Box.around(vertices, size), step)
        return MouthTarget(region, Target(vertices, self._triangles, grid), grid.within(mouth_box))

    def move_skin(self, picture: NDArray[Any], template: PlainFrame, target: MouthTarget) -> None:
        """Second stage: bring the template's own lower face to the target, in `picture` (changed in place)."""
        face = template.face
        assert face is not None
        grid = target.mesh.grid.coarser(_SKIN_STEPS)
        source = target.mesh.backward(self._mesh.place(face.lower, face.to_picture), grid)
        moved = np.abs(source[..., 0] - grid.x) + np.abs(source[..., 1] - grid.y) > _STILL_PX
        part = grid.around(moved)
        if part is not None:
            positions = part.to_pixels(np.ascontiguousarray(source[grid.places_of(part)]))
            _sample(template.image, positions, picture[part.box.slices])

    def warp_mouth(self, target: MouthTarget, index: int, strength: float = 1.0) -> WarpedMouth:
        """Third stage: bring atlas picture `index` to the target, to be seen as far as `strength` (0 to 1) says."""
        in_atlas = target.mesh.backward(self._atlas.vertices[index], target.grid)
        patch = _sample_mouth(self._atlas.picture(index), in_atlas, target.grid)
        on_canvas = target.mesh.backward(self._canvas.vertices, target.grid, _FAR_OUTSIDE)
        share = target.grid.to_pixels(_sample_canvas(self._canvas.feather * strength, on_canvas))
        return WarpedMouth(target, index, patch, on_canvas, share)

    def blend(self, picture: NDArray[Any], mouth: WarpedMouth, appearance: NDArray[Any]) -> None:
        """Fourth stage: put the mouth, with its expected look and without a seam, into `picture` (changed in place)."""
        grid = mouth.target.grid
        skin = picture[grid.box.slices]
        rim = rim_points(mouth.target.region - grid.box.origin)
        smooth = self._canvas.membrane(sample_rim(skin, rim) - sample_rim(mouth.patch, rim))
        around_lips = smooth[self._lips]
        around_lips += self._appearance.draw(appearance - self._atlas.codes[mouth.index]).reshape(around_lips.shape)
        added = grid.to_pixels(_sample_canvas(smooth, mouth.on_canvas))
        skin[:] = mix(mouth.patch, skin, added, mouth.share)

    def _target_shape(self, face: TemplateFace, coefficients: NDArray[Any]) -> NDArray[Any]:
        """Lower face (n_lower, 2), pixels, that the mouth gets; while it fades in, between the template's and that."""
        wanted = place_shape(self._shape, coefficients, face)
        return wanted if face.strength == 1 else face.lower + face.strength * (wanted - face.lower)


def mix(
    patch: NDArray[np.uint8], skin: NDArray[np.uint8], added: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Patch with what is smooth added to it, over the skin.

    Parameters
    ----------
    patch, skin : ndarray, shape (h, w, 3), uint8
    added : ndarray, shape (h, w, 3), float32, levels of 255
    share : ndarray, shape (h, w), float32, 0 to 1
        Of the patch.

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
    """
    mouth = cv2.add(patch, added, dtype=cv2.CV_8U)
    return cv2.blendLinear(mouth, np.ascontiguousarray(skin), share, 1 - share)


def _sample(image: NDArray[Any], backward: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Colours (h, w, 3), uint8, of an image at positions (h, w, 2), float32, pixels; written to `out` if there is one.

    Bilinear: bicubic takes five times as long, and what bilinear blurs is given back beforehand (`Atlas.detail`).
    """
    return cv2.remap(image, backward, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)


def _sample_mouth(image: NDArray[Any], nodes: NDArray[Any], grid: NodeGrid) -> NDArray[Any]:
    """Colours (h, w, 3), uint8, of an image at every pixel of `grid`, whose `nodes` lie at these places of the image.

    Lips that meet are an edge in the warp. On a large face it is softened by the interpolation between nodes; on a
    small one, with a node for each pixel, it would show every pixel's step and is softened here. A small face is also
    worth bicubic sampling; on a large one, whose lips are many pixels wide, nobody sees the difference.
    """
    if grid.step > 1:
        return _sample(image, grid.to_pixels(nodes))
    softened = cv2.blur(nodes, (3, 3), borderType=cv2.BORDER_REPLICATE)
    return cv2.remap(image, softened, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _sample_canvas(values: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    """Values (h, w[, n]), float32, of a canvas at positions (h, w, 2), float32, cells; 0 outside."""
    return cv2.remap(values, positions, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
