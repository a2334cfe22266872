"""Putting any picture of a mouth into a frame: the stages that do not ask where the picture comes from.

An atlas picture, a painted patch, and what another program drew are all pictures whose landmarks are known. Both they
and the template's own skin are brought to the *same* target landmarks before they meet::

    template frame --- move_skin ----------------------.
                          ^                             >-- paste --> picture
                        target                         '
                          v                           '
    any picture ------- warp ----------- + membrane -'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import similarity_scale
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.rendering.canvas import MouthCanvas, rim_points, sample_rim
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.warp import Box

_UNITS_PER_STEP = 1 / 110
"""Canonical units from node to node of the warp; much finer than the triangles of the lips."""

_SKIN_STEPS = 2
"""The template's skin around the mouth needs no lips' precision: its nodes are so many steps apart."""

_STILL_PX = 0.05
"""Skin that moves by less keeps its own pixels."""

MAX_STEP = 64
"""Levels of 255 by which a step at the rim may differ from the middle one and still be light. Of two people with
nothing before their faces it differs by 40 at most (1501 pictures), and by 59 in 99 of 100 (480); where a microphone
stands before the chin in some pictures, by 116 and more in one of ten."""

FAR_OUTSIDE = (-1e4, -1e4)
"""Where no canvas reaches."""


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
    """A picture of a mouth, brought to its target.

    Attributes
    ----------
    target : MouthTarget
    patch : ndarray, shape (h, w, 3), uint8
        Its colours at the pixels of the target's grid.
    on_canvas : ndarray, shape (rows, columns, 2), float32, cells
        Where the grid's nodes lie on the mouth's canvas.
    share : ndarray, shape (h, w), float32, 0 to 1
        How much of the patch is seen: 0 outside the mouth, rising inside its rim.
    """

    target: MouthTarget
    patch: NDArray[np.uint8]
    on_canvas: NDArray[np.float32]
    share: NDArray[np.float32]


class MouthPasting:
    """Brings pictures of one person's mouth into frames. It remembers nothing between frames.

    Parameters
    ----------
    mesh : FaceMesh
    canvas : MouthCanvas
    """

    def __init__(self, mesh: FaceMesh, canvas: MouthCanvas) -> None:
        self._mesh, self._canvas = mesh, canvas
        self._triangles = np.asarray(mesh.triangles, np.int64)

    def put(
        self,
        template: PlainFrame,
        lower: FloatArray,
        source: NDArray[np.uint8],
        vertices: FloatArray,
    ) -> NDArray[np.uint8]:
        """Template frame with the mouth of another picture: all stages, one after another.

        Parameters
        ----------
        template : TemplateFrame
            With a face.
        lower : ndarray, shape (n_lower, 2), float64, pixels
            Where the mouth goes in the template.
        source : ndarray, shape (h, w, 3), uint8, RGB
        vertices : ndarray, shape (n_vertices, 2), pixels of `source`
            The mesh there.

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new array; outside the lower face the template's own pixels.
        """
        picture, face = template.image.copy(), template.face
        assert face is not None
        target = self.target(lower, face, picture.shape[:2])
        if target is not None:
            self.move_skin(picture, template, target)
            self.paste(picture, self.warp(target, source, vertices, face.strength))
        return picture

    def target(self, lower: FloatArray, face: TemplateFace, size: tuple[int, ...]) -> MouthTarget | None:
        """First stage: where a mouth goes in a picture of `size` (H, W); None where hardly any of it is inside.

        Parameters
        ----------
        lower : ndarray, shape (n_lower, 2), float64, pixels
        face : TemplateFace
        size : tuple of int
        """
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

    def warp(
        self, target: MouthTarget, source: NDArray[Any], vertices: FloatArray, strength: float = 1.0
    ) -> WarpedMouth:
        """Third stage: bring a picture, whose mesh has these `vertices`, to the target.

        It is to be seen as far as `strength` (0 to 1) says.
        """
        in_source = target.mesh.backward(vertices, target.grid)
        patch = _sample_mouth(source, in_source, target.grid)
        on_canvas = target.mesh.backward(self._canvas.vertices, target.grid, FAR_OUTSIDE)
        share = target.grid.to_pixels(sample_canvas(self._canvas.feather * strength, on_canvas))
        return WarpedMouth(target, patch, on_canvas, share)

    def membrane(self, picture: NDArray[Any], mouth: WarpedMouth) -> NDArray[np.float32]:
        """What takes away the step in colour at the rim, (h, w, 3), float32, on the canvas."""
        grid = mouth.target.grid
        rim = rim_points(mouth.target.region - grid.box.origin)
        step = sample_rim(picture[grid.box.slices], rim) - sample_rim(mouth.patch, rim)
        return self._canvas.membrane(without_covers(step))

    def paste(self, picture: NDArray[Any], mouth: WarpedMouth, smooth: NDArray[np.float32] | None = None) -> None:
        """Fourth stage: put the mouth without a seam into `picture` (changed in place).

        Parameters
        ----------
        picture : ndarray, shape (H, W, 3), uint8
        mouth : WarpedMouth
        smooth : ndarray, shape (h, w, 3), float32, levels of 255, optional
            What is added to it, on the canvas; the membrane when left out.
        """
        grid = mouth.target.grid
        skin = picture[grid.box.slices]
        smooth = self.membrane(picture, mouth) if smooth is None else smooth
        added = grid.to_pixels(sample_canvas(smooth, mouth.on_canvas))
        skin[:] = mix(mouth.patch, skin, added, mouth.share)


def without_covers(step: NDArray[np.float32]) -> NDArray[np.float32]:
    """Steps in colour at the rim as light makes them; what a thing before the face makes is filled from both sides.

    A microphone before the chin, in one of the two pictures, is a step of a hundred levels in a part of the rim. Spread
    inwards it would be a glow on skin that nothing covers.

    Parameters
    ----------
    step : ndarray, shape (N_RIM, 3), float32, levels of 255
        Around the whole rim.

    Returns
    -------
    ndarray, shape (N_RIM, 3), float32
        `step` itself where nothing stands out.
    """
    is_light = (np.abs(step - np.median(step, axis=0)) <= MAX_STEP).all(1)
    if is_light.all() or is_light.sum() < 2:
        return step
    place, known = np.arange(len(step)), np.flatnonzero(is_light)
    filled = [np.interp(place, known, channel[known], period=len(step)) for channel in step.T]
    return np.stack(filled, axis=1).astype(np.float32)


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


def sample_canvas(values: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    """Values (h, w[, n]), float32, of a canvas at positions (h, w, 2), float32, cells; 0 outside."""
    return cv2.remap(values, positions, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
