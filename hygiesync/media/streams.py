"""Which streams of a file are meant, and the one clock that they share."""

from __future__ import annotations

import logging
import os
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.frame import Frame
from av.stream import Disposition
from av.video.stream import VideoStream

from hygiesync.errors import InputError, UsageError
from hygiesync.media.container import PathLike

logger = logging.getLogger(__name__)

EXACT_DURATION_FORMATS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "wav", "w64", "flac", "aiff"})
"""Formats whose header states the exact duration, so that a shorter file has lost its end."""

UNRELATED_CLOCK_FORMATS = frozenset({"mpegts", "mpeg"})
"""Broadcast formats, whose time stamps start anywhere within 26 hours."""

GUESSED_LENGTH_FORMATS = frozenset({"mp3", "aac", "amr", "ac3", "eac3"})
"""Formats without a length of their own: FFmpeg guesses it from the size of the file and its first bit rate."""

CUT_OFF_TOLERANCE_S = Fraction(1)
"""Missing time at the end of a file that still passes for a rounded duration."""

_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def find_video_stream(container: InputContainer) -> VideoStream | None:
    """The moving picture to play, None without one; covers and thumbnails are no video."""
    moving = [
        stream
        for stream in container.streams.video
        if not stream.disposition & _NO_VIDEO and stream.codec_context is not None
    ]

    def worth(stream: VideoStream) -> tuple[bool, bool]:
        # an AVIF's moving picture has a duration, and its still one none
        return bool(stream.disposition & Disposition.default), stream.duration is not None

    return max(moving, key=worth, default=None)


def audio_streams(container: InputContainer) -> list[AudioStream]:
    """All sound tracks of a container that can be decoded."""
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


def find_audio_stream(container: InputContainer, track: int | None = None) -> AudioStream | None:
    """A sound track of a container, None without one.

    Parameters
    ----------
    container : InputContainer
    track : int, optional
        Which, 1 is the first; the one that the file marks as its default when left out, and the first without any.
    """
    streams = audio_streams(container)
    if track is not None:
        return streams[track - 1] if 1 <= track <= len(streams) else None
    marked = (stream for stream in streams if stream.disposition & Disposition.default)
    return next(marked, streams[0] if streams else None)


def the_audio_stream(container: InputContainer, path: PathLike, track: int | None = None) -> AudioStream:
    """A sound track of a container, as :func:`find_audio_stream` finds it.

    Raises
    ------
    InputError
        When the file has no sound.
    UsageError
        When there is no such track.
    """
    stream = find_audio_stream(container, track)
    if stream is not None:
        return stream
    n_tracks = len(audio_streams(container))
    if not n_tracks:
        raise InputError(f"{os.fspath(path)}: has no audio track; name a file with sound, or record it again with one")
    raise UsageError(f"`audio_track`: expected 1 to {n_tracks}, as {os.fspath(path)} has, got {track}")


def clock_origin(container: InputContainer) -> Fraction:
    """Container time that counts as zero seconds, the same for picture and sound: that of the first picture.

    Files may begin anywhere: a part cut out of a longer one, a broadcast's clock, a recorder that was on for hours.
    Sound that comes before the first picture belongs to none, and lies before zero.
    """
    stream = find_video_stream(container) or find_audio_stream(container)
    if stream is None or stream.start_time is None or stream.time_base is None:
        return Fraction(container.start_time or 0, av.time_base)
    return stream.start_time * stream.time_base


def stated_end(container: InputContainer, stream: VideoStream | AudioStream) -> Fraction | None:
    """Container time (s) at which a stream ends as the file's header says; None where it doesn't, or FFmpeg guesses."""
    if container.format.name in GUESSED_LENGTH_FORMATS and not _has_frame_count(container):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return ((stream.start_time or 0) + stream.duration) * stream.time_base
    if container.duration is None:
        return None
    end_s = Fraction(container.duration, av.time_base)
    # Matroska counts from its own zero, the others from their first frame
    return end_s if "matroska" in container.format.name else end_s + Fraction(container.start_time or 0, av.time_base)


def _has_frame_count(container: InputContainer) -> bool:
    """Whether an mp3 states its number of frames, in a first frame of its own (LAME and others write one)."""
    with Path(container.name.removeprefix("file:")).open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":  # tags, whose length is stored seven bits a byte
            file.seek(10 + sum((byte & 0x7F) << (7 * (3 - place)) for place, byte in enumerate(head[6:10])))
        else:
            file.seek(0)
        first = file.read(256)
    return b"Xing" in first or b"Info" in first or b"VBRI" in first


def frame_time(frame: Frame, origin: Fraction) -> Fraction | None:
    """Presentation time of a decoded frame in seconds after `origin`, None where the file does not say."""
    # AVI stores decoding times only; without reordered frames they are the presentation times
    stamp = frame.pts if frame.pts is not None else frame.dts
    if stamp is None or frame.time_base is None:
        return None
    return stamp * frame.time_base - origin


def check_not_cut_off(
    container: InputContainer, stream: VideoStream | AudioStream, end_s: Fraction, path: PathLike
) -> None:
    """Refuse a file whose last frame ends well before the duration that its header states.

    Parameters
    ----------
    container : InputContainer
        The file, read to its end.
    stream : VideoStream or AudioStream
        The stream that was read.
    end_s : Fraction
        End of the last decoded frame, in seconds on the container's clock.
    path : str or os.PathLike
        Name for the message.

    Raises
    ------
    InputError
        When more than `CUT_OFF_TOLERANCE_S` is missing. Where only the whole file's length is stated, and this stream
        may rightly be shorter, a warning is logged.
    """
    stated_s = stated_end(container, stream)
    if stated_s is None or stated_s - end_s <= CUT_OFF_TOLERANCE_S:
        return
    lost = f"{os.fspath(path)}: {stream.type} ends at {float(end_s):.2f} s of {float(stated_s):.2f} s"
    if container.format.name not in EXACT_DURATION_FORMATS:
        logger.warning("%s; if the file was cut off, copy it again", lost)
        return
    raise InputError(
        f"{lost}, so its end is lost or damaged; copy it again, or keep what is there with: "
        "ffmpeg -i FILE -c copy WHOLE.mkv"
    )
