"""One mp4 out of several whose pictures are encoded already: they are copied, so nothing of their quality is lost."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from hygiesync.errors import InputError
from hygiesync.media.container import PathLike, open_input
from hygiesync.media.streams import find_video_stream
from hygiesync.media.video import probe
from hygiesync.media.writer import VideoWriter


class JoiningWriter(VideoWriter):
    """Writes the pictures of other mp4s one after another, and new sound beside them.

    Parameters
    ----------
    path : path
    first : path
        One of the mp4s. All must have been written by :class:`VideoWriter` with the same size, rate and encoder.
    **more
        As of :class:`VideoWriter`: the sound and the tags.

    Raises
    ------
    InputError
        When `first` can't be read.
    """

    def __init__(self, path: PathLike, first: PathLike, **more: Any) -> None:
        info = probe(first)
        super().__init__(path, info.width, info.height, info.fps, **more)
        self._first = Path(first)
        self._header: bytes | None = None

    def __enter__(self) -> JoiningWriter:
        super().__enter__()
        return self

    def copied(self, path: PathLike, start_s: Fraction) -> Iterator[Fraction]:
        """Append the pictures of an mp4, its time zero at `start_s`; gives the time after each that was written.

        Raises
        ------
        InputError
            When it can't be read, was encoded otherwise, or the disk is full.
        """
        container = self._opened()
        with open_input(path) as reader:
            stream = cast(VideoStream, find_video_stream(reader))
            self._check_header(stream, path)
            base = cast(Fraction, stream.time_base)
            shift = round(start_s / base)
            for packet in reader.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                time_s = packet.dts * base
                packet.stream = self._video
                try:
                    container.mux(packet)
                except (FFmpegError, OSError) as error:
                    raise InputError(self._why_not_written(error)) from error
                self._last_tick = 0  # there is a picture
                yield time_s

    def _add_video(self, container: OutputContainer) -> VideoStream:
        with av.open(str(self._first)) as reader:
            return container.add_stream_from_template(reader.streams.video[0])

    def _end_video(self, container: OutputContainer) -> None:
        """Nothing is encoded here."""

    def _check_header(self, stream: VideoStream, path: PathLike) -> None:
        header = stream.codec_context.extradata
        if self._header is None:
            self._header = header
        if header != self._header:
            raise InputError(
                f"{path}: was encoded otherwise than {self._first}, so they can't be joined; make it again"
            )
