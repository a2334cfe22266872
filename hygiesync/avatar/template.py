"""Where template frames come from: the avatar's own idle loop, or a video to be dubbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, dropwhile, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import PoseModel, invert_similarity
from hygiesync.face.smoothing import gaussian_smooth
from hygiesync.face.target import FaceChoice, WantedLooks
from hygiesync.face.track import FaceTrack, is_turned_beyond
from hygiesync.face.tracking import watch
from hygiesync.media.reverse import read_frames_backwards
from hygiesync.media.video import VideoInfo, read_frames
from hygiesync.progress import Progress
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace, TemplateFrame
from hygiesync.timing import n_video_frames, video_frame_time

TURN_SIGMA_S = 0.3
"""Smoothing of the head's turn: heads turn slowly, and what is faster is the mouth leaking into the eyes' landmarks."""

MAX_RENDERED_TURNS = 3.0
"""A mouth is put on heads turned up to this many times as far as those that are learnt from."""

FADE_S = 0.25
"""Around frames that no mouth can be put on it fades out and in over this time."""

MIN_UNLIKENESS, MAX_UNLIKENESS = 0.55, 6.0
"""A mouth is taken for covered from this unlikeness on, and from so many times the video's median.

Unlikeness is 1 - correlation with the video's usual picture. Of speech to the camera, cut to pieces of one to four
seconds, 1 frame in 10 000 exceeds both; of hands and cups held over a whole mouth, most do. A head that turns a lot
makes a mouth unlike its usual self as well, and the video's median with it: hence the second limit.
"""

SPARE_S = 1
"""Seconds of a template that are watched beyond the sound's end: more than the sound's stated length can err."""

_MOUTH_ITSELF = (slice(None), slice(0, 7), slice(2, 10))
"""Thumbnails without their rim, where the background shows."""


@dataclass(frozen=True)
class FacePlaces:
    """Where the face is in each frame of a video; no `to_picture` (NaN) where no mouth can be put on.

    Thread-safe: it is only read.

    Attributes
    ----------
    times_s : ndarray, shape (n_frames,), seconds
    to_picture : ndarray, shape (n_frames, 2, 3)
    turns : ndarray, shape (n_frames, 2), standard deviations
    lower : ndarray, shape (n_frames, n_lower, 2), pixels
    strengths : ndarray, shape (n_frames,), 0 to 1
        How far the mouth is put in: 0 where none can be, rising to 1 with the time from there.
    """

    times_s: NDArray[np.float64]
    to_picture: NDArray[np.float64]
    turns: NDArray[np.float64]
    lower: NDArray[np.float64]
    strengths: NDArray[np.float64]

    @classmethod
    def from_track(cls, track: FaceTrack, pose: PoseModel) -> FacePlaces:
        """Places of a track's faces, smoothed; none where the head is turned away or something covers the mouth."""
        smooth = track.smoothed()
        turns = gaussian_smooth(pose.turn(smooth.rigid), track.times_s, track.shots(), TURN_SIGMA_S)
        to_picture = invert_similarity(pose.to_canonical(smooth.rigid.astype(np.float64)))
        to_picture[is_turned_beyond(turns, pose.turn_scale, MAX_RENDERED_TURNS) | _is_covered(track)] = np.nan
        has_place = np.isfinite(to_picture).all((1, 2))
        return cls(track.times_s, to_picture, turns, smooth.lower, _fade_around(track.times_s, ~has_place))

    def __getitem__(self, frames: slice | NDArray[np.int64]) -> FacePlaces:
        return FacePlaces(**{name: array[frames] for name, array in vars(self).items()})

    def face(self, index: int) -> TemplateFace | None:
        """Face of one frame."""
        if np.isnan(self.to_picture[index]).any():
            return None
        return TemplateFace(
            self.to_picture[index].astype(np.float64),
            self.turns[index].astype(np.float64),
            self.lower[index].astype(np.float64),
            float(self.strengths[index]),
        )


def watched_places(
    video: VideoInfo,
    pose: PoseModel,
    until_s: Fraction | None,
    progress: Progress | None = None,
    *,
    face: FaceChoice = None,
    wanted: WantedLooks | None = None,
    warn: Callable[[str], None] | None = None,
) -> FacePlaces:
    """Where the face is in a video's frames before `until_s`, or in all of them when that is left out.

    Whose it is where several are seen: see :func:`hygiesync.face.target.find_target`.
    """
    n_frames = n_video_frames(min(video.duration_s, until_s or video.duration_s), video.fps)
    tell = progress or (lambda *_: None)
    track = watch(
        video, 0.0, lambda done: tell("watching", done, n_frames, ""), warn, until_s, face=face, wanted=wanted
    )
    return FacePlaces.from_track(track, pose)


def _is_covered(track: FaceTrack) -> NDArray[np.bool_]:
    """Frames (n_frames,), bool, whose mouth is hidden by a hand, a cup, a microphone.

    What counts is the pattern of light and dark and not, as in :meth:`FaceTrack.is_occluded`, how far the grey levels
    are off: blinks and a single laugh on a face that is silent otherwise are far off by that, and would be taken out.
    """
    if not track.has_face.any():
        return track.has_face
    pictures = track.thumbnails[_MOUTH_ITSELF].reshape(len(track), -1).astype(np.float64)
    usual = np.median(pictures[track.has_face], axis=0)
    usual -= usual.mean()
    pictures -= pictures.mean(1, keepdims=True)
    scale = np.linalg.norm(pictures, axis=1) * np.linalg.norm(usual)
    unlikeness = 1 - pictures @ usual / np.maximum(scale, 1e-6)
    usual_unlikeness = float(np.median(unlikeness[track.has_face]))
    return track.has_face & (unlikeness > max(MIN_UNLIKENESS, MAX_UNLIKENESS * usual_unlikeness))


def _fade_around(times_s: FloatArray, is_gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Strengths (n_frames,): 0 where `is_gone`, in a raised cosine up to 1 at `FADE_S` from there."""
    gone_s = np.concatenate([[-np.inf], times_s[is_gone], [np.inf]])
    following = np.searchsorted(gone_s, times_s)
    distance_s = np.minimum(gone_s[following] - times_s, times_s - gone_s[following - 1])
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(distance_s / FADE_S, 1.0))


class IdleTemplate:
    """A loop of the person at rest, played without end at a constant rate.

    Thread-safe; an iterator of frames is for one thread.

    Parameters
    ----------
    video : Path
        Ends where it begins.
    places : FacePlaces
    fps : Fraction
    """

    def __init__(self, video: Path, places: FacePlaces, fps: Fraction) -> None:
        self._video, self._places, self._fps = video, places, fps

    def frames(self) -> Iterator[PlainFrame]:
        """The loop's frames, for ever."""
        return self.frames_from(Fraction(0))

    def frames_from(self, time_s: Fraction) -> Iterator[PlainFrame]:
        """See :class:`hygiesync.rendering.interfaces.SeekableTemplate`; whole loops before `time_s` aren't decoded."""
        return at_constant_rate(self._endless(time_s), self._fps, time_s)

    def _endless(self, from_s: Fraction) -> Iterator[PlainFrame]:
        length_s = Fraction(float(self._places.times_s[-1])) + video_frame_time(1, self._mean_fps())
        # one loop more, for a frame before `from_s` may be the nearest
        start_s = max(from_s // length_s - 1, 0) * length_s
        while True:
            for index, frame in enumerate(read_frames(self._video, n_threads=1)):
                yield TemplateFrame(frame.image, start_s + frame.time_s, self._places.face(index))
            start_s += length_s

    def _mean_fps(self) -> Fraction:
        times = self._places.times_s
        return Fraction(len(times) - 1) / Fraction(float(times[-1] - times[0])) if len(times) > 1 else Fraction(25)


class VideoTemplate:
    """A video of the person, to be dubbed; played forth and back when more is asked of it than it has.

    Thread-safe; an iterator of frames is for one thread.

    Parameters
    ----------
    video : VideoInfo
    places : FacePlaces
        Where the face is in each of its frames; frames beyond those are not used.
    fps : Fraction, optional
        Rate of the frames that come out; each shows the video's picture of its time. Left out, the video's own
        frames come, at their own times.
    """

    def __init__(self, video: VideoInfo, places: FacePlaces, fps: Fraction | None = None) -> None:
        self._video, self._places, self._fps = video, places, fps

    def frames(self) -> Iterator[PlainFrame]:
        """The video's frames, forth and back for ever."""
        return self.frames_from(Fraction(0))

    def frames_from(self, time_s: Fraction) -> Iterator[PlainFrame]:
        """See :class:`hygiesync.rendering.interfaces.SeekableTemplate`; the first way forth need not be decoded."""
        # two frames before, of which the second may be the nearest
        first = max(int(np.searchsorted(self._places.times_s, float(time_s))) - 2, 0)
        own = self._forth_and_back(first)
        if self._fps is not None:
            return at_constant_rate(own, self._fps, time_s)
        return dropwhile(lambda frame: frame.time_s < time_s, own)

    def frames_once(self, first: int = 0) -> Iterator[PlainFrame]:
        """The video's own frames, once, from the one with the number `first` on."""
        # between two frames, since the times of places are rounded
        start_s = Fraction(float(self._places.times_s[first - 1 : first + 1].mean())) if first else None
        n_frames = len(self._places.times_s) - first
        watched = islice(read_frames(self._video.path, start_s, n_threads=1), n_frames)
        for index, frame in enumerate(watched, first):
            yield TemplateFrame(frame.image, frame.time_s, self._places.face(index))

    def _forth_and_back(self, first: int) -> Iterator[PlainFrame]:
        """Forwards from a frame on, backwards, forwards ..., without showing a turning frame twice."""
        start_s = next(read_frames(self._video.path, n_threads=1)).time_s
        n_frames = first
        for frame in self.frames_once(first):
            n_frames += 1
            yield frame
        if n_frames == 1:
            frame_s = video_frame_time(1, self._video.fps)
            for number in count(1):
                yield TemplateFrame(frame.image, start_s + number * frame_s, frame.face)
        end_s = frame.time_s
        turn_s = end_s
        while True:
            backwards = read_frames_backwards(self._video.path, start_s, end_s)
            for index, source in zip(range(n_frames - 2, -1, -1), backwards, strict=True):
                yield TemplateFrame(source.image, turn_s + (end_s - source.time_s), self._places.face(index))
            turn_s += end_s - start_s
            for frame in islice(self.frames_once(), 1, None):
                yield TemplateFrame(frame.image, turn_s + (frame.time_s - start_s), frame.face)
            turn_s += end_s - start_s


def at_constant_rate(
    frames: Iterator[PlainFrame], fps: Fraction, from_s: Fraction = Fraction(0)
) -> Iterator[PlainFrame]:
    """Of frames without end, the one whose own time is nearest to each time n / fps, from `from_s` on.

    The frames themselves must begin before that.
    """
    shown, following = next(frames), next(frames)
    for number in count(n_video_frames(from_s, fps)):
        time_s = video_frame_time(number, fps)
        while following.time_s - time_s <= time_s - shown.time_s:
            shown, following = following, next(frames)
        yield TemplateFrame(shown.image, time_s, shown.face)
