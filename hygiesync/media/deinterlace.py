"""Whole pictures from interlaced video, in which a picture's odd and even lines were taken at different moments.

Only pictures that say so are touched. Each keeps its own time: one of its two fields becomes a whole picture, the other
one helps where nothing moves (bwdif, as in FFmpeg's documentation of filters).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

from av.error import BlockingIOError as NothingYet
from av.error import EOFError as FilterIsEmpty
from av.filter import Graph
from av.frame import Frame
from av.video.frame import VideoFrame

_FILTER = ("bwdif", "mode=send_frame:parity=auto:deint=interlaced")


def deinterlaced(frames: Iterator[Frame]) -> Iterator[VideoFrame]:
    """The frames, those that are interlaced with their lines made whole; the others as they are.

    Parameters
    ----------
    frames : iterator of VideoFrame
        Decoded, in order.
    """
    graph: Graph | None = None
    kind: tuple[str, int, int] | None = None
    for frame in frames:
        assert isinstance(frame, VideoFrame)
        its_kind = frame.format.name, frame.width, frame.height
        if graph is not None and its_kind != kind:
            yield from _rest(graph)
            graph = None
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None:
            graph, kind = _graph_for(frame), its_kind
        graph.push(frame)
        yield from _ready(graph)
    if graph is not None:
        yield from _rest(graph)


def _graph_for(frame: VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=cast(Fraction, frame.time_base)
    )
    deinterlacer, sink = graph.add(*_FILTER), graph.add("buffersink")
    source.link_to(deinterlacer)
    deinterlacer.link_to(sink)
    graph.configure()
    return graph


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield cast(VideoFrame, graph.pull())
        except (NothingYet, FilterIsEmpty):
            return


def _rest(graph: Graph) -> Iterator[VideoFrame]:
    graph.push(None)
    yield from _ready(graph)
