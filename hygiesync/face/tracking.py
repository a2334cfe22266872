"""Tracking a face through a whole video, on two cores and in constant memory.

The video is cut into stretches that two threads track side by side, each with a reader and a detector of its own:
MediaPipe and FFmpeg let go of Python's lock while they work. The stretches are always the same, whatever the machine,
so the track is too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from hygiesync.errors import InputError
from hygiesync.face.target import FaceChoice, Target, WantedLooks, find_target
from hygiesync.face.track import FaceObserver, FaceTrack, Observation
from hygiesync.media.video import SourceFrame, VideoInfo, read_frames

N_WORKERS = 2
STRETCH_S = 60
"""Seconds of a stretch, about: each one starts a detector of its own, which takes as long as a few dozen frames."""

Result = TypeVar("Result")

FrameCallback = Callable[[int], None]
"""Called with the number of frames tracked since the last call."""


def track_face(
    video: VideoInfo,
    target: Target | None = None,
    progress: FrameCallback | None = None,
    until_s: Fraction | None = None,
) -> FaceTrack:
    """Track the speaker through a video.

    Parameters
    ----------
    video : VideoInfo
    target : Target, optional
        Whom to follow; without, the one face that a detector finds.
    progress : callable, optional
        Called from several threads, one at a time.
    until_s : Fraction, optional
        Where to stop; the video's end when left out.

    Raises
    ------
    InputError
        When the video can't be read.
    """
    lock = threading.Lock()

    def count(n_frames: int) -> None:
        if progress is not None:
            with lock:
                progress(n_frames)

    def track_stretch(frames: Iterator[SourceFrame]) -> FaceTrack:
        times: list[float] = []
        observations: list[Observation | None] = []
        with FaceObserver(**({} if target is None else target.detector_options())) as observer:
            for frame in frames:
                times.append(float(frame.time_s))
                observations.append(observer.observe(frame.image))
                count(1)
        return FaceTrack.from_observations(times, observations)

    return FaceTrack.concatenate(over_stretches(video, track_stretch, until_s))


def over_stretches(
    video: VideoInfo, work: Callable[[Iterator[SourceFrame]], Result], until_s: Fraction | None = None
) -> list[Result]:
    """What `work` makes of each stretch's frames, in order; two stretches are worked on at a time."""

    def one(span: tuple[Fraction | None, Fraction | None]) -> Result:
        return work(read_frames(video.path, *span, n_threads=1))

    with ThreadPoolExecutor(N_WORKERS) as workers:
        return list(workers.map(one, _stretches(video.duration_s, until_s)))


def _stretches(duration_s: Fraction, until_s: Fraction | None) -> Iterator[tuple[Fraction | None, Fraction | None]]:
    """Spans [start, end) that cover a video up to `until_s`, the outer ends open without it."""
    duration_s = duration_s if until_s is None else min(duration_s, until_s)
    n_stretches = N_WORKERS * max(1, round(duration_s / (N_WORKERS * STRETCH_S)))
    edges = [None, *(duration_s * number / n_stretches for number in range(1, n_stretches)), until_s]
    return pairwise(edges)


def watch(
    video: VideoInfo,
    min_share: float,
    progress: Callable[[int], None] | None = None,
    warn: Callable[[str], None] | None = None,
    until_s: Fraction | None = None,
    *,
    face: FaceChoice = None,
    wanted: WantedLooks | None = None,
    audio_track: int | None = None,
) -> FaceTrack:
    """Track the one person of a video who is meant, whoever else is seen.

    Parameters
    ----------
    video : VideoInfo
    min_share : float
        Share of the frames that must show the face.
    progress : callable, optional
        Told of the number of frames tracked in all.
    warn : callable, optional
        Told when there are several people, and who is followed.
    until_s : Fraction, optional
        Where to stop; the video's end when left out.
    face, wanted, audio_track
        Who is meant; see :func:`~hygiesync.face.target.find_target`.

    Raises
    ------
    InputError
        When there is no such face, or the face is seen in fewer frames, or in none.
    """
    target = find_target(video, face, wanted=wanted, until_s=until_s, track=audio_track)
    if target.note and warn is not None:
        warn(target.note)
    done = 0

    def count(n_frames: int) -> None:
        nonlocal done
        done += n_frames
        if progress is not None:
            progress(done)

    track = track_face(video, target, count, until_s)
    _check_face_is_seen(track, video.path, min_share)
    return track


def _check_face_is_seen(track: FaceTrack, path: Path, min_share: float) -> None:
    """Refuse a video that shows no face, or one in fewer than `min_share` of its frames."""
    share = float(track.has_face.mean()) if len(track) else 0.0
    if share == 0:
        raise InputError(f"{path}: no face was found in any frame; film one person's face, frontal and well lit")
    if share < min_share:
        raise InputError(
            f"{path}: a face was found in {share:.0%} of the frames, and {min_share:.0%} are needed; cut the video to"
            " where the speaker is seen"
        )
