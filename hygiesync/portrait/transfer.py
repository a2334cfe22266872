r"""Carrying one face's motion to another face.

A driving face's landmarks are taken apart into the motion of its head (a similarity of space, :class:`HeadMotion`) and
what the face itself does, seen from the head: its *expression*. Both are put onto the source's own landmarks::

    driving  p(t)  =  head(t) [ p(reference) + expression(t) ]
    source   q(t)  =  head'(t) [ q + fitted(expression(t)) ]

`head'` turns as `head` does, about the source's own neck; *fitted* turns and scales the expression from the one head's
size and direction to the other's, so that lids close that are further apart, and lips that are smaller move less. With
the same face on both sides this gives back the driving landmarks, but for those whose guessed depth isn't believed
(:func:`hygiesync.portrait.head.gently_sloped`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.topology import INNER_LIPS, LEFT_EYE_OUTER, MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT, RIGHT_EYE_OUTER
from hygiesync.interpolation import smoothstep
from hygiesync.portrait.head import HeadMotion, facing_deg, gently_sloped, held_back, pivot_of
from hygiesync.portrait.measures import mouth_opening, slit_opening
from hygiesync.portrait.parts import (
    ABOVE_UPPER_LIDS,
    CHIN_RINGS,
    EYES,
    IRISES,
    LIP_RINGS,
    N_MESH,
    UPPER_OF_LOWER_LID,
    UPPER_OF_LOWER_LIP,
    eye_distance,
    upright,
)
from hygiesync.portrait.rings import NestedRings
from hygiesync.portrait.speaking.talking_face import TalkingFace

REGIONS = ("mouth", "eyes", "pose")
"""Parts of the motion that can be chosen; brows and gaze go with the eyes."""

_CLOSED_LIDS = 0.3
"""Share of an eye's opening that landmarks still show when it is shut."""

_MIN_OPEN_EYE = 0.13
"""A driving eye less open than this, in its widths, in the reference frame is taken to be blinking there."""

_USUAL_OPEN_EYE, _MAX_GAIN = 0.25, 2.0
"""How far open, in its widths, an eye is whose lids move in proportion to the driving ones; lids of narrower ones move
more, up to so many times."""

_MAX_WIDENING = 1.25
_LOWER_LID_SHARE = 0.2
_MOUTH_FROM, _MOUTH_TO = 0.3, 0.55
"""Heights below the eyes, in eye distances, between which the face passes from the eyes' part to the mouth's."""

_MAX_LOOK = np.array([0.3, 0.14])
"""How far an iris may go to either side, and up or down, from where it is in the picture; in widths of the eye."""

_LIP_SCALES = 0.7, 1.25
_OPENED_FROM = 0.02
"""Eye distances by which the lips of the reference are further apart than the picture's, where they are shut first."""

_WIDEST, _LEAST_ROOM = 0.55, 0.35
"""How far lips are apart when a mouth can't open wider, in eye distances; and what is left in any case of the driving
mouth's opening for a picture whose own is open further than the reference's."""

_OPENING = 0.05
"""Eye distances that a driving mouth opens in until its motion is wholly an opening."""

_THINNEST_LIP = 0.4
"""Share of its thickness that a lip, and the skin beside it, keeps however far it is rolled in."""

_THINNEST_CHIN = 0.25
"""The same for the rows of skin below it, which a lip that comes down pushes on."""


@dataclass(frozen=True)
class TransferOptions:
    """How motion is carried over.

    Attributes
    ----------
    is_absolute : bool
        The source takes the driving face's own geometry; else only its motion against the reference frame.
    adapts_scale : bool
        Movements are scaled to the source's face; else they are as large in its picture as in the driving one.
    only : tuple of str
        Among `REGIONS`.
    is_limited : bool
        A head turns only as far as its picture shows it; see :func:`hygiesync.portrait.head.held_back`. In relative
        mode it always is.
    """

    is_absolute: bool = False
    adapts_scale: bool = True
    only: tuple[str, ...] = REGIONS
    is_limited: bool = True


@dataclass(frozen=True)
class FaceTarget:
    """Where the source's face is to be.

    Attributes
    ----------
    landmarks : ndarray, shape (478, 3), pixels of the source's picture
        Lids are open at least as far as in the picture.
    slits : ndarray, shape (2, 16, 3), pixels
        Edges of the lids as far open as they are to be, rings as in `EYES`.
    head : HeadMotion
        How its head moves, without expression.
    drift : ndarray, shape (n_vertices, 2), pixels, or None
        What the body does besides at the vertices of the surroundings.
    """

    landmarks: NDArray[np.float64]
    slits: NDArray[np.float64]
    head: HeadMotion
    drift: NDArray[np.float64] | None = None


class MotionTransfer:
    """Carries the motion of one driving video to one source.

    Parameters
    ----------
    source : ndarray, shape (478, 3), pixels
    reference : ndarray, shape (478, 3), pixels
        The driving face in the frame that stands for the source as it is.
    picture_scale : float
        Pixels of the source's picture for one of the driving video, used where movements keep their size.
    options : TransferOptions
    """

    def __init__(
        self, source: FloatArray, reference: FloatArray, picture_scale: float, options: TransferOptions | None = None
    ) -> None:
        self._options = options or TransferOptions()
        reference = _shut_as(reference, source)
        self._source, self._reference = gently_sloped(source), reference
        self._unit = float(eye_distance(source))
        self._reference_pivot = pivot_of(reference, float(eye_distance(reference)))
        self._pivot = pivot_of(source, self._unit)
        own = HeadMotion.between(reference, source, self._reference_pivot)
        self._turn = own.rotation
        self._facing = facing_deg(source)
        self._size = own.scale if self._options.adapts_scale else picture_scale
        self._origin, axes = upright(source)
        self._axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        self._eye_unit = float(np.linalg.norm(axes[0]))
        self._mouth_share = self._share_of_mouth()
        self._lids = [_Lids(source[list(ring)], reference[list(ring)]) for ring in EYES]
        # a lip that is pushed down pushes the chin's skin on
        thinnest = (LIP_RINGS, _THINNEST_LIP), (CHIN_RINGS, _THINNEST_CHIN)
        self._folds = [(rings, NestedRings(source[rings], share)) for rings, share in thinnest]
        self._lip_scale = np.clip(_lip_width(source) / (own.scale * _lip_width(reference)), *_LIP_SCALES)
        self._opening = float(mouth_opening(reference))
        ahead = max(float(mouth_opening(source)) - self._opening, 0.0)
        self._room = max(1 - ahead / _WIDEST, _LEAST_ROOM)
        self._place: Callable[[NDArray[Any]], NDArray[Any]] = self._placement(picture_scale)

    def __call__(self, driving: FloatArray) -> FaceTarget:
        """Target of a driving frame's landmarks (478, 3), pixels."""
        moved = HeadMotion.between(self._reference, driving, self._reference_pivot)
        if self._options.is_absolute:
            landmarks = self._place(driving)
            head = HeadMotion.between(self._source, landmarks, self._pivot)
            face = head.undo(landmarks)
            if self._options.is_limited:
                head = held_back(head, self._facing)
            slits = face[np.array(EYES)]
            for lids, ring in zip(self._lids, EYES, strict=True):
                opened = lids.slit(face[list(ring)], 1.0)[9:]
                face[list(ring[9:])] = _lower(face[list(ring[9:])], opened, -self._axes[1])
        else:
            head = replace(moved, pivot=self._pivot, shift=self._size * moved.shift)
            head = held_back(head, self._facing)
            face, slits = self._fitted(moved.undo(driving))
        return self._chosen(face, slits, head)

    def _fitted(self, seen: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The source's landmarks (478, 3) and slits (2, 16, 3), head still, for driving ones as seen from the head."""
        expression = self._size * (seen - self._reference) @ self._turn.T
        if self._options.adapts_scale:
            opens = float(smoothstep((mouth_opening(seen) - self._opening) / _OPENING))
            expression *= 1 + self._mouth_share * (self._lip_scale * (1 + opens * (self._room - 1)) - 1)
        face = self._source + expression
        slits = []
        for lids, ring, above, iris in zip(self._lids, EYES, ABOVE_UPPER_LIDS, IRISES, strict=True):
            openness = lids.openness(seen[list(ring)])
            attached = face[list(above)] + self._source[list(ring[9:])] - self._source[list(above)]
            attached += lids.drawn_up(openness)
            slits.append(lids.slit(face[list(ring)], openness))
            opened = lids.slit(face[list(ring)], max(openness, 1.0))
            # lids that close slide over the eye, and their skin above comes down less; stretched it would be a smear
            opened[9:] = _lower(opened[9:], attached, self._axes[1])
            slits[-1][9:] = _lower(slits[-1][9:], opened[9:], self._axes[1])
            face[list(ring)] = opened
            face[list(iris)] = self._look(face, seen, ring, iris, openness)
        lips = list(INNER_LIPS)
        face[lips] = _uncrossed(face[lips], self._axes[1])
        for places, nested in self._folds:
            rings = face[places]
            nested.unfold(rings)
            face[places] = rings
        return face, np.stack(slits)

    def _look(
        self, moved: FloatArray, seen: FloatArray, ring: tuple[int, ...], iris: tuple[int, ...], openness: float
    ) -> NDArray[np.float64]:
        """The iris (5, 3) of the source when it looks as far aside as the driving one."""
        gaze = _gaze(seen, ring, iris) - _gaze(self._reference, ring, iris)
        # lids that close hide the iris, and the detector then puts it anywhere between them
        gaze = np.clip(gaze, -_MAX_LOOK, _MAX_LOOK) * np.clip(2.5 * openness - 0.75, 0, 1)
        corners, before = moved[[ring[0], ring[8]]], self._source[[ring[0], ring[8]]]
        width = np.linalg.norm(before[1, :2] - before[0, :2])
        points = self._source[list(iris)] + corners.mean(0) - before.mean(0)
        points[:, :2] += width * gaze @ self._axes
        return points

    def _placement(self, picture_scale: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """What brings driving landmarks into the source's picture in absolute mode."""
        if not self._options.adapts_scale:
            return lambda points: points * picture_scale
        scale = self._unit / float(eye_distance(self._reference))
        middle, reference_middle = self._source[:N_MESH].mean(0), self._reference[:N_MESH].mean(0)
        return lambda points: scale * (points - reference_middle) + middle

    def _chosen(self, face: FloatArray, slits: FloatArray, head: HeadMotion) -> FaceTarget:
        """Target without the parts of the motion that were not asked for."""
        only = self._options.only
        share = self._mouth_share * ("mouth" in only) + (1 - self._mouth_share) * ("eyes" in only)
        face = self._source + share * (face - self._source)
        if "eyes" not in only:
            slits = self._source[np.array(EYES)]
        head = head if "pose" in only else HeadMotion.still(self._pivot)
        return FaceTarget(head.apply(face), head.apply(slits), head)

    def _share_of_mouth(self) -> NDArray[np.float64]:
        """How far (478, 1) each point belongs to the mouth's part of the face."""
        height = (self._source[:, :2] - self._origin) @ self._axes[1] / self._eye_unit
        share = smoothstep((height - _MOUTH_FROM) / (_MOUTH_TO - _MOUTH_FROM))
        share[N_MESH:] = 0
        return share[:, None]


def _shut_as(reference: FloatArray, source: FloatArray) -> NDArray[np.float64]:
    """The driving face's reference (478, 3) with its mouth as far shut as that of the source (478, 3).

    A video that begins in mid-speech would else press lips together that are closed already, and never open them.
    """
    opening = float(mouth_opening(reference))
    more = opening - float(mouth_opening(source))
    if more < _OPENED_FROM:
        return reference
    return reference + more / opening * (TalkingFace(reference).landmarks(np.zeros(3)) - reference)


class _Lids:
    """How the lids of one of the source's eyes follow the driving eye's, rings (16, 3) of either given."""

    def __init__(self, source: FloatArray, reference: FloatArray) -> None:
        self._source = source
        self._open = max(_gap(reference), _MIN_OPEN_EYE * _width(reference))
        # lids of narrow eyes go as far as others', or nobody would see them move
        self._gain = float(np.clip(_USUAL_OPEN_EYE * _width(source) / max(_gap(source), 1e-6), 1, _MAX_GAIN))

    def openness(self, seen: FloatArray) -> float:
        """How far open the source's eye is to be, 1 as in its picture, when the driving eye is as seen."""
        ratio = (_gap(seen) / self._open - _CLOSED_LIDS) / (1 - _CLOSED_LIDS)
        more = float(np.clip(ratio, 0, _MAX_WIDENING)) - 1
        return max(1 + self._gain * more, 0.0)

    def drawn_up(self, openness: float) -> NDArray[np.float64]:
        """How far (7, 3) the upper lid of an eye that is open wider than in its picture slips under the skin above."""
        places = np.array(UPPER_OF_LOWER_LID)[::-1]
        return -max(openness - 1, 0.0) * (self._source[places[:, 0]] - self._source[places[:, 1]])

    def slit(self, lids: FloatArray, openness: float) -> NDArray[np.float64]:
        """The ring (16, 3) as far open as the source's own times `openness`, above the lower lid of `lids`."""
        ring = lids.copy()
        for lower, upper in UPPER_OF_LOWER_LID:
            gap = self._source[lower] - self._source[upper]
            ring[lower] = lids[lower] - _LOWER_LID_SHARE * (1 - min(openness, 1.0)) * gap
            ring[upper] = ring[lower] - openness * gap
        return ring


def lid_gap(ring: FloatArray, openness: float) -> float:
    """How far apart the lids (16, 3) of an eye must be, against how they are, to be seen as open by `openness`.

    The inverse of what :class:`MotionTransfer` makes of a driving eye that was like this in the reference frame.
    """
    usual = max(_gap(ring), _MIN_OPEN_EYE * _width(ring))
    return (_CLOSED_LIDS + (1 - _CLOSED_LIDS) * openness) * usual / max(_gap(ring), 1e-6)


def _lower(points: FloatArray, others: FloatArray, down: FloatArray) -> NDArray[np.float64]:
    """Of two rows of points (n, 3) those further `down` (2,)."""
    is_lower = ((others - points)[:, :2] @ down) > 0
    return np.where(is_lower[:, None], others, points)


def _gap(ring: FloatArray) -> float:
    return float(slit_opening(ring, UPPER_OF_LOWER_LID))


def _width(ring: FloatArray) -> float:
    return float(np.linalg.norm(ring[8] - ring[0]))


def _lip_width(landmarks: FloatArray) -> float:
    return float(np.linalg.norm(landmarks[MOUTH_CORNER_LEFT] - landmarks[MOUTH_CORNER_RIGHT]))


def _gaze(landmarks: FloatArray, ring: tuple[int, ...], iris: tuple[int, ...]) -> NDArray[np.float64]:
    """Where (2,) an iris is between the corners of its eye: to the right and down, in widths of the eye."""
    corners = landmarks[[ring[0], ring[8]], :2]
    across = landmarks[LEFT_EYE_OUTER, :2] - landmarks[RIGHT_EYE_OUTER, :2]
    across = across / np.linalg.norm(across)
    offset = landmarks[iris[0], :2] - corners.mean(0)
    return np.array([offset @ across, offset @ (-across[1], across[0])]) / np.linalg.norm(corners[1] - corners[0])


def _uncrossed(lips: FloatArray, down: FloatArray) -> NDArray[np.float64]:
    """Inner lips (20, 3) that meet where they would cross."""
    met = lips.copy()
    for lower, upper in UPPER_OF_LOWER_LIP:
        overlap = float((lips[upper, :2] - lips[lower, :2]) @ down)
        if overlap > 0:
            met[lower, :2] += 0.5 * overlap * down
            met[upper, :2] -= 0.5 * overlap * down
    return met
