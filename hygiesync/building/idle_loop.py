"""Cutting the idle loop out of the training videos: quiet, closed-mouthed, frontal, and nowhere with a jump.

Where two moments of a stretch look and move alike, what lies between them is a loop as it is [1]_::

    stretch   . . . s . . . . . . . e . . .     frame s could stand in for frame e
    loop            s . . . . . . . s . . .

Where there are none, a stretch is played forth and back.

Every stretch of `n` frames and `T` seconds has a cost, in eyes' distances; the least one is taken:

    cost = mean(u) + 0.03 / T                     forth and back: + 0.03
                                                  a loop, by landmarks: + m;   by pictures: + 0.03 p / p_max
    u = o + 2 v + 0.05 t                          unrest of one frame

    o   the inner lips' distance                  canonical units: eyes' distances
    v   how far the head moved since the frame before, eyes' distances
    t   the larger of the head's two turns        standard deviations of the video's turns
    m   root mean square of what differs between both ends and two frames before and after them: landmarks in eyes'
        distances, and the mouth's grey levels in thousandths
    p   grey levels that the same frames differ by where they differ most; p_max is the 0.9 quantile of frames in a row

.. [1] Schödl, Szeliski, Salesin, Essa, *Video textures*, 2000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.template import FacePlaces
from hygiesync.building.face_fitting import FittedFace, LabelledFrames, Recording
from hygiesync.errors import InputError
from hygiesync.face.pose import apply_similarity, similarity_scale
from hygiesync.face.shape import mouth_opening
from hygiesync.media.reverse import read_frames_backwards
from hygiesync.media.video import SourceFrame, VideoInfo, VideoWriter, probe, read_frames
from hygiesync.timing import frames_in, video_frame_time

MAX_IDLE_S, MIN_LOOP_S, MIN_IDLE_FRAMES = 8.0, 1.5, 5

USUAL_STEP = 0.9
"""A loop's last picture and its first must not differ by more than this quantile of the stretch's frames in a row.

So the jump is one that the stretch itself makes a few times a second. A blink in which the eyes are half shut is more.
"""

_STRETCH_LENGTHS_S = (MAX_IDLE_S, 4.0, 2.0, 1.0, 0.4)
"""Lengths that are looked at for playing forth and back."""

_MOTION_WEIGHT, _TURN_WEIGHT = 2.0, 0.05
"""What a frame's motion and a turn count beside an open mouth: `u` above."""

_SHORTNESS_COST = 0.03
"""Cost of a loop of one second beside its mean unrest, in eyes' distances; longer ones cost less in proportion."""

_REVERSAL_COST = 0.03
"""Cost of playing backwards, where blinks and breath are seen to run the wrong way."""

_GREY_LEVEL = 0.001
"""What a grey level of the mouth's picture counts beside landmarks that move, in eyes' distances."""

_MISMATCH_COST = 0.03
"""Cost of a jump that is as large as allowed."""

_MATCHED_OFFSETS = (-2, 0, 2)
"""Frames around two moments that are compared: where they match one by one, the moments also move alike."""

_REACH = 2
"""The farthest of them."""

_SEARCHED_S = 1
"""Pictures are compared up to this far beyond both ends of what landmarks found: they see blinks, light and clothes."""

_MAX_COMPARED = 3
"""Stretches whose pictures are compared, at most; each must be decoded for it."""

_HEAD = np.array([[-1.4, -1.3], [1.4, 2.0]])
"""Two corners around head and shoulders, canonical units."""

_MOUTH = np.array([[-0.45, 0.5], [0.45, 1.35]])
"""Two corners of what is not compared in pictures, since another mouth is put there."""

_N_BLOCKS, _BLOCK_PX = 8, 12
_IDLE_ENCODING: dict[str, Any] = {"crf": 14, "preset": "fast", "tune": "fastdecode"}
"""The loop is decoded again and again as long as the avatar is shown."""

_INSTANT_S = Fraction(1, 1_000_000)
"""Less than any two frames are apart, more than a float errs."""


@dataclass(frozen=True, order=True)
class _Stretch:
    """Frames [start, stop) of recording `number`; the lower `cost`, the better a loop."""

    cost: float
    number: int
    start: int
    stop: int

    @property
    def span(self) -> slice:
        return slice(self.start, self.stop)


def build_idle_loop(recordings: list[Recording], face: FittedFace, path: Path) -> FacePlaces:
    """Write a quiet stretch whose end meets its beginning; the quietest one forth and back where there is none.

    Returns
    -------
    FacePlaces
        Of the loop's frames.

    Raises
    ------
    InputError
        When no stretch shows the face a few frames long.
    """
    stretches = [found for number in range(len(recordings)) for found in _stretches(number, recordings, face)]
    if not stretches:
        raise InputError("the face is nowhere seen for a few frames on end; film again, facing the camera")
    quietest = min(stretches)
    max_cost = quietest.cost + _REVERSAL_COST
    matches = [match for number in range(len(recordings)) for match in _matches(number, recordings, face, max_cost)]
    for match in _different(sorted(matches)):
        recording, frames = recordings[match.number], face.frames[match.number]
        loop = _without_jump(recording.video, frames, match, max_cost)
        if loop is not None:
            return _write(recording.video, frames.places[loop.span], path, is_loop=True)
    return _write(
        recordings[quietest.number].video, face.frames[quietest.number].places[quietest.span], path, is_loop=False
    )


def loop_as_video(path: Path, videos: Sequence[VideoInfo]) -> VideoInfo:
    """What is known of a loop, with the very rate of the video that it was cut from.

    Of recordings of several sizes and rates, an avatar has those of its loop.
    """
    loop = probe(path)
    return replace(loop, fps=min((video.fps for video in videos), key=lambda fps: abs(fps - loop.fps)))


def _summed_unrest(frames: LabelledFrames) -> NDArray[np.float64]:
    """Running sum (n_frames + 1,) of the unrest `u`, eyes' distances; 1 where the face is not seen."""
    opening = np.nan_to_num(mouth_opening(frames.canonical), nan=1.0)
    step = np.linalg.norm(np.diff(frames.places.to_picture[:, :, 2], axis=0, prepend=np.nan), axis=1)
    scale = np.nanmedian(similarity_scale(frames.places.to_picture))
    motion, turn = np.nan_to_num(step, nan=0.0) / scale, np.abs(frames.places.turns).max(1)
    unrest = opening + _MOTION_WEIGHT * motion + _TURN_WEIGHT * turn
    return np.cumsum(np.concatenate([[0.0], np.nan_to_num(unrest, nan=1.0)]))


def _runs(frames: LabelledFrames) -> NDArray[np.int64]:
    """Numbers (n_frames,) of the runs of usable frames within one shot; -1 for frames that are not usable."""
    edge = np.diff(frames.shots, prepend=-1) != 0
    edge |= np.diff(frames.is_usable.astype(int), prepend=0) != 0
    return np.where(frames.is_usable, np.cumsum(edge), -1)


def _stretches(number: int, recordings: list[Recording], face: FittedFace) -> Iterator[_Stretch]:
    """The least open and least moving mouth and head of one recording, at several lengths."""
    frames, times = face.frames[number], recordings[number].track.times_s
    unrest, runs = _summed_unrest(frames), _runs(frames)
    for length_s in _STRETCH_LENGTHS_S:
        starts = np.arange(len(times))
        stops = np.searchsorted(times, times + length_s, side="right")
        is_whole = (stops - starts >= MIN_IDLE_FRAMES) & (times + length_s <= times[-1])
        is_whole &= (runs >= 0) & (runs[stops - 1] == runs)
        starts, stops = starts[is_whole], stops[is_whole]
        if len(starts):
            mean = (unrest[stops] - unrest[starts]) / (stops - starts)
            best = int(mean.argmin())
            cost = float(mean[best]) + _SHORTNESS_COST / length_s
            yield _Stretch(cost, number, int(starts[best]), int(stops[best]))


def _matches(number: int, recordings: list[Recording], face: FittedFace, max_cost: float) -> Iterator[_Stretch]:
    """For every length, the stretch of one recording whose two ends are most alike and that is most quiet."""
    frames, fps = face.frames[number], recordings[number].video.fps
    unrest, runs = _summed_unrest(frames), _runs(frames)
    match_features = _match_features(recordings[number], frames)
    for n_frames in range(frames_in(MIN_LOOP_S, fps), frames_in(MAX_IDLE_S, fps) + 1):
        starts = np.arange(_REACH, len(runs) - n_frames - _REACH)
        cost = (unrest[starts + n_frames] - unrest[starts]) / n_frames + _shortness(n_frames, fps)
        is_whole = (runs[starts - _REACH] >= 0) & (runs[starts - _REACH] == runs[starts + n_frames + _REACH])
        # what is too restless already needs no comparison
        starts, cost = starts[is_whole & (cost < max_cost)], cost[is_whole & (cost < max_cost)]
        if not len(starts):
            continue
        difference = [
            match_features[starts + n_frames + offset] - match_features[starts + offset] for offset in _MATCHED_OFFSETS
        ]
        cost += np.sqrt(np.mean([(one**2).sum(1) for one in difference], axis=0))
        best = int(cost.argmin())
        if cost[best] < max_cost:
            yield _Stretch(float(cost[best]), number, int(starts[best]), int(starts[best]) + n_frames)


def _match_features(recording: Recording, frames: LabelledFrames) -> NDArray[np.float32]:
    """Where the face is and what the mouth looks like (n_frames, n), float32: distances are in eyes' distances."""
    smooth = recording.track.smoothed()
    points = np.concatenate([smooth.rigid, smooth.lower[:, ::4]], axis=1).reshape(len(smooth), -1)
    points = points / np.nanmedian(similarity_scale(frames.places.to_picture)) / np.sqrt(points.shape[1] / 2)
    mouth = recording.track.thumbnails.reshape(len(smooth), -1)
    return np.concatenate([points, _GREY_LEVEL * mouth / np.sqrt(mouth.shape[1])], axis=1).astype(np.float32)


def _different(matches: list[_Stretch]) -> list[_Stretch]:
    """The first few matches that lie apart."""
    chosen: list[_Stretch] = []
    for match in matches:
        others = [one for one in chosen if one.number == match.number]
        if all(match.stop <= one.start or match.start >= one.stop for one in others):
            chosen.append(match)
    return chosen[:_MAX_COMPARED]


def _without_jump(video: VideoInfo, frames: LabelledFrames, match: _Stretch, max_cost: float) -> _Stretch | None:
    """The best loop in and around a match by its pictures; None when all jump by more than usual, or cost more."""
    around, runs = frames_in(_SEARCHED_S, video.fps), _runs(frames)
    run = np.flatnonzero(runs == runs[match.start])
    first, last = max(run[0], match.start - around), min(run[-1], match.stop + around)
    difference = _differences(_head_blocks(video, frames.places[first : last + 1]))
    usual = np.quantile(np.diagonal(difference, 1), USUAL_STEP)
    unrest = _summed_unrest(frames)[first:]
    best: _Stretch | None = None
    longest = min(frames_in(MAX_IDLE_S, video.fps), len(difference) - 2 * _REACH - 1)
    for n_frames in range(frames_in(MIN_LOOP_S, video.fps), longest + 1):
        starts = np.arange(_REACH, len(difference) - n_frames - _REACH)
        stops = starts + n_frames
        mismatch = np.mean([difference[starts + offset, stops + offset] for offset in _MATCHED_OFFSETS], axis=0)
        cost = (unrest[stops] - unrest[starts]) / n_frames + _shortness(n_frames, video.fps)
        cost += _MISMATCH_COST * mismatch / usual
        cost[np.maximum(mismatch, difference[stops - 1, starts]) > usual] = np.inf
        start = int(starts[cost.argmin()])
        if cost.min() < (max_cost if best is None else best.cost):
            best = _Stretch(float(cost.min()), match.number, int(first) + start, int(first) + start + n_frames)
    return best


def _shortness(n_frames: int, fps: Fraction) -> float:
    return _SHORTNESS_COST / float(video_frame_time(n_frames, fps))


def _head_blocks(video: VideoInfo, places: FacePlaces) -> NDArray[np.float32]:
    """Small grey pictures of head and shoulders, the mouth blacked out, in blocks (n_blocks, n_frames, n_pixels)."""
    to_picture = np.median(places.to_picture, axis=0)
    size = np.array([video.width, video.height])
    left_top, right_bottom = (np.clip(np.rint(corner), 0, size) for corner in _corners(to_picture, _HEAD))
    (left, top), (right, bottom) = left_top.astype(int), right_bottom.astype(int)
    width = _N_BLOCKS * _BLOCK_PX
    mouth = (_corners(to_picture, _MOUTH) - left_top) / (right_bottom - left_top) * width
    (mouth_left, mouth_top), (mouth_right, mouth_bottom) = np.clip(np.rint(mouth), 0, width).astype(int)
    pictures = []
    for frame in _read(video, places):
        head = cv2.cvtColor(np.ascontiguousarray(frame.image[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
        small = cv2.resize(head, (width, width), interpolation=cv2.INTER_AREA)
        small[mouth_top:mouth_bottom, mouth_left:mouth_right] = 0
        pictures.append(small)
    blocks = np.stack(pictures).reshape(-1, _N_BLOCKS, _BLOCK_PX, _N_BLOCKS, _BLOCK_PX)
    return blocks.transpose(1, 3, 0, 2, 4).reshape(_N_BLOCKS**2, len(pictures), -1).astype(np.float32)


def _corners(to_picture: FloatArray, window: FloatArray) -> NDArray[np.float64]:
    """Left top and right bottom corner (2, 2), pixels, of a canonical window, whichever way it is turned."""
    (left, top), (right, bottom) = window
    corners = apply_similarity(to_picture, np.array([[left, top], [right, top], [left, bottom], [right, bottom]]))
    return np.stack([corners.min(0), corners.max(0)])


def _differences(blocks: FloatArray) -> NDArray[np.float32]:
    """Grey levels (n_frames, n_frames) that pictures differ by where they differ most: at a lid, when one blinks."""
    largest = np.zeros((blocks.shape[1],) * 2, np.float32)
    for block in blocks:
        power = (block**2).mean(1)
        np.maximum(largest, power[:, None] + power - 2 / block.shape[1] * block @ block.T, out=largest)
    return np.sqrt(largest)


def _read(video: VideoInfo, places: FacePlaces) -> Iterator[SourceFrame]:
    start_s, end_s = (Fraction(float(places.times_s[edge])) for edge in (0, -1))
    return read_frames(video.path, start_s - _INSTANT_S, end_s + _INSTANT_S, n_threads=1)


def _write(video: VideoInfo, places: FacePlaces, path: Path, *, is_loop: bool) -> FacePlaces:
    """Write a stretch as it is, or forth and back without showing its first and last frame twice."""
    start_s, end_s = (Fraction(float(places.times_s[edge])) for edge in (0, -1))
    forth, back = np.arange(len(places.times_s)), np.arange(len(places.times_s) - 2, 0, -1)
    frames = _read(video, places)
    if not is_loop:
        frames = chain(frames, read_frames_backwards(video.path, start_s + _INSTANT_S, end_s - _INSTANT_S))
    loop = places[forth if is_loop else np.concatenate([forth, back])]
    times = [video_frame_time(number, video.fps) for number in range(len(loop.times_s))]
    with VideoWriter(path, video.width, video.height, video.fps, **_IDLE_ENCODING) as writer:
        for time_s, frame in zip(times, frames, strict=True):
            writer.write(frame.image, time_s)
    # every frame of it is usable, and what the mouth would fade around is left behind
    return replace(loop, times_s=np.array([float(time_s) for time_s in times]), strengths=np.ones(len(times)))
