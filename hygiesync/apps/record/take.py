"""One video of a recording, while it is being filmed: pictures and sound on one clock, kept whatever happens.

The file's time is the microphone's: a picture taken at some host time lies where the sound of that moment lies, so the
two never drift apart, however the sound card's clock runs, and no sample is ever changed. While the speaker pauses,
nothing is written; the next stretch joins the one before::

    host time    ----[start ........ stop]-------------[start ........ stop]----
    file                 [== stretch ==]                   [== stretch ==]
    file time            0            10 s               10 s            25 s
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.devices.camera.camera import CameraFrame
from hygiesync.devices.sound.clock import SampleClock
from hygiesync.media.background_writer import BackgroundWriter
from hygiesync.media.video import VideoWriter
from hygiesync.timing import sample_time, time_to_samples

CRF, PRESET = 15, "ultrafast"
"""Of x264: finer than the eye sees, since training looks closer, and a third of the work of "veryfast" at the price of
half as large a file again."""

TUNE = "zerolatency"
"""Without pictures that refer to later ones: a kill loses less, and the file can be cut before any keyframe."""

KEPT_S = 1
"""Sound that is kept in memory: a picture comes later than the sound of its moment, and may begin a stretch."""


@dataclass
class _Stretch:
    """What is filmed between a start and a stop."""

    start_s: float
    """Host time from which on pictures belong to it."""
    at: int
    """Samples in the file before it."""
    stop_s: float | None = None
    first: int | None = None
    """Sample of the microphone's timeline at which it begins: that of its first picture."""
    end: int | None = None


class Take:
    """Writes one video; a context manager.

    Parameters
    ----------
    path : Path
    size : tuple of int
        Width and height of the pictures.
    fps : Fraction
        What the camera states; pictures are written at their own times.
    clock : SampleClock
        Between the microphone's samples and host time.
    metadata : dict of str to str
    n_heard : int
        Samples of the microphone's timeline that came before the first that :meth:`write_audio` gets.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: Fraction,
        clock: SampleClock,
        metadata: dict[str, str],
        n_heard: int = 0,
    ) -> None:
        self._rate = clock.sample_rate
        self._clock = clock
        self._writer = BackgroundWriter(
            VideoWriter(
                path, *size, fps, audio_rate=self._rate, audio_channels=1, metadata=metadata,
                crf=CRF, preset=PRESET, tune=TUNE, n_threads=1, keeps_fragments=True,
            )
        )  # fmt: skip
        self._stretch: _Stretch | None = None
        self._recent: deque[tuple[int, NDArray[Any]]] = deque()
        self._n_kept = time_to_samples(KEPT_S, self._rate)
        self._marks: list[float] = []
        self._n_heard = n_heard
        self._n_written = 0
        self._last_time = Fraction(-1)
        self.n_pictures = 0
        """Pictures in the file."""

    def __enter__(self) -> Take:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._end_stretch()
            except BaseException as failure:
                self._writer.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._writer.__exit__(kind, error, where)

    @property
    def duration_s(self) -> float:
        """Length of the sound in the file so far, seconds."""
        return float(sample_time(self._n_written, self._rate))

    def start(self, host_s: float) -> None:
        """Film from host time `host_s` on; the first picture from then on begins it."""
        self._end_stretch()
        self._stretch = _Stretch(host_s, self._n_written)

    def stop(self, host_s: float) -> None:
        """Film until `host_s`; what was taken before and comes later still belongs to it."""
        stretch = self._stretch
        if stretch is not None and stretch.stop_s is None:
            stretch.stop_s = host_s
            stretch.end = round(self._clock.sample_at(host_s))

    def mark(self, host_s: float) -> None:
        """Make the first picture from `host_s` on one before which the file can be cut."""
        self._marks.append(host_s)

    def time_of(self, host_s: float) -> float:
        """Where a host time of the newest stretch is in the file, seconds."""
        stretch = self._stretch
        if stretch is None or stretch.first is None:
            return self.duration_s
        n_since = self._clock.sample_at(host_s) - stretch.first
        if stretch.end is not None:
            n_since = min(n_since, stretch.end - stretch.first)
        return float(sample_time(stretch.at + round(max(0.0, n_since)), self._rate))

    def write_audio(self, samples: FloatArray) -> None:
        """Take the microphone's next samples (n,), float32; all of them, wanted or not, so that they can be counted.

        Raises
        ------
        InputError
            When they can't be written.
        """
        self._recent.append((self._n_heard, samples))
        self._n_heard += len(samples)
        while self._recent[0][0] + len(self._recent[0][1]) < self._n_heard - self._n_kept:
            self._recent.popleft()
        if self._stretch is not None and self._stretch.first is not None:
            self._write_sound(self._stretch)

    def write_frame(self, frame: CameraFrame) -> None:
        """Take the camera's next picture.

        Raises
        ------
        InputError
            When it can't be written.
        """
        stretch = self._stretch
        if stretch is None or frame.host_s < stretch.start_s:
            return
        if stretch.stop_s is not None and frame.host_s >= stretch.stop_s:
            return
        sample = round(self._clock.sample_at(frame.host_s))
        is_first = stretch.first is None
        if stretch.first is None:
            stretch.first = sample
            self._write_sound(stretch)
        time_s = sample_time(stretch.at + sample - stretch.first, self._rate)
        if time_s <= self._last_time:
            return  # the clock was corrected by more than the time between two pictures
        is_marked = any(mark_s <= frame.host_s for mark_s in self._marks)
        if not self._writer.write(frame.image, time_s, is_keyframe=is_first or is_marked):
            return  # the disk is too slow; the marks are for the next picture
        self._marks = [mark_s for mark_s in self._marks if mark_s > frame.host_s]
        self._last_time = time_s
        self.n_pictures += 1

    def _write_sound(self, stretch: _Stretch) -> None:
        """Write what belongs to the stretch of what was heard."""
        for begin, samples in self._recent:
            start = max(0, self._next(stretch) - begin)
            stop = len(samples) if stretch.end is None else min(len(samples), stretch.end - begin)
            if start < stop:
                self._write_silence(begin + start - self._next(stretch))
                self._write(samples[start:stop])

    def _next(self, stretch: _Stretch) -> int:
        """Sample of the microphone's timeline that the file needs next."""
        assert stretch.first is not None
        return stretch.first + self._n_written - stretch.at

    def _write(self, samples: FloatArray) -> None:
        self._writer.write_audio(samples)
        self._n_written += len(samples)

    def _write_silence(self, n_samples: int) -> None:
        """Fill a hole, where there is one."""
        if n_samples > 0:
            self._write(np.zeros(n_samples, np.float32))

    def _end_stretch(self) -> None:
        """Give the stretch its full length, where the sound of its last moment never came."""
        stretch, self._stretch = self._stretch, None
        if stretch is None or stretch.first is None:
            return
        end = self._n_heard if stretch.end is None else stretch.end
        self._write_silence(end - self._next(stretch))


def spans_to_leave_out(readings: Sequence[tuple[float, float, bool]]) -> list[tuple[float, float]]:
    """Spans of superseded readings, joined where they touch.

    Parameters
    ----------
    readings : sequence of (start_s, end_s, is_superseded)
        In order.
    """
    spans: list[tuple[float, float]] = []
    for start_s, end_s, is_superseded in readings:
        if not is_superseded or end_s <= start_s:
            continue
        if spans and spans[-1][1] == start_s:
            start_s = spans.pop()[0]
        spans.append((start_s, end_s))
    return spans
