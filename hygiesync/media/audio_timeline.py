"""Laying decoded sound on the clock of its file: no stamp that is off moves what comes after it.

The decoded frames are cut into *segments* of one format without a hole. Each segment is resampled by itself and laid at
its own time, so that a late start or a hole becomes silence and an overlap is dropped, and nothing after it shifts::

    time      0 s          t0                    t1            t2
    file                   [== frames ==][==]    (lost)        [== frames ==]
    segments               [======= 1 ======]                  [===== 2 ====]
    samples   000000000000 ~~~~~~~~~~~~~~~~~~0000000000000000 ~~~~~~~~~~~~~~
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError
from hygiesync.media.container import PathLike
from hygiesync.media.mixing import Mix, mixed
from hygiesync.media.streams import (
    frame_time,
)

STEREO_TO_MONO = {"rematrix_maxval": "1.0"}
"""FFmpeg adds left and right at 0.71 each, 3 dB too loud for one voice in both; this makes it the mean."""

ANTI_ALIASING = {"filter_size": "64"}
"""Twice FFmpeg's filter: its own takes 2.5 dB off 7.4 kHz and lets 8.2 kHz fold back at -17 dB; this one -1 and -37."""

MAX_JITTER_S = Fraction(20, 1000)
"""Difference between a frame's time stamp and the samples counted that is rounding (Matroska keeps milliseconds)."""

MAX_GAP_S = Fraction(600)
"""Longest silence that is filled in; beyond it the time stamps are wrong."""


class AudioTimeline:
    """Lays decoded frames on the output's clock; all streaming state of one reading.

    Parameters
    ----------
    sample_rate, n_channels : int
        Of the output.
    origin : Fraction or None
        Container time of output sample 0; None means that of the first frame.
    path : str or os.PathLike
        Name for messages.
    mixes : dict of int to Mix, optional
        How so many channels become those of the output, where FFmpeg's own way is wrong.
    gain : float
        Factor on all samples.
    """

    def __init__(
        self,
        sample_rate: int,
        n_channels: int,
        origin: Fraction | None,
        path: PathLike,
        mixes: Mapping[int, Mix] | None = None,
        gain: float = 1.0,
    ) -> None:
        self._sample_rate, self._n_channels = sample_rate, n_channels
        self._origin = origin
        self._path = path
        self._mixes, self._gain = mixes or {}, np.float32(gain)
        self._matrix: FloatArray | None = None
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int, int] | None = None
        self._n_out = 0
        self._n_to_drop = 0
        self._segment_start_s = Fraction(0)
        self._n_in_segment = 0
        self.end_s: Fraction | None = None

    def push(self, frame: AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Samples that are complete once `frame` has come, shape (n, n_channels), float32."""
        counted_s = self._counted_time()
        stamp_s = frame_time(frame, Fraction(0))
        if self._origin is None:
            self._origin = stamp_s or Fraction(0)
        time_s = counted_s if stamp_s is None else stamp_s - self._origin
        kind = (frame.format.name, frame.layout.name, frame.sample_rate, frame.layout.nb_channels)
        if kind != self._format or abs(time_s - counted_s) > MAX_JITTER_S:
            yield from self._end_segment()
            yield from self._begin_segment(kind, time_s)
        self._n_in_segment += frame.samples
        self.end_s = self._counted_time() + self._origin
        yield from self._resample(frame)

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """Samples that the resampler still holds."""
        yield from self._end_segment()

    def _counted_time(self) -> Fraction:
        """Time at which the samples of the current segment end."""
        if self._format is None:
            return Fraction(0)
        return self._segment_start_s + timing.sample_time(self._n_in_segment, self._format[2])

    def _begin_segment(self, kind: tuple[str, str, int, int], time_s: Fraction) -> Iterator[NDArray[np.float32]]:
        """Start a segment at `time_s`: silence up to there, or a debt of samples to drop."""
        self._format, self._segment_start_s, self._n_in_segment = kind, time_s, 0
        self._matrix = self._mixing(n_source_channels=kind[3])
        n_resampled = kind[3] if self._matrix is None else self._n_channels
        self._resampler = self._make_resampler(n_source_channels=n_resampled)
        n_silent = timing.time_to_samples(time_s, self._sample_rate) - self._n_out
        self._n_to_drop = max(0, -n_silent)
        stop_s = timing.sample_time(self._n_out, self._sample_rate)
        if time_s - stop_s > MAX_GAP_S:
            raise InputError(
                f"{os.fspath(self._path)}: its sound stops from {float(stop_s):.1f} s to {float(time_s):.1f} s, so "
                "its time stamps are damaged; export it again"
            )
        if n_silent > 0:
            self._n_out += n_silent
            yield np.zeros((n_silent, self._n_channels), np.float32)

    def _mixing(self, n_source_channels: int) -> FloatArray | None:
        """Rows of weights (n_channels, n_source_channels); None where FFmpeg's own mixing is right."""
        mix = self._mixes.get(n_source_channels)
        if mix is None or self._n_channels == 2:
            return None if mix is None else mix.to_stereo
        return None if mix.is_usual else mix.to_mono[None]

    def _make_resampler(self, n_source_channels: int) -> AudioResampler:
        """Resampler to the output's rate and channels; a mono source stays mono, to be repeated at its own level."""
        layout = "mono" if 1 in (self._n_channels, n_source_channels) else "stereo"
        options = ANTI_ALIASING | (STEREO_TO_MONO if n_source_channels == 2 else {})
        return AudioResampler(format="flt", layout=layout, rate=self._sample_rate, options=options)

    def _end_segment(self) -> Iterator[NDArray[np.float32]]:
        yield from self._resample(None)
        self._resampler = None

    def _resample(self, frame: AudioFrame | None) -> Iterator[NDArray[np.float32]]:
        """Resampled samples, less those that overlap what was delivered."""
        if self._resampler is None:
            return
        stamp = None if frame is None else frame.pts
        if frame is not None:
            # the resampler counts by itself: jitter of the stamps must not reach it
            frame.pts = None
        source = frame if frame is None or self._matrix is None else mixed(frame, self._matrix)
        done = self._resampler.resample(source)
        if frame is not None:
            frame.pts = stamp  # other timelines read it too
        for resampled in done:
            piece = cast(NDArray[np.float32], resampled.to_ndarray()).reshape(-1, resampled.layout.nb_channels)
            piece = np.broadcast_to(piece, (len(piece), self._n_channels))
            n_dropped = min(self._n_to_drop, len(piece))
            self._n_to_drop -= n_dropped
            if n_dropped < len(piece):
                self._n_out += len(piece) - n_dropped
                yield piece[n_dropped:] if self._gain == 1 else piece[n_dropped:] * self._gain
