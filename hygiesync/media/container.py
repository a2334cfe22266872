"""Opening a video or audio file safely, and the one clock that its streams share.

Everything read through FFmpeg passes here, so that a wrong file is refused once, in one line, and so that nothing but
the named local file is ever read: playlists and scripts, which make FFmpeg open other files, are not on the list.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from hygiesync.errors import InputError, UsageError

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]

_VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,apng"
_SOUND_FORMATS = "wav,w64,mp3,aac,flac,aiff,au,caf,amr,ac3,eac3"
ALLOWED_FORMATS = f"{_VIDEO_FORMATS},{_SOUND_FORMATS}"
"""FFmpeg demuxers that read one file and nothing else."""

EXACT_DURATION_FORMATS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "wav", "w64", "flac", "aiff"})
"""Formats whose header states the exact duration, so that a shorter file has lost its end."""

UNRELATED_CLOCK_FORMATS = frozenset({"mpegts", "mpeg"})
"""Broadcast formats, whose time stamps start anywhere within 26 hours."""

GUESSED_LENGTH_FORMATS = frozenset({"mp3", "aac", "amr", "ac3", "eac3"})
"""Formats without a length of their own: FFmpeg guesses it from the size of the file and its first bit rate."""

_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image

MAX_BAD_PACKETS = 50
"""Undecodable packets in a row after which a file counts as broken rather than scratched."""

MAX_HONEST_WAV_BYTES = 0x7FFF_0000
"""Sizes from here on stand for "unknown" in a wav's header."""

WAV_TOLERANCE_BYTES = 4096
"""Missing bytes at a wav's end that come from careless writers, not from a lost end."""

CUT_OFF_TOLERANCE_S = Fraction(1)
"""Missing time at the end of a file that still passes for a rounded duration."""


def open_input(path: PathLike) -> InputContainer:
    """Open one local video or audio file for reading.

    Parameters
    ----------
    path : str or os.PathLike
        A file; never an address, a pipe, a device or a playlist.

    Returns
    -------
    InputContainer
        To be used as a context manager.

    Raises
    ------
    InputError
        When `path` is missing, not a regular file, not readable, empty, cut off, or not a known media format.
    """
    _check_is_file(path)
    # "file:" keeps FFmpeg from seeing a protocol, a pattern or an option in the name itself
    url = f"file:{Path(path).absolute()}"
    options = {"format_whitelist": ALLOWED_FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(url, mode="r", container_options=options, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise InputError(_why_not_opened(path)) from error
    if container.format.name == "wav":
        _check_wav_is_whole(path)
    return container


def _check_is_file(path: PathLike) -> None:
    """Refuse whatever is not a readable, non-empty, regular file."""
    file = Path(path)
    if "\0" in str(file) or not file.exists():
        raise InputError(f"{os.fspath(path)!r}: no such file; expected a video or audio file, check the path")
    if file.is_dir():
        raise InputError(f"{file}: is a folder; expected a video or audio file, name one inside it")
    if not file.is_file():
        raise InputError(f"{file}: is a device or a pipe; expected a regular file, save the stream to one first")
    if not os.access(file, os.R_OK):
        raise InputError(f"{file}: may not be read by this user; change its permissions")
    if file.stat().st_size == 0:
        raise InputError(f"{file}: is empty (0 bytes); copy or record it again")


def _why_not_opened(path: PathLike) -> str:
    """One line on why FFmpeg would not open an existing file."""
    with Path(path).open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide", b"free"):
        return (
            f"{os.fspath(path)}: this mp4/mov has no usable index (moov), so it was cut off while being recorded or "
            "copied; copy or record it again"
        )
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return (
            f"{os.fspath(path)}: is a WebP, which FFmpeg can't read as a video; save it as a GIF or an mp4 with the"
            " program that made it"
        )
    return (
        f"{os.fspath(path)}: expected a video or audio file (mp4, mov, mkv, webm, avi, wav, mp3, flac, ...), but its "
        "content is none of these, whatever its name says; export it again as mp4 or wav"
    )


def _check_wav_is_whole(path: PathLike) -> None:
    """Refuse a wav that is shorter than it says; FFmpeg would deliver what is there without a word."""
    with Path(path).open("rb") as file:
        head = file.read(8)
    # programs that write to a pipe put 0 or a huge number, since they can't know the size
    stated = int.from_bytes(head[4:], "little") + 8
    size = Path(path).stat().st_size
    if head[:4] == b"RIFF" and size < stated < MAX_HONEST_WAV_BYTES and stated - size > WAV_TOLERANCE_BYTES:
        raise InputError(
            f"{os.fspath(path)}: states {stated} bytes but has {size}, so its end is lost; copy or record it again"
        )


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


def decode_frames(
    container: InputContainer, stream: VideoStream | AudioStream, path: PathLike, *, is_told: bool = True
) -> Iterator[Frame]:
    """Decode one stream from the container's current position to its end.

    Single damaged packets, and frames that the decoder had to patch, are left out and counted in one warning: frames
    carry their own times, so that what follows stays in place. Who only looks a file over tells nothing (`is_told`).

    Yields
    ------
    Frame
        Video or audio frames in presentation order.

    Raises
    ------
    InputError
        When more than `MAX_BAD_PACKETS` packets in a row can't be decoded, or the file can't be read on.
    """
    n_bad, n_bad_in_a_row = 0, 0
    for packet in _read_packets(container, stream, path):
        try:
            frames = packet.decode()
        except FFmpegError as error:
            n_bad, n_bad_in_a_row = n_bad + 1, n_bad_in_a_row + 1
            if n_bad_in_a_row > MAX_BAD_PACKETS:
                raise InputError(
                    f"{os.fspath(path)}: {n_bad_in_a_row} {stream.type} packets in a row can't be decoded; the file is "
                    "damaged, copy it again"
                ) from error
            continue
        if frames:
            n_bad_in_a_row = 0
        n_bad += sum(frame.is_corrupt for frame in frames)
        yield from (frame for frame in frames if not frame.is_corrupt)
    if n_bad and is_told:
        logger.warning("%s: left out %d damaged %s frames", os.fspath(path), n_bad, stream.type)


def _read_packets(
    container: InputContainer, stream: VideoStream | AudioStream, path: PathLike
) -> Iterator[Packet[Any]]:
    """Packets of one stream, with read errors said in our words."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    try:
        yield from container.demux(stream)
    except (FFmpegError, OSError) as error:
        raise InputError(f"{os.fspath(path)}: can't be read to its end ({error.strerror}); copy it again") from error


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
