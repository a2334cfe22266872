"""Opening a video or audio file safely, and decoding it.

Everything read through FFmpeg passes here, so that a wrong file is refused once, in one line, and so that nothing but
the named local file is ever read: playlists and scripts, which make FFmpeg open other files, are not on the list.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from hygiesync.errors import InputError

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]

_VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,apng"
_SOUND_FORMATS = "wav,w64,mp3,aac,flac,aiff,au,caf,amr,ac3,eac3"
ALLOWED_FORMATS = f"{_VIDEO_FORMATS},{_SOUND_FORMATS}"
"""FFmpeg demuxers that read one file and nothing else."""

MAX_BAD_PACKETS = 50
"""Undecodable packets in a row after which a file counts as broken rather than scratched."""

MAX_HONEST_WAV_BYTES = 0x7FFF_0000
"""Sizes from here on stand for "unknown" in a wav's header."""

WAV_TOLERANCE_BYTES = 4096
"""Missing bytes at a wav's end that come from careless writers, not from a lost end."""


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
