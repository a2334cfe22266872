"""Reading a video from its end to its start without holding it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hygiesync.media.container import PathLike
from hygiesync.media.video import SourceFrame, read_frames

STRETCH_S = Fraction(1, 2)
"""Seconds held in memory at a time."""


def read_frames_backwards(path: PathLike, start_s: Fraction, end_s: Fraction) -> Iterator[SourceFrame]:
    """Frames with ``start_s <= time_s < end_s``, the last one first.

    The video is read stretch by stretch from its end; each stretch is turned round in memory.
    """
    while end_s > start_s:
        begin_s = max(start_s, end_s - STRETCH_S)
        yield from reversed(list(read_frames(path, begin_s, end_s, n_threads=1)))
        end_s = begin_s
