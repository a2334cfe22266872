"""Series of JPEG pictures as one Motion-JPEG file: any player shows it, and each picture is there by itself."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from hygiesync.errors import InputError
from hygiesync.media.container import open_input

_RATE = 25


def write_jpegs(path: Path, jpegs: list[bytes], width: int, height: int) -> None:
    """Write JPEG pictures of one size, as they are, into a Matroska file."""
    with av.open(f"file:{path.absolute()}", mode="w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=_RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj444p"
        stream.time_base = Fraction(1, _RATE)
        for number, jpeg in enumerate(jpegs):
            packet = Packet(jpeg)
            packet.stream, packet.time_base = stream, Fraction(1, _RATE)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)


def read_jpegs(path: Path) -> tuple[bytes, ...]:
    """The JPEG pictures of a file written by :func:`write_jpegs`, still compressed.

    Raises
    ------
    InputError
        When the file holds no Motion-JPEG.
    """
    with open_input(path) as container:
        if not container.streams.video or container.streams.video[0].codec_context.name != "mjpeg":
            raise InputError(f"{path}: expected a Motion-JPEG file, got something else; train the avatar again")
        return tuple(bytes(packet) for packet in container.demux(video=0) if packet.size)
