"""Reading the sound of any file as float samples on the clock that its pictures share.

The decoded frames are cut into *segments* of one format without a hole. Each segment is resampled by itself and laid at
its own time, so that a late start or a hole becomes silence and an overlap is dropped, and nothing after it shifts::

    time      0 s          t0                    t1            t2
    file                   [== frames ==][==]    (lost)        [== frames ==]
    segments               [======= 1 ======]                  [===== 2 ====]
    samples   000000000000 ~~~~~~~~~~~~~~~~~~0000000000000000 ~~~~~~~~~~~~~~
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from hygiesync import timing
from hygiesync.errors import InputError, UsageError
from hygiesync.media.container import (
    PathLike,
    check_not_cut_off,
    clock_origin,
    decode_frames,
    find_audio_stream,
    find_video_stream,
    frame_time,
    open_input,
)

BLOCK_LENGTH = 16_000
"""Samples in the blocks that are yielded."""

STEREO_TO_MONO = {"rematrix_maxval": "1.0"}
"""FFmpeg adds left and right at 0.71 each, 3 dB too loud for one voice in both; this makes it the mean."""

ANTI_ALIASING = {"filter_size": "64"}
"""Twice FFmpeg's filter: its own takes 2.5 dB off 7.4 kHz and lets 8.2 kHz fold back at -17 dB; this one -1 and -37."""

MAX_JITTER_S = Fraction(20, 1000)
"""Difference between a frame's time stamp and the samples counted that is rounding (Matroska keeps milliseconds)."""

MAX_GAP_S = Fraction(600)
"""Longest silence that is filled in; beyond it the time stamps are wrong."""


@dataclass(frozen=True)
class AudioInfo:
    """What is known of a sound track without reading it all.

    Attributes
    ----------
    path : Path
        The file.
    sample_rate : int
        Its own rate in Hz.
    n_channels : int
        Its own number of channels.
    duration_s : Fraction
        Its length in seconds; zero when the file does not state it.
    """

    path: Path
    sample_rate: int
    n_channels: int
    duration_s: Fraction


def probe_audio(path: PathLike) -> AudioInfo:
    """Rate, channels and length of a file's sound.

    Raises
    ------
    InputError
        When the file can't be opened or has no audio track.
    """
    with open_input(path) as container:
        stream = _audio_stream(container, path)
        if stream.duration is not None and stream.time_base is not None:
            duration_s = stream.duration * stream.time_base
        else:
            duration_s = Fraction(container.duration or 0, av.time_base)
        return AudioInfo(Path(path), stream.sample_rate, stream.channels, duration_s)


def read_audio_blocks(
    path: PathLike,
    sample_rate: int = timing.SAMPLE_RATE,
    n_channels: int = 1,
    block_length: int = BLOCK_LENGTH,
) -> Iterator[np.ndarray]:
    """Read a file's sound block by block, resampled and mixed to `n_channels`.

    When the file has pictures, sample ``n`` lies at ``n / sample_rate`` on the clock of their time stamps: silence
    stands where the sound starts late, what lies before zero is dropped. Without pictures sample 0 is the file's first.

    Parameters
    ----------
    path : str or os.PathLike
        A local file with sound, of any format FFmpeg reads.
    sample_rate : int
        Samples a second to deliver (Hz).
    n_channels : int
        1 (mixed down as FFmpeg does) or 2.
    block_length : int
        Samples in each block; the last may be shorter.

    Yields
    ------
    ndarray, shape (n,) or (n, n_channels), float32
        The next samples, -1 to 1; ``(n,)`` when `n_channels` is 1.

    Raises
    ------
    UsageError
        When an option is out of its range.
    InputError
        When the file can't be opened, has no sound, or holds samples that are not numbers.
    """
    if n_channels not in (1, 2) or sample_rate < 1 or block_length < 1:
        raise UsageError(
            f"expected 1 or 2 channels, a sample rate and a block length of at least 1, "
            f"got {n_channels}, {sample_rate} and {block_length}"
        )
    n_samples = 0
    for block in _split(_read_pieces(path, sample_rate, n_channels), block_length):
        if not np.isfinite(block).all():
            where = n_samples + int(np.argmin(np.isfinite(block).all(axis=1)))
            raise InputError(
                f"{os.fspath(path)}: expected finite samples, got NaN or infinity near "
                f"{float(timing.sample_time(where, sample_rate)):.3f} s; export the sound again as 16-bit wav"
            )
        n_samples += len(block)
        yield block[:, 0] if n_channels == 1 else block
    if n_samples == 0:
        raise InputError(f"{os.fspath(path)}: its audio track holds no samples; record or export it again")


def read_audio(path: PathLike, sample_rate: int = timing.SAMPLE_RATE) -> np.ndarray:
    """A file's whole sound, mixed to one channel.

    Parameters
    ----------
    path : str or os.PathLike
        A local file with sound.
    sample_rate : int
        Samples a second to deliver (Hz).

    Returns
    -------
    ndarray, shape (n_samples,), float32
        See :func:`read_audio_blocks` for the clock.

    Raises
    ------
    InputError
        As :func:`read_audio_blocks`.
    """
    return np.concatenate(list(read_audio_blocks(path, sample_rate)))


def write_wav(path: PathLike, samples: np.ndarray, sample_rate: int) -> None:
    """Write a 16-bit wav.

    Parameters
    ----------
    path : str or os.PathLike
        The file to write.
    samples : ndarray, shape (n,) or (n, n_channels), float, -1 to 1
        What lies beyond is clipped.
    sample_rate : int
        Samples a second (Hz).

    Raises
    ------
    InputError
        When `path` can't be written or a sample is not finite.
    """
    if not np.isfinite(samples).all():
        raise InputError(f"sound for {os.fspath(path)}: expected finite samples, got NaN or infinity")
    try:
        soundfile.write(os.fspath(path), samples, sample_rate, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as error:
        raise InputError(f"{os.fspath(path)}: can't be written ({error}); choose another place") from error


def _audio_stream(container: InputContainer, path: PathLike) -> AudioStream:
    stream = find_audio_stream(container)
    if stream is None:
        raise InputError(f"{os.fspath(path)}: has no audio track; name a file with sound, or record it again with one")
    return stream


def _read_pieces(path: PathLike, sample_rate: int, n_channels: int) -> Iterator[np.ndarray]:
    """Samples on the file's clock in pieces of any length, shape (n, n_channels)."""
    with open_input(path) as container:
        stream = _audio_stream(container, path)
        # without pictures there is no clock to keep: the first sample is time zero
        origin = None if find_video_stream(container) is None else clock_origin(container)
        timeline = _Timeline(sample_rate, n_channels, origin, path)
        for frame in decode_frames(container, stream, path):
            yield from timeline.push(cast(AudioFrame, frame))
        yield from timeline.flush()
        if timeline.end_s is not None:
            check_not_cut_off(container, stream, timeline.end_s, path)


def _split(pieces: Iterator[np.ndarray], block_length: int) -> Iterator[np.ndarray]:
    """Regroup pieces of any length into blocks of `block_length`, the last possibly shorter."""
    held: list[np.ndarray] = []
    n_held = 0
    for piece in pieces:
        held.append(piece)
        n_held += len(piece)
        if n_held >= block_length:
            joined = np.concatenate(held)
            n_whole = n_held - n_held % block_length
            for begin in range(0, n_whole, block_length):
                yield joined[begin : begin + block_length]
            held, n_held = [joined[n_whole:]], n_held - n_whole
    if n_held:
        yield np.concatenate(held)


class _Timeline:
    """Lays decoded frames on the output's clock; all streaming state of one reading.

    Parameters
    ----------
    sample_rate, n_channels : int
        Of the output.
    origin : Fraction or None
        Container time of output sample 0; None means that of the first frame.
    path : str or os.PathLike
        Name for messages.
    """

    def __init__(self, sample_rate: int, n_channels: int, origin: Fraction | None, path: PathLike) -> None:
        self._sample_rate, self._n_channels = sample_rate, n_channels
        self._origin = origin
        self._path = path
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int, int] | None = None
        self._n_out = 0
        self._n_to_drop = 0
        self._segment_start_s = Fraction(0)
        self._n_in_segment = 0
        self.end_s: Fraction | None = None

    def push(self, frame: AudioFrame) -> Iterator[np.ndarray]:
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

    def flush(self) -> Iterator[np.ndarray]:
        """Samples that the resampler still holds."""
        yield from self._end_segment()

    def _counted_time(self) -> Fraction:
        """Time at which the samples of the current segment end."""
        if self._format is None:
            return Fraction(0)
        return self._segment_start_s + timing.sample_time(self._n_in_segment, self._format[2])

    def _begin_segment(self, kind: tuple[str, str, int, int], time_s: Fraction) -> Iterator[np.ndarray]:
        """Start a segment at `time_s`: silence up to there, or a debt of samples to drop."""
        self._format, self._segment_start_s, self._n_in_segment = kind, time_s, 0
        self._resampler = self._make_resampler(n_source_channels=kind[3])
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

    def _make_resampler(self, n_source_channels: int) -> AudioResampler:
        """Resampler to the output's rate and channels; a mono source stays mono, to be repeated at its own level."""
        layout = "mono" if 1 in (self._n_channels, n_source_channels) else "stereo"
        options = ANTI_ALIASING | (STEREO_TO_MONO if n_source_channels == 2 else {})
        return AudioResampler(format="flt", layout=layout, rate=self._sample_rate, options=options)

    def _end_segment(self) -> Iterator[np.ndarray]:
        yield from self._resample(None)
        self._resampler = None

    def _resample(self, frame: AudioFrame | None) -> Iterator[np.ndarray]:
        """Resampled samples, less those that overlap what was delivered."""
        if self._resampler is None:
            return
        if frame is not None:
            # the resampler counts by itself: jitter of the stamps must not reach it
            frame.pts = None
        for resampled in self._resampler.resample(frame):
            piece = resampled.to_ndarray().reshape(-1, resampled.layout.nb_channels)
            piece = np.broadcast_to(piece, (len(piece), self._n_channels))
            n_dropped = min(self._n_to_drop, len(piece))
            self._n_to_drop -= n_dropped
            if n_dropped < len(piece):
                self._n_out += len(piece) - n_dropped
                yield piece[n_dropped:]
