"""The face of a driving video, frame by frame, in constant memory.

Each frame waits until those just after it have been seen, so that the detector's jitter is smoothed without lag. Where
the face is out of sight its last place is held, and the way from there to where it comes back takes a moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.face.pose import apply_similarity, fit_similarity
from hygiesync.face.target import Target
from hygiesync.media.container import PathLike
from hygiesync.media.video import read_frames
from hygiesync.portrait.parts import N_MESH, eye_distance

SMOOTHING_S = 0.022
"""Standard deviation of the smoothing over time."""

_REACH_S = 2.5 * SMOOTHING_S
_MAX_JUMP = 0.35
"""Eye distances that a face can't move in a frame: there the video is cut."""

_CUT_LEVELS = 18.0
"""Grey levels (mean, of 255) that two pictures in a row differ by at a cut; whoever moves fast makes 5."""

_MAX_FACES = 4
RETURN_S = 0.24
"""Time in which a face that comes back is caught up with."""


@dataclass(frozen=True)
class DrivingFrame:
    """One frame of a driving video.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    time_s : Fraction, seconds
    landmarks : ndarray, shape (478, 3), pixels, or None
        None before the face is first seen.
    is_seen : bool
        Whether the face is in this very frame, or held from an earlier one.
    shot : int
        Cuts before it.
    """

    image: NDArray[np.uint8]
    time_s: Fraction
    landmarks: NDArray[np.float64] | None
    is_seen: bool
    shot: int = 0


def watch_driving(path: PathLike, target: Target | None = None) -> Iterator[DrivingFrame]:
    """Frames of a video with the smoothed landmarks of one face.

    Parameters
    ----------
    path : path
    target : Target, optional
        Whom to follow; the largest face when left out.

    Raises
    ------
    InputError
        When the video can't be read.
    """
    return held(smoothed(detected(path, target)))


def detected(path: PathLike, target: Target | None = None) -> Iterator[DrivingFrame]:
    """Frames of a video with landmarks as the detector finds them."""
    options = {"max_faces": _MAX_FACES} if target is None else target.detector_options()
    with LandmarkDetector(**options) as detector:
        shot, before = 0, None
        for frame in read_frames(path, n_threads=1):
            landmarks = detector.detect_in_depth(frame.image)
            now = _thumbnail(frame.image)
            shot += before is not None and float(np.abs(now - before).mean()) > _CUT_LEVELS
            before = now
            yield DrivingFrame(frame.image, frame.time_s, landmarks, landmarks is not None, shot)


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture, small and grey (24, 32), float32."""
    small = cv2.resize(image, (32, 24), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


def smoothed(frames: Iterable[DrivingFrame]) -> Iterator[DrivingFrame]:
    """The frames with each one's landmarks averaged with those just before and after it, not across a cut."""
    near: deque[DrivingFrame] = deque()
    waiting = 0
    for frame in frames:
        near.append(frame)
        waiting += 1
        while frame.time_s - near[-waiting].time_s > _REACH_S:
            yield _averaged(near, len(near) - waiting)
            waiting -= 1
        while near[0].time_s < near[-waiting].time_s - Fraction(_REACH_S):
            near.popleft()
    for place in range(len(near) - waiting, len(near)):
        yield _averaged(near, place)


def _averaged(near: deque[DrivingFrame], place: int) -> DrivingFrame:
    frame = near[place]
    if frame.landmarks is None:
        return frame
    total, weights = np.zeros_like(frame.landmarks), 0.0
    for step in (-1, 1):
        last = frame.landmarks
        for other in list(near)[place + step :: step] if 0 <= place + step < len(near) else ():
            distance = abs(float(other.time_s - frame.time_s)) / SMOOTHING_S
            if (
                other.landmarks is None
                or other.shot != frame.shot
                or distance > _REACH_S / SMOOTHING_S
                or _is_cut(last, other.landmarks)
            ):
                break
            weight = float(np.exp(-0.5 * distance**2))
            total += weight * other.landmarks
            weights += weight
            last = other.landmarks
    return replace(frame, landmarks=(frame.landmarks + total) / (1 + weights))


def _is_cut(before: FloatArray, after: FloatArray) -> bool:
    move = np.linalg.norm((after - before)[:N_MESH, :2], axis=1).mean()
    return bool(move > _MAX_JUMP * eye_distance(before))


def held(frames: Iterable[DrivingFrame]) -> Iterator[DrivingFrame]:
    """The frames with the last landmarks where there are none, and a glide to the next ones."""
    last: NDArray[np.float64] | None = None
    lost_s: Fraction | None = None
    shot = 0
    for frame in frames:
        if frame.landmarks is None:
            lost_s = frame.time_s
            yield replace(frame, landmarks=last)
            continue
        landmarks = frame.landmarks
        if frame.shot != shot:
            shot, lost_s = frame.shot, None  # another shot's face is not caught up with
        if last is not None and lost_s is not None:
            since = float(frame.time_s - lost_s) / RETURN_S
            if since < 1:
                landmarks = last + since * (landmarks - last)
            else:
                lost_s = None
        last = landmarks
        yield replace(frame, landmarks=landmarks)


def best_frame(frames: Iterable[DrivingFrame], source: FloatArray) -> DrivingFrame | None:
    """The frame whose face is most like a source's in expression and direction.

    Parameters
    ----------
    frames : iterable of DrivingFrame
        As from :func:`detected`.
    source : ndarray, shape (478, 3), pixels

    Returns
    -------
    DrivingFrame or None
        None when no frame shows a face.
    """
    best: DrivingFrame | None = None
    least = np.inf
    for frame in frames:
        if frame.landmarks is None:
            continue
        unlikeness = _unlikeness(frame.landmarks, source)
        if unlikeness < least:
            best, least = frame, unlikeness
    return best


def _unlikeness(landmarks: FloatArray, source: FloatArray) -> float:
    """Mean distance of the points of two faces laid over each other, in eye distances."""
    face, other = landmarks[:N_MESH, :2], source[:N_MESH, :2]
    distance = np.linalg.norm(apply_similarity(fit_similarity(face, other), face) - other, axis=1)
    return float(distance.mean() / eye_distance(source))
