"""Drawing a picture's face at its target: the mesh moves the person before a background that stays where it is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.continuation import Continued, continued
from hygiesync.portrait.eyes import Eye, are_covered
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.lower_edge import LowerEdge
from hygiesync.portrait.mouth import MouthPainter
from hygiesync.portrait.parts import EYES, GAPS, IRISES, upright
from hygiesync.portrait.silhouette import Rim, draw_rim, rim_of
from hygiesync.portrait.surroundings import Surroundings
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.warp import Box, double_areas

_FACE_NODES, _NODES = 90, 32
"""Nodes to an eye distance at which the map is computed, within the face and around it."""

_MAX_STEP = 16
_DEPTHS = 4.0
"""Layers of depth to an eye distance: of triangles that lie over each other the one in a nearer layer is seen."""

_FINER = 2
"""The person is kept at so many times the picture's resolution, made once with a long filter (Lanczos). Bilinear
samples of that are as sharp as bicubic ones of the picture itself, for a third of the time."""

_REACH = np.arange(-3, 5) - 0.5
_HALFWAY = np.sinc(_REACH) * np.sinc(_REACH / 4) / (np.sinc(_REACH) * np.sinc(_REACH / 4)).sum()
_HERE, _ANCHOR = np.eye(8)[3], (3, 3)
"""That filter for a place halfway to the next pixel, and for the pixel itself, which is in the middle, `_ANCHOR`."""

_MOST_SQUEEZED = 5.0
"""Triangles that have shrunk in one direction by more than this are hidden by whatever is beside them.

A node next to a sliver counts as its own, too, and the sliver's map, carried on to there, would show a speck from
anywhere else.
"""


class PortraitPainter:
    """Draws one picture's person in motion.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    layers : Layers
        The picture, taken apart.
    triangles : ndarray, shape (n, 3), int
        Of the face, as from :func:`hygiesync.face.landmarks.mesh_triangles`.
    """

    def __init__(
        self, image: NDArray[np.uint8], landmarks: FloatArray, layers: Layers, triangles: NDArray[np.int64]
    ) -> None:
        self._image, self._landmarks = image, landmarks
        unit = float(np.linalg.norm(upright(landmarks)[1][0]))
        self._surroundings = Surroundings(landmarks)
        self._edge = LowerEdge(landmarks, self._surroundings.vertices, image.shape[0])
        self._triangles = np.concatenate([triangles, GAPS, self._surroundings.triangles(len(landmarks))])
        self._n_face = len(triangles) + len(GAPS)
        self._source = np.concatenate([landmarks, self._surroundings.vertices])[:, :2]
        self._areas = double_areas(self._source[self._triangles])
        self._source_edges = _edges(self._source[self._triangles])
        self._layer_px = unit / _DEPTHS
        self._box = Box.around(self._surroundings.moving(), image.shape[:2])
        self._step, self._face_step = (int(np.clip(round(unit / n), 1, _MAX_STEP)) for n in (_NODES, _FACE_NODES))
        around = continued(layers.person, layers.alpha, landmarks)
        self._border = around.border
        self._person = _finer(around)
        self._background = np.ascontiguousarray(layers.background[self._box.slices])
        # behind dark glasses nothing is seen to move
        rings = [] if are_covered(image, landmarks) else list(zip(EYES, IRISES, strict=True))
        self._eyes = [Eye(image, landmarks[list(ring), :2], landmarks[list(iris), :2]) for ring, iris in rings]

    def render(self, target: FaceTarget, paint_mouth: MouthPainter | None = None) -> NDArray[np.uint8]:
        """The picture with its face at `target`.

        Parameters
        ----------
        target : FaceTarget
        paint_mouth : MouthPainter, optional
            Paints the mouth's inside; without it, the picture's own stretches.

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new one.
        """
        backward, face, rim = self._backward(target)
        layer = cv2.remap(self._person, backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if rim is not None:
            draw_rim(layer[face.slices_within(self._box)], rim, self._person, _FINER, self._border)
        person = cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB)
        landmarks = target.landmarks - (*self._box.origin, 0)
        slits = target.slits[..., :2] - self._box.origin
        for eye, ring, iris, slit in zip(self._eyes, EYES, IRISES, slits, strict=False):
            eye.paint(person, landmarks[list(ring), :2], slit, landmarks[iris[0], :2])
        if paint_mouth is not None:
            paint_mouth(person, target, self._box.origin)
        share = cv2.multiply(cv2.extractChannel(layer, 3), 1 / 255, dtype=cv2.CV_32F)
        image = self._image.copy()
        image[self._box.slices] = cv2.blendLinear(person, self._background, share, cv2.subtract(1.0, share))
        return image

    def _backward(self, target: FaceTarget) -> tuple[NDArray[np.float32], Box, Rim | None]:
        """Where in the enlarged person each pixel of the box is from, (h, w, 2), float32; the face's box; its rim."""
        vertices = np.concatenate([target.landmarks, self._edge.hold(self._surroundings.move(target))])
        rank, corners = self._rank(vertices), vertices[self._triangles][..., :2]
        face = Box.around(target.landmarks[:, :2], self._image.shape[:2], 2).within(self._box)
        has_face = face.width > 0 and face.height > 0
        # what lies well within the face's box is mapped there, on a finer grid
        seen = _touches(corners, self._box)
        if has_face:
            seen &= ~_lies_within(corners, face, 2 * self._step)
        grid = NodeGrid(self._box, self._step)
        backward = grid.to_pixels(self._enlarged(self._target(vertices, rank, grid, seen).backward(self._source)))
        if not has_face:
            return backward, face, None
        grid, chosen = NodeGrid(face, self._face_step), _touches(corners, face)
        finer = self._target(vertices, rank, grid, chosen)
        nodes = finer.backward(self._source)
        backward[face.slices_within(self._box)] = grid.to_pixels(self._enlarged(nodes))
        is_face = finer.triangle_of_nodes < np.count_nonzero(chosen[: self._n_face])
        return backward, face, rim_of(grid, nodes, is_face)

    def _enlarged(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Places (..., 2) of the picture in the enlarged person, which has a border."""
        return np.float32(_FINER) * (places + np.float32(self._border))

    def _target(self, vertices: FloatArray, rank: FloatArray, grid: NodeGrid, chosen: NDArray[np.bool_]) -> Target:
        return Target(vertices[:, :2], self._triangles[chosen], grid, rank[chosen])

    def _rank(self, vertices: FloatArray) -> NDArray[np.float64]:
        """Which triangles (n,) are seen where several lie over each other: nearer ones, then larger ones."""
        corners = vertices[self._triangles]
        areas = double_areas(corners[..., :2])
        squeeze = _squeeze(self._source_edges, corners[..., :2], areas)
        is_hidden = ~((areas / self._areas > 0) & (squeeze < _MOST_SQUEEZED))
        nearness = np.floor((vertices[:, 2].max() - corners[..., 2].mean(1)) / self._layer_px)
        size = np.abs(areas)
        return np.where(is_hidden, -1.0, nearness) + size / (size.max() + 1.0)


def _finer(person: Continued) -> NDArray[np.uint8]:
    """Colours and cover of a person (h, w, 4), uint8, enlarged."""
    layer = np.dstack([person.person, person.alpha])
    height, width = layer.shape[:2]
    finer = np.empty((2 * height - 1, 2 * width - 1, 4), np.uint8)
    # every second pixel is the picture's own; between them lie those halfway, the same filter for all
    for row, down in enumerate((_HERE, _HALFWAY)):
        for column, across in enumerate((_HERE, _HALFWAY)):
            moved = cv2.sepFilter2D(layer, -1, across, down, anchor=_ANCHOR, borderType=cv2.BORDER_REPLICATE)
            finer[row::2, column::2] = moved[: height - row, : width - column]
    return finer


def _edges(corners: FloatArray) -> NDArray[np.float64]:
    """Two edges (n, 2, 2) of triangles with corners (n, 3, 2)."""
    return corners[:, 1:] - corners[:, :1]


def _squeeze(source_edges: FloatArray, corners: FloatArray, areas: FloatArray) -> NDArray[np.float64]:
    """How far apart (n,), in pixels of the source, neighbouring pixels of triangles with `corners` (n, 3, 2) are."""
    first, second = source_edges[:, 0], source_edges[:, 1]
    edges = _edges(corners)
    by_x = edges[:, 1, 1:] * first - edges[:, 0, 1:] * second
    by_y = edges[:, 0, :1] * second - edges[:, 1, :1] * first
    length = np.sqrt(np.maximum((by_x**2).sum(1), (by_y**2).sum(1)))
    return length / np.maximum(np.abs(areas), 1e-9)


def _lies_within(corners: FloatArray, box: Box, margin: int) -> NDArray[np.bool_]:
    """Triangles (n,), bool, with corners (n, 3, 2), that lie inside a box and away from its edge."""
    low, high = np.array([box.left, box.top]) + margin, np.array([box.right, box.bottom]) - margin
    return ((corners.min(1) > low) & (corners.max(1) < high)).all(1)


def _touches(corners: FloatArray, box: Box) -> NDArray[np.bool_]:
    """Triangles (n,), bool, with corners (n, 3, 2), that may cover a part of a box."""
    low, high = corners.min(1), corners.max(1)
    return ((low <= (box.right, box.bottom)) & (high >= (box.left, box.top))).all(1)
