"""One picture from a template frame and shape coefficients.

Both the template's skin and the retrieved mouth are brought to the *same* target landmarks before they meet, so at the
seam a cheek continues a cheek, and a jaw that the template holds open is closed before the mouth is put on it::

    template frame --- warp lower face ------------------------------.
                                                                      >-- feather --> picture
    atlas picture ---- warp mouth --- + expected look + membrane ----'
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import cv2
import numpy as np

from hygiesync.face.pose import similarity_scale
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.render.appearance import AppearanceModel
from hygiesync.render.atlas import Atlas
from hygiesync.render.canvas import MouthCanvas, rim_points, sample_rim
from hygiesync.render.features import ShapeFeatures
from hygiesync.render.grid import NodeGrid, Target
from hygiesync.render.interfaces import PlainFrame, TemplateFace
from hygiesync.render.lips import place_shape
from hygiesync.render.mesh import FaceMesh
from hygiesync.render.path import PathSearch
from hygiesync.render.retrieval import Retriever
from hygiesync.render.warp import Box

WHOLE_PATH_LAG = 16
"""Frames of lag with which the path through the atlas is nearly always that of the search over the whole sequence."""

_UNITS_PER_STEP = 1 / 110
"""Canonical units from node to node of the warp; much finer than the triangles of the lips."""

_SKIN_STEPS = 2
"""The template's skin around the mouth needs no lips' precision: its nodes are so many steps apart."""

_STILL_PX = 0.05
"""Skin that moves by less keeps its own pixels."""

_FAR_OUTSIDE = (-1e4, -1e4)


class Compositor:
    """Draws real mouths into template frames.

    Parameters
    ----------
    shape : ShapeModel
    atlas : Atlas
    mesh : FaceMesh
    canvas : MouthCanvas
    appearance : AppearanceModel
    lag : int
        Frames that a frame may wait for those after it, so that the path through the atlas is smooth.
    """

    def __init__(
        self,
        shape: ShapeModel,
        atlas: Atlas,
        mesh: FaceMesh,
        canvas: MouthCanvas,
        appearance: AppearanceModel,
        lag: int = 0,
    ) -> None:
        self._shape, self._atlas, self._mesh, self._canvas, self._appearance = shape, atlas, mesh, canvas, appearance
        self._triangles = np.asarray(mesh.triangles, np.int64)
        self._features = ShapeFeatures(shape)
        self._retriever = Retriever(atlas, self._features(atlas.coefficients, atlas.turns))
        self._lips = canvas.lips_box()
        self._path = PathSearch(atlas.frame_numbers, lag)
        self._lag = lag
        self.reset()

    @property
    def lag(self) -> int:
        """Frames that a frame may wait for those after it."""
        return self._lag

    def reset(self) -> None:
        """Forget earlier frames."""
        self._path.reset()
        self._waiting: deque[tuple[PlainFrame, np.ndarray, np.ndarray]] = deque()

    def push(
        self, template: PlainFrame, coefficients: np.ndarray, sound: np.ndarray
    ) -> Iterator[tuple[PlainFrame, np.ndarray]]:
        """See :meth:`Renderer.push`. Pictures are drawn as they are taken; the sound is not looked at."""
        return self._push(template, coefficients)

    def _push(self, template: PlainFrame, coefficients: np.ndarray) -> Iterator[tuple[PlainFrame, np.ndarray]]:
        if template.face is None:
            # the mouth is away: a path needs not lead through what nobody sees
            yield from self.flush()
            self._path.reset()
            yield template, template.image.copy()
            return
        features = self._features(coefficients[None], template.face.turn[None])
        appearance = self._appearance.expected(features)
        found = self._retriever.find(features, appearance, self._path.likely_followers())
        self._waiting.append((template, coefficients, appearance[0]))
        yield from self._draw_next(self._path.push(*found))

    def flush(self) -> Iterator[tuple[PlainFrame, np.ndarray]]:
        """See :meth:`Renderer.flush`."""
        yield from self._draw_next(self._path.flush())

    def render(self, template: PlainFrame, coefficients: np.ndarray) -> np.ndarray:
        """One picture at once, for a compositor without lag.

        Parameters
        ----------
        template : TemplateFrame
        coefficients : ndarray, shape (n_components,), standard deviations

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new array; outside the lower face, and without a face everywhere, the template's own pixels.
        """
        if self._lag:
            raise ValueError(f"a compositor with a lag of {self._lag} frames can't draw a frame at once; use push")
        ((_, picture),) = self._push(template, coefficients)
        return picture

    def _draw_next(self, chosen: list[int]) -> Iterator[tuple[PlainFrame, np.ndarray]]:
        for index in chosen:
            template, coefficients, appearance = self._waiting.popleft()
            yield template, self.draw(template, coefficients, index, appearance)

    def draw(self, template: PlainFrame, coefficients: np.ndarray, index: int, appearance: np.ndarray) -> np.ndarray:
        """Template frame with the mouth of one atlas picture.

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
        """
        picture = template.image.copy()
        face = template.face
        assert face is not None
        lower = self._target_shape(face, coefficients)
        vertices = self._mesh.place(lower, face.to_picture)
        box = Box.around(vertices, picture.shape[:2])
        mouth_box = Box.around(lower[LOWER_MOUTH_REGION], picture.shape[:2], margin=2)
        if min(mouth_box.width, mouth_box.height) < 3:
            return picture
        grid = NodeGrid(box, max(1, round(float(similarity_scale(face.to_picture)) * _UNITS_PER_STEP)))
        target = Target(vertices, self._triangles, grid)
        own = self._mesh.place(face.lower, face.to_picture)
        self._move_skin(picture, template.image, target, own)
        self._put_mouth(
            picture, target, grid.within(mouth_box), lower[LOWER_MOUTH_REGION], index, appearance, face.strength
        )
        return picture

    def _target_shape(self, face: TemplateFace, coefficients: np.ndarray) -> np.ndarray:
        """Lower face (n_lower, 2), pixels, that the mouth gets; while it fades in, between the template's and that."""
        wanted = place_shape(self._shape, coefficients, face)
        return wanted if face.strength == 1 else face.lower + face.strength * (wanted - face.lower)

    def _move_skin(self, picture: np.ndarray, image: np.ndarray, target: Target, own: np.ndarray) -> None:
        """Bring the template's lower face, with vertices `own`, to the target, in `picture` (changed in place)."""
        grid = target.grid.coarser(_SKIN_STEPS)
        source = target.backward(own, grid)
        moved = np.abs(source[..., 0] - grid.x) + np.abs(source[..., 1] - grid.y) > _STILL_PX
        part = grid.around(moved)
        if part is not None:
            positions = part.to_pixels(np.ascontiguousarray(source[grid.places_of(part)]))
            _sample(image, positions, picture[part.box.slices])

    def _put_mouth(
        self,
        picture: np.ndarray,
        target: Target,
        grid: NodeGrid,
        region: np.ndarray,
        index: int,
        appearance: np.ndarray,
        strength: float,
    ) -> None:
        """Blend atlas picture `index` into `picture` (changed in place)."""
        skin = picture[grid.box.slices]
        in_atlas = target.backward(self._atlas.vertices[index], grid)
        patch = _sample_mouth(self._atlas.picture(index), in_atlas, grid)
        on_canvas = target.backward(self._canvas.vertices, grid, _FAR_OUTSIDE)
        rim = rim_points(region - grid.box.origin)
        smooth = self._canvas.membrane(sample_rim(skin, rim) - sample_rim(patch, rim))
        around_lips = smooth[self._lips]
        around_lips += self._appearance.draw(appearance - self._atlas.codes[index]).reshape(around_lips.shape)
        added = grid.to_pixels(_sample_canvas(smooth, on_canvas))
        share = grid.to_pixels(_sample_canvas(self._canvas.feather * strength, on_canvas))
        picture[grid.box.slices] = mix(patch, skin, added, share)


def mix(patch: np.ndarray, skin: np.ndarray, added: np.ndarray, share: np.ndarray) -> np.ndarray:
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


def _sample(image: np.ndarray, backward: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Colours (h, w, 3), uint8, of an image at positions (h, w, 2), float32, pixels; written to `out` if there is one.

    Bilinear: bicubic takes five times as long, and what bilinear blurs is given back beforehand (`Atlas.detail`).
    """
    return cv2.remap(image, backward, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)


def _sample_mouth(image: np.ndarray, nodes: np.ndarray, grid: NodeGrid) -> np.ndarray:
    """Colours (h, w, 3), uint8, of an image at every pixel of `grid`, whose `nodes` lie at these places of the image.

    Lips that meet are an edge in the warp. On a large face it is softened by the interpolation between nodes; on a
    small one, with a node for each pixel, it would show every pixel's step and is softened here. A small face is also
    worth bicubic sampling; on a large one, whose lips are many pixels wide, nobody sees the difference.
    """
    if grid.step > 1:
        return _sample(image, grid.to_pixels(nodes))
    softened = cv2.blur(nodes, (3, 3), borderType=cv2.BORDER_REPLICATE)
    return cv2.remap(image, softened, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _sample_canvas(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Values (h, w[, n]), float32, of a canvas at positions (h, w, 2), float32, cells; 0 outside."""
    return cv2.remap(values, positions, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
