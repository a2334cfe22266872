"""What of an avatar a browser needs, as arrays: face, look, atlas, and where the face is in the idle loop."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_INNER_LIPS, LOWER_MOUTH_REGION, LOWER_TOP
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.features import ShapeFeatures

Arrays = dict[str, NDArray[Any]]

VERTEX_FRACTION = 32
"""Vertices are whole 1/32 pixels, as in the bundle."""

_REACH_CELLS = 2
"""Cells of the canvas around the mouth that are drawn with it: the membrane is read off just outside its rim."""


def face_arrays(avatar: VideoAvatar) -> Arrays:
    """Shape, mesh and topology."""
    shape, mesh = avatar.shape, avatar.mesh
    return {
        "rest": np.asarray(avatar.rest, np.float64),
        "mean": shape.mean.astype(np.float64),
        "turn_basis": shape.turn_basis.astype(np.float64),
        "components": shape.components.astype(np.float64),
        "still": mesh.still.astype(np.float64),
        "triangles": mesh.triangles.astype(np.int32),
        "mouth_triangles": mouth_triangles(avatar.canvas, mesh.triangles),
        "mouth_region": np.array(LOWER_MOUTH_REGION, np.int32),
        "inner_lips": np.array(LOWER_INNER_LIPS, np.int32),
        "lip_middles": np.array([LOWER_TOP, LOWER_BOTTOM], np.int32),
    }


def look_arrays(avatar: VideoAvatar) -> Arrays:
    """Canvas, membrane and expected look; the large matrices at half precision, as in the bundle."""
    canvas, appearance = avatar.canvas, avatar.appearance
    return {
        "canvas_vertices": canvas.vertices,
        "feather": canvas.feather,
        "spread": canvas.spread.astype(np.float16),
        "basis": appearance.basis.astype(np.float16),
        "centres": appearance.centres,
        "weights": appearance.weights,
    }


def atlas_arrays(avatar: VideoAvatar, atlas: Atlas) -> Arrays:
    """What is known of an atlas's pictures; vertices are those of the triangles that the mouth is drawn with."""
    vertices = np.rint(atlas.vertices[:, mouth_vertices(avatar)] * VERTEX_FRACTION)
    return {
        "vertices": vertices.astype(np.int16),
        "codes": atlas.codes.astype(np.float16),
        "features": ShapeFeatures(avatar.shape)(atlas.coefficients, atlas.turns),
        "frame_numbers": atlas.frame_numbers.astype(np.int32),
    }


def idle_arrays(places: FacePlaces) -> Arrays:
    """Where the face is in each frame of the loop; no place is NaN."""
    return {
        "times_s": places.times_s.astype(np.float64),
        "to_picture": places.to_picture.reshape(-1, 6).astype(np.float64),
        "turns": places.turns.astype(np.float64),
        "lower": places.lower.astype(np.float32),
        "strengths": places.strengths.astype(np.float32),
    }


def mouth_vertices(avatar: VideoAvatar) -> NDArray[np.int64]:
    """Numbers of the mesh's vertices that the mouth is drawn with, in order."""
    return np.unique(avatar.mesh.triangles[mouth_triangles(avatar.canvas, avatar.mesh.triangles)])


def mouth_triangles(canvas: MouthCanvas, triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Numbers of the triangles that cover a part of the mouth, where the feather is not 0, or lie right beside it."""
    size = 2 * _REACH_CELLS + 1
    reached = cv2.dilate((canvas.feather > 0).astype(np.uint8), np.ones((size, size), np.uint8))
    covered = [number for number, triangle in enumerate(triangles) if _covers(canvas.vertices[triangle], reached)]
    return np.array(covered, np.int32)


def _covers(corners: NDArray[np.float32], reached: NDArray[np.uint8]) -> bool:
    """Whether a triangle on the canvas covers one of the cells `reached`."""
    triangle = np.zeros_like(reached)
    cv2.fillConvexPoly(triangle, np.rint(corners * 64).astype(np.int32), 1, cv2.LINE_8, 6)
    return bool((triangle & reached).any())
