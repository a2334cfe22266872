"""The idle loop as the live head: read ahead, and held still when that is wanted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

from hygiesync.concurrency.prefetch import prefetched
from hygiesync.rendering.interfaces import TemplateFrame, TemplateSource
from hygiesync.timing import described_time, mel_frames_to_time, video_frame_time

FIRST_S = described_time(0, 0) % mel_frames_to_time(1)
"""Time of the first picture. The network answers a hundred times a second, and a picture between two answers waits for
the second; when pictures and answers begin together, that wait is the shortest."""

_READ_AHEAD = 4
"""Pictures decoded ahead, so that the file's end and its beginning are joined in time."""


class Head:
    """Frames of a template at a constant rate, that can be told to stand still.

    One thread takes its frames; any may freeze it.

    Parameters
    ----------
    source : TemplateSource
        With a frame for each time ``n / fps``; shown `FIRST_S` later.
    fps : Fraction
    """

    def __init__(self, source: TemplateSource[Any], fps: Fraction) -> None:
        self._source, self._fps = source, fps
        self._reading: Generator[TemplateFrame[Any]] | None = None
        self.is_frozen = False

    def frames(self) -> Iterator[TemplateFrame[Any]]:
        """The frames, for ever. Time goes on while the head stands still; afterwards it moves on from where it was."""
        self._reading = prefetched(self._source.frames(), _READ_AHEAD)
        with closing(self._reading) as source:
            shown = next(source)
            for number in count():
                yield replace(shown, time_s=FIRST_S + video_frame_time(number, self._fps))
                if not self.is_frozen:
                    shown = next(source)

    def close(self) -> None:
        """End the thread that reads ahead, once nobody takes frames any more; again does nothing."""
        if self._reading is not None:
            self._reading.close()
