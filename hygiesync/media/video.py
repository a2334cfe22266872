"""Reading a video frame by frame, each at its exact presentation time.

Frames come out upright (rotation and mirroring of phone cameras applied), with square pixels, as RGB, and one at a
time: an hour of video needs no more memory than a second. :class:`VideoWriter`, the way back, lives in
:mod:`hygiesync.media.writer` and is offered here too.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.errors import InputError
from hygiesync.media.container import PathLike, decode_frames, open_input
from hygiesync.media.conversion import FrameConverter
from hygiesync.media.deinterlace import deinterlaced
from hygiesync.media.streams import (
    UNRELATED_CLOCK_FORMATS,
    check_not_cut_off,
    clock_origin,
    find_audio_stream,
    find_video_stream,
    frame_time,
    stated_end,
)
from hygiesync.media.writer import VideoWriter

__all__ = ["SourceFrame", "VideoInfo", "VideoWriter", "probe", "read_frames"]

DEFAULT_THREADS = 2
"""Decoding threads; more would take the cores from the work done on the frames."""

SEEK_FROM_S = 90
"""Length from which seeking for some pictures is quicker than decoding all: keyframes are up to 10 s apart."""

SEEK_MARGINS_S = (Fraction(0), Fraction(2), Fraction(10))
"""How far before the wanted time to seek, one after the other, until a whole picture lies before that time."""

TimedPicture = tuple[Fraction, Callable[[], NDArray[np.uint8]]]
"""Presentation time in seconds, and what makes the picture; it is only converted when it is wanted."""


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video without reading it all.

    Attributes
    ----------
    path : Path
        The file.
    width, height : int
        Size in pixels of the frames that :func:`read_frames` yields (upright, square pixels).
    fps : Fraction
        Average frame rate in frames a second.
    duration_s : Fraction
        Time at which the last frame ends, on the clock of :attr:`SourceFrame.time_s`.
    n_frames : int
        Number of frames; an estimate.
    has_audio : bool
        Whether there is an audio track.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    duration_s: Fraction
    n_frames: int
    has_audio: bool


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One picture of a video.

    Attributes
    ----------
    image : ndarray, shape (height, width, 3), uint8, RGB
        The upright picture; the caller's own.
    time_s : Fraction
        Exact presentation time in seconds on the container's clock, which the audio shares.
    """

    image: NDArray[np.uint8]
    time_s: Fraction


def probe(path: PathLike) -> VideoInfo:
    """Size, rate and length of a video; decodes one frame, since only frames know their rotation.

    Parameters
    ----------
    path : str or os.PathLike
        A local video file.

    Returns
    -------
    VideoInfo

    Raises
    ------
    InputError
        When the file can't be opened, has no video, or its first frame can't be decoded.
    """
    with open_input(path) as container:
        stream = _video_stream(container, path)
        has_audio = find_audio_stream(container) is not None
        first = next(decode_frames(container, stream, path), None)
        if first is None:
            raise InputError(_no_frames(path))
        height, width = FrameConverter(stream.sample_aspect_ratio).to_rgb(cast(VideoFrame, first)).shape[:2]
        fps, duration_s, n_frames = _rate_and_length(container, stream, path)
    return VideoInfo(Path(path), width, height, fps, duration_s, n_frames, has_audio)


def read_frames(
    path: PathLike,
    start_s: Fraction | float | None = None,
    end_s: Fraction | float | None = None,
    n_threads: int = DEFAULT_THREADS,
) -> Iterator[SourceFrame]:
    """Read the frames with ``start_s <= time_s < end_s``, one by one.

    Readings of ``[0, t)`` and ``[t, end)`` give together exactly the frames of one reading of the whole, so that
    workers can share a video. Frames that the decoder flags as damaged are left out.

    Parameters
    ----------
    path : str or os.PathLike
        A local video file.
    start_s, end_s : Fraction or float, optional
        Span in seconds on the container's clock; everything without them.
    n_threads : int
        Decoding threads.

    Yields
    ------
    SourceFrame
        In order of presentation.

    Raises
    ------
    InputError
        When the file can't be opened, has no video, no frame of it can be decoded, or its end is missing.
    """
    start = None if start_s is None else Fraction(start_s)
    end = None if end_s is None else Fraction(end_s)
    is_empty = True
    for time_s, convert in _decode_from(path, start, end, n_threads):
        is_empty = False
        if start is None or time_s >= start:
            yield SourceFrame(convert(), time_s)
    if is_empty and start is None and end is None:
        raise InputError(_no_frames(path))


def sample_frames(video: VideoInfo, times_s: Sequence[Fraction]) -> Iterator[SourceFrame]:
    """The first frame at or after each of some times, in order; fewer where the video ends before.

    A short video is decoded once, and only what is wanted made a picture of; in a long one each time is sought.

    Raises
    ------
    InputError
        As :func:`read_frames`.
    """
    if video.duration_s > SEEK_FROM_S:
        for time_s in times_s:
            frame = next(read_frames(video.path, time_s, n_threads=1), None)
            if frame is not None:
                yield frame
        return
    wanted = deque(times_s)
    for time_s, convert in _decode_from(video.path, None, None, DEFAULT_THREADS):
        if not wanted:
            return
        if time_s >= wanted[0]:
            yield SourceFrame(convert(), time_s)
            while wanted and wanted[0] <= time_s:
                wanted.popleft()


def _decode_from(
    path: PathLike, start_s: Fraction | None, end_s: Fraction | None, n_threads: int
) -> Iterator[TimedPicture]:
    """Pictures from `start_s` or earlier up to `end_s`."""
    if start_s is not None and start_s > 0:
        for margin in SEEK_MARGINS_S:
            pictures = _decode_span(path, start_s - margin, end_s, n_threads)
            first = next(pictures, None)
            if first is not None and first[0] <= start_s:
                yield first
                yield from pictures
                return
    yield from _decode_span(path, None, end_s, n_threads)


def _decode_span(
    path: PathLike, seek_s: Fraction | None, end_s: Fraction | None, n_threads: int
) -> Iterator[TimedPicture]:
    """Whole pictures from the keyframe before `seek_s` (None: the very start) up to `end_s`."""
    with open_input(path) as container:
        stream = _video_stream(container, path)
        stream.codec_context.thread_count = max(1, n_threads)
        stream.codec_context.thread_type = "AUTO" if n_threads > 1 else "NONE"
        origin = clock_origin(container)
        if seek_s is not None and not _seek(container, stream, seek_s + origin):
            return
        converter = FrameConverter(stream.sample_aspect_ratio)
        last_s: Fraction | None = None
        last_end_s = Fraction(0)
        for frame in deinterlaced(_whole(decode_frames(container, stream, path), is_sought=seek_s is not None)):
            time_s = frame_time(frame, origin)
            if time_s is None:
                continue
            if last_s is not None and time_s < last_s:
                raise InputError(_runs_backwards(path, time_s))
            if time_s == last_s:
                continue
            if end_s is not None and time_s >= end_s:
                return
            last_s, last_end_s = time_s, time_s + frame.duration * cast(Fraction, frame.time_base)
            yield time_s, partial(converter.to_rgb, frame)
        if last_s is not None or seek_s is None:
            check_not_cut_off(container, stream, last_end_s + origin, path)


def _whole(frames: Iterator[Frame], *, is_sought: bool) -> Iterator[Frame]:
    """Without what, after a seek, comes before the first keyframe: it refers to pictures that were not decoded."""
    is_whole = not is_sought
    for frame in frames:
        is_whole = is_whole or cast(VideoFrame, frame).key_frame
        if is_whole:
            yield frame


def _seek(container: InputContainer, stream: VideoStream, time_s: Fraction) -> bool:
    """Go to the keyframe at or before `time_s`; False where the format can't."""
    if container.format.name in UNRELATED_CLOCK_FORMATS:
        # they do not stamp every frame, and after a jump the missing stamps are guessed differently
        return False
    try:
        container.seek(int(time_s // cast(Fraction, stream.time_base)), stream=stream)
    except FFmpegError:
        return False
    return True


def _video_stream(container: InputContainer, path: PathLike) -> VideoStream:
    stream = find_video_stream(container)
    if stream is None:
        raise InputError(f"{os.fspath(path)}: has no video that can be decoded; expected a video file, got sound only")
    return stream


def _no_frames(path: PathLike) -> str:
    return f"{os.fspath(path)}: not one video frame can be decoded; the file is damaged, copy or record it again"


def _runs_backwards(path: PathLike, time_s: Fraction) -> str:
    # AVI has no presentation times, so reordered frames in it can't be put in their places
    return (
        f"{os.fspath(path)}: its time stamps run backwards near {float(time_s):.2f} s, so pictures can't be matched "
        "to the sound; convert it first: ffmpeg -i FILE NEW.mp4"
    )


def _rate_and_length(container: InputContainer, stream: VideoStream, path: PathLike) -> tuple[Fraction, Fraction, int]:
    """Average rate (frames a second), end of the last frame (s) and number of frames."""
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    fps = next((rate for rate in rates if rate is not None and 0 < rate <= timing.MAX_FPS), None)
    end_s = stated_end(container, stream)
    if end_s is None or fps is None or container.format.name in UNRELATED_CLOCK_FORMATS:
        return _length_by_reading(path, fps)
    duration_s = end_s - clock_origin(container)
    return fps, duration_s, stream.frames or timing.frames_in(duration_s, fps)


def _length_by_reading(path: PathLike, fps: Fraction | None) -> tuple[Fraction, Fraction, int]:
    """Length of a file that has none in its header (browsers, broadcasts), from its packets."""
    with open_input(path) as container:
        stream = _video_stream(container, path)
        time_base, origin = cast(Fraction, stream.time_base), clock_origin(container)
        is_broadcast = container.format.name in UNRELATED_CLOCK_FORMATS
        times = sorted(packet.pts * time_base - origin for packet in container.demux(stream) if packet.pts is not None)
    if len(times) < 2 or times[0] == times[-1]:
        fps = fps or Fraction(25)
        return fps, (times[0] if times else Fraction(0)) + timing.video_frame_time(1, fps), len(times)
    # from time stamps: the rate that browsers state is often a placeholder; broadcasts don't stamp every frame
    if fps is None or not is_broadcast:
        fps = Fraction(len(times) - 1) / (times[-1] - times[0])
    end_s = times[-1] + timing.video_frame_time(1, fps)
    return fps, end_s, timing.frames_in(end_s, fps)
