"""What the speaker should change while it is still time, from what is seen a few times a second.

The limits are those by which training judges a finished video, so that a recording without advice trains without any.
Pure: sightings come in with their times, advice goes out. A single odd sighting says nothing; what holds in most of the
last second and a half does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.building.video_quality import MAX_BRIGHTNESS, MIN_BRIGHTNESS, MIN_FPS, MIN_MOUTH_PX, Advice
from hygiesync.face.pose import PoseModel, apply_similarity, fit_similarity
from hygiesync.face.shape import mouth_width
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, RIGID
from hygiesync.face.track import Observation, is_turned_beyond

WINDOW_S = 1.5
MIN_SIGHTINGS, MIN_SHARE = 3, 0.6

MIN_MARGIN = 0.03
"""Room between the face and the picture's edge, as a share of the picture's shorter side."""

MAX_ASYMMETRY = 0.2
"""How far the rigid points may be from their mirror image, in eye distances, over all points together.

Faces to the camera have 0.03 to 0.1, and 0.3 is a head turned to the side. What training calls turned is measured from
the speaker's usual pose, which would make a pose that is turned all the time the usual one.
"""

USUAL_SIGHTINGS, MIN_USUAL = 300, 20
"""Sightings that the usual pose is taken from, a minute's, and how many it takes at least."""

_MIRRORED = {33: 263, 133: 362, 127: 356}
_MIRROR = [RIGID.index({**_MIRRORED, **{b: a for a, b in _MIRRORED.items()}}.get(point, point)) for point in RIGID]
_EYES = [RIGID.index(RIGHT_EYE_OUTER), RIGID.index(LEFT_EYE_OUTER)]


@dataclass(frozen=True)
class Sighting:
    """What one picture showed.

    Attributes
    ----------
    time_s : float
    size : tuple of int
        Width and height of the picture in pixels.
    n_faces : int
    face : Observation or None
        The speaker's face.
    """

    time_s: float
    size: tuple[int, int]
    n_faces: int
    face: Observation | None


class FaceAdviser:
    """Advice from sightings, most pressing first."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, frozenset[str]]] = deque()
        self._usual: deque[NDArray[Any]] = deque(maxlen=USUAL_SIGHTINGS)
        self._n_seen = 0
        self._pose: PoseModel | None = None
        self._picture_times: deque[float] = deque()

    def see(self, sighting: Sighting) -> None:
        """Take note of a sighting."""
        if sighting.face is not None:
            self._usual.append(sighting.face.rigid.astype(np.float64))
            self._n_seen += 1
            if len(self._usual) >= MIN_USUAL and self._n_seen % MIN_USUAL == 0:
                self._pose = PoseModel.fit(np.array(self._usual))
        self._recent.append((sighting.time_s, frozenset(self._problems(sighting))))
        while self._recent[0][0] < sighting.time_s - WINDOW_S:
            self._recent.popleft()

    def count_picture(self, time_s: float) -> None:
        """Take note of when a picture was taken, to know the true frame rate."""
        self._picture_times.append(time_s)
        while self._picture_times[0] < time_s - 3 * WINDOW_S:
            self._picture_times.popleft()

    def advice(self) -> list[Advice]:
        """What should change now, most pressing first."""
        found = [ADVICE[name] for name in ADVICE if self._holds(name)]
        fps = self._fps()
        if fps is not None and fps < MIN_FPS:
            found.append(
                Advice(f"only {fps:.0f} pictures a second", "take more light, or close programs that keep it busy")
            )
        return found

    def _holds(self, name: str) -> bool:
        n_with = sum(name in problems for _, problems in self._recent)
        return len(self._recent) >= MIN_SIGHTINGS and n_with >= MIN_SHARE * len(self._recent)

    def _fps(self) -> float | None:
        times_s = self._picture_times
        if len(times_s) < 2 or times_s[-1] - times_s[0] < WINDOW_S:
            return None
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])

    def _problems(self, sighting: Sighting) -> Iterator[str]:
        if sighting.n_faces > 1:
            yield "several"
        if sighting.face is None:
            yield "none"
            return
        yield from _on_place(sighting.face, sighting.size)
        brightness = float(np.median(sighting.face.thumbnail))
        if brightness < MIN_BRIGHTNESS:
            yield "dark"
        if brightness > MAX_BRIGHTNESS:
            yield "bright"
        if float(mouth_width(sighting.face.lower)) < MIN_MOUTH_PX:
            yield "small"
        if self._is_turned(sighting.face.rigid.astype(np.float64)):
            yield "turned"

    def _is_turned(self, rigid: FloatArray) -> bool:
        if asymmetry(rigid) > MAX_ASYMMETRY:
            return True
        pose = self._pose
        return pose is not None and bool(is_turned_beyond(pose.turn(rigid), pose.turn_scale))


ADVICE = {
    "none": Advice("no face is seen", "sit in front of the camera, with nothing before your face"),
    "several": Advice("there are several faces", "be alone in the picture"),
    "left": Advice("you are leaving the picture on its left side", "move back to the middle"),
    "right": Advice("you are leaving the picture on its right side", "move back to the middle"),
    "top": Advice("your head leaves the picture above", "tilt the camera up, or sit lower"),
    "bottom": Advice("your chin leaves the picture below", "tilt the camera down, or sit higher"),
    "dark": Advice("your face is dark", "put a lamp or a window in front of you, not behind you"),
    "bright": Advice("your face is too bright", "step back from the lamp, or lower the camera's exposure"),
    "small": Advice("your face is small", "come nearer to the camera"),
    "turned": Advice("your head is turned", "look into the camera"),
}
"""By problem, the most pressing first."""


def asymmetry(rigid: FloatArray) -> float:
    """Distance of rigid points (n_rigid, 2) from their mirror image, in eye distances; 0 for a face to the camera."""
    level = apply_similarity(fit_similarity(rigid[_EYES], np.array([[-0.5, 0.0], [0.5, 0.0]])), rigid)
    return float(np.linalg.norm(level - level[_MIRROR] * (-1, 1)) / 2)


def _on_place(face: Observation, size: tuple[int, int]) -> Iterator[str]:
    """Sides of the picture that the face is too near to, as the camera sees them."""
    points = np.concatenate([face.rigid, face.lower])
    margin = MIN_MARGIN * min(size)
    (left, top), (right, bottom) = points.min(0), points.max(0)
    if left < margin:
        yield "left"
    if right > size[0] - margin:
        yield "right"
    if top < margin:
        yield "top"
    if bottom > size[1] - margin:
        yield "bottom"


def summarise(found: Sequence[Advice], n_most: int = 2) -> tuple[str, ...]:
    """The most pressing advice, a line each."""
    return tuple(f"{one.problem}: {one.what_to_do}" for one in found[:n_most])
