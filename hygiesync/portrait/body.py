r"""What the driving person does beyond the face: hair that swings, a neck that bends, shoulders that stay or lean.

How far a torso follows its head differs from video to video: one person leans from the hips, another only nods. The
face's landmarks can't tell. So optical flow from the reference frame is measured on the driving person, beginning with
what the head's motion alone foretells, and what it finds besides is the *drift*::

    drift(place)  =  flow(place)  -  the head's motion(place)

Flow is noisy where nothing is to be seen, where hands pass, where the background comes out from behind. It counts
as far as the picture has texture there and the moved reference looks like the frame; elsewhere it is continued
smoothly from around. In the inner face the landmarks know better, and the drift is zero. Only where the picture shows
the driving person themself it corrects there what a detector misplaces: glasses, brows, the hair's edge; but between
lids and lips, where something else comes into view, it doesn't.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.head import HeadMotion, gently_sloped, pivot_of
from hygiesync.portrait.layers import pull_push
from hygiesync.portrait.parts import EYES, GAPS, LIP_RINGS, OVAL, eye_distance, upright
from hygiesync.portrait.reference_flow import CELL_PX, ReferenceFlow
from hygiesync.portrait.surroundings import Surroundings
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.warp import Box

_FINENESS = 80.0
"""About the eye distance, in pixels, of the small pictures in which flow is measured."""

_SMALL_STEPS = 2
_WINDOW = 0.04
"""Over how far the small steps look around, in eye distances."""

_REACH = (3.6, 2.6, 3.6)
"""Eye distances aside, above and below the eyes within which flow is measured."""

_PERSON = 0.3
"""Share of the matte that belongs to the part of the picture that is looked at."""

_KNOWN = 0.2
"""Confidence from which a cell's own flow is used alone."""

_SMOOTHING = 0.06
"""Over how far the drift is smoothed, in eye distances."""

_FRESH = 0.85
"""Share of a new frame in the drift: what is left of the flow's noise doesn't flicker."""

_INNER_FACE = 0.8
"""Share of the face's width within which its own points know its motion better than the flow.

From the forehead to the chin they know it throughout: a jaw that sinks is no drift. Carried to another's face, what the
flow adds there bends the nose and cheeks by which the head's direction is seen.
"""

_MOUTH_MARGIN, _EYE_MARGIN = 1.0, 1.6
"""Widening of the mouth's outer edge and of the lids' to what they know better in a person's own face, too."""

_MOST = 1.2
"""The largest drift, in eye distances."""


class BodyMotion:
    """The drift of one driving person, for one source.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8, RGB
        The reference frame.
    landmarks : ndarray, shape (478, 3), pixels
        The driving face in it.
    matte : ndarray, shape (h, w), float32, 0 to 1
        Share of the driving person, as from :func:`hygiesync.face.landmarks.person_matte`.
    source : ndarray, shape (478, 3), pixels
        The face that is to be moved.
    triangles : ndarray, shape (n, 3), int
        Of the face, as from :func:`hygiesync.face.landmarks.mesh_triangles`.
    is_own : bool
        Whether the source is the driving person's own face.
    """

    def __init__(
        self,
        image: NDArray[np.uint8],
        landmarks: FloatArray,
        matte: NDArray[np.float32],
        source: FloatArray,
        triangles: NDArray[np.int64],
        *,
        is_own: bool = False,
    ) -> None:
        self._reference = landmarks
        # as the source's face will be moved, too
        self._gentler = gently_sloped(landmarks) - landmarks
        self._pivot = pivot_of(landmarks, float(eye_distance(landmarks)))
        origin, axes = upright(landmarks)
        self._unit = float(np.linalg.norm(axes[0]))
        self._shrink = max(1, round(self._unit / _FINENESS))
        box = _person_around(matte, origin, self._unit)
        self._grid = NodeGrid(_whole_cells(box, CELL_PX * self._shrink), CELL_PX * self._shrink)
        self._known = self._cells_of(_slits(landmarks) if is_own else [_inner_face(landmarks)])
        window = _WINDOW * self._unit / self._grid.step
        self._flow = ReferenceFlow(self._small(image), self._small_matte(matte), self._known, window)
        self._around = Surroundings(landmarks)
        mesh = np.concatenate([triangles, GAPS, self._around.triangles(len(landmarks))])
        vertices = np.concatenate([landmarks, self._around.vertices])[:, :2]
        self._target = Target(vertices, mesh, self._grid)
        self._nodes = self._target.backward(vertices)
        self._drift = np.zeros_like(self._nodes)
        # where each of the source's points would lie around the driving face
        own_origin, own_axes = upright(source)
        self._to_source = np.linalg.inv(axes) @ own_axes
        places = np.concatenate([source, Surroundings(source).vertices])[:, :2]
        places = (places - own_origin) @ np.linalg.inv(self._to_source) + origin
        rows, columns = self._grid.shape
        cells = (places - (self._grid.x[0], self._grid.y[0, 0])) / self._grid.step
        self._cells = np.clip(cells, 0, (columns - 1, rows - 1)).astype(np.float32)[:, None]

    def carry(self, target: FaceTarget, frame: DrivingFrame) -> FaceTarget:
        """`target` with what the driving person does beside the head's motion.

        Parameters
        ----------
        target : FaceTarget
            Of the source, as the frame's landmarks move it.
        frame : DrivingFrame
            The next one of the driving video. Where its face is out of sight, the drift is held.
        """
        if frame.is_seen and frame.landmarks is not None:
            self._follow(frame.image, frame.landmarks)
        drift = cv2.remap(self._drift, self._cells, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        drift = drift[:, 0] @ self._to_source
        landmarks = target.landmarks.copy()
        n = len(landmarks)
        # around the inner face: the outline, which detectors only guess where a head is turned
        landmarks[:, :2] += drift[:n]
        return replace(target, landmarks=landmarks, drift=drift[n:])

    def _follow(self, image: NDArray[np.uint8], landmarks: FloatArray) -> None:
        expected = self._expected(landmarks)
        grey, shrink = self._small(image), np.float32(self._shrink)
        seen, confidence = self._flow.far(grey, (expected + self._drift) / shrink)
        found = np.where(self._known[..., None], 0, shrink * seen - expected)
        confidence = np.where(self._known, 1, confidence)
        found = pull_push(found, np.clip(confidence / _KNOWN, 0, 1))
        sigma = _SMOOTHING * self._unit / self._grid.step
        found = cv2.GaussianBlur(found, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        flow = (expected + found) / shrink
        for _ in range(_SMALL_STEPS):
            flow = self._flow.nearer(grey, flow)
        found = shrink * flow - expected
        length = np.linalg.norm(found, axis=-1, keepdims=True) / (_MOST * self._unit)
        found /= np.maximum(length, 1)
        self._drift += _FRESH * (found - self._drift)

    def _expected(self, landmarks: FloatArray) -> NDArray[np.float32]:
        """Motion (rows, columns, 2) of each cell, pixels, as the head's foretells it."""
        head = HeadMotion.between(self._reference, landmarks, self._pivot)
        landmarks = landmarks + head.scale * self._gentler @ head.rotation.T
        around = self._around.move(FaceTarget(landmarks, landmarks[:0], head))
        return self._target.backward(np.concatenate([landmarks, around])[:, :2]) - self._nodes

    def _small(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The grey values, uint8, around the face, small."""
        rows, columns = self._grid.shape
        grey = cv2.cvtColor(image[self._grid.box.slices], cv2.COLOR_RGB2GRAY)
        return cv2.resize(grey, (columns * CELL_PX, rows * CELL_PX), interpolation=cv2.INTER_AREA)

    def _small_matte(self, matte: FloatArray) -> NDArray[np.float32]:
        """How far each small pixel is the person's, for sure."""
        rows, columns = self._grid.shape
        size = columns * CELL_PX, rows * CELL_PX
        return np.clip(2 * cv2.resize(matte[self._grid.box.slices], size, interpolation=cv2.INTER_AREA) - 0.6, 0, 1)

    def _cells_of(self, outlines: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
        """Which cells (rows, columns), bool, lie in one of the outlines (n, 2), pixels."""
        inside = np.zeros(self._grid.shape, np.uint8)
        for outline in outlines:
            corners = (outline - (self._grid.x[0], self._grid.y[0, 0])) / self._grid.step
            cv2.fillPoly(inside, [np.rint(corners * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        return inside > 0


def _inner_face(landmarks: FloatArray) -> NDArray[np.float64]:
    """Outline (n, 2) of the part of a face whose points know its motion."""
    outline = landmarks[list(OVAL), :2]
    across = upright(landmarks)[1][0]
    across = across / np.linalg.norm(across)
    return outline - (1 - _INNER_FACE) * ((outline - outline.mean(0)) @ across[:, None] * across)


def _slits(landmarks: FloatArray) -> list[NDArray[np.float64]]:
    """Outlines (n, 2) of mouth and eyes."""
    outlines = []
    for ring, margin in ((LIP_RINGS[-1], _MOUTH_MARGIN), (EYES[0], _EYE_MARGIN), (EYES[1], _EYE_MARGIN)):
        edge = landmarks[list(ring), :2]
        outlines.append(edge.mean(0) + margin * (edge - edge.mean(0)))
    return outlines


def _person_around(matte: FloatArray, origin: FloatArray, unit: float) -> Box:
    """The part of a picture in which there is a person around a face."""
    aside, above, below = (unit * reach for reach in _REACH)
    near = Box.around(origin + np.array([(-aside, -above), (aside, below)]), matte.shape)
    rows, columns = np.nonzero(matte[near.slices] > _PERSON)
    if not len(rows):
        return near
    return Box.around(np.stack([columns, rows], -1) + near.origin, matte.shape, 2).within(near)


def _whole_cells(box: Box, step: int) -> Box:
    """The box without what is left over of it when it is divided into cells."""
    return Box(box.left, box.top, box.right - box.width % step, box.bottom - box.height % step)
