"""Reading the sound of any file as float samples on the clock that its pictures share."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError, UsageError
from hygiesync.media.audio_timeline import AudioTimeline
from hygiesync.media.container import PathLike, decode_frames, open_input
from hygiesync.media.replacing import replaced
from hygiesync.media.sound import Sound
from hygiesync.media.sound_survey import survey_sound
from hygiesync.media.streams import (
    check_not_cut_off,
    clock_origin,
    find_video_stream,
    the_audio_stream,
)

BLOCK_LENGTH = 16_000
"""Samples in the blocks that are yielded."""


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


def probe_audio(path: PathLike, track: int | None = None) -> AudioInfo:
    """Rate, channels and stated length of a file's sound; :func:`~hygiesync.media.sound_survey.survey_sound` counts.

    Raises
    ------
    InputError
        When the file can't be opened or has no audio track.
    """
    with open_input(path) as container:
        stream = the_audio_stream(container, path, track)
        if stream.duration is not None and stream.time_base is not None:
            duration_s = stream.duration * stream.time_base
        else:
            duration_s = Fraction(container.duration or 0, av.time_base)
        return AudioInfo(Path(path), stream.sample_rate, stream.channels, duration_s)


@dataclass(frozen=True)
class AudioFormat:
    """What a sound is turned into.

    Parameters
    ----------
    sample_rate : int
        Samples a second to deliver (Hz).
    n_channels : int
        1 (mixed down as FFmpeg does) or 2.
    block_length : int
        Samples in each block; the last may be shorter.
    gain : float
        Factor on all samples.

    Raises
    ------
    UsageError
        When one is out of its range.
    """

    sample_rate: int = timing.SAMPLE_RATE
    n_channels: int = 1
    block_length: int = BLOCK_LENGTH
    gain: float = 1.0

    def __post_init__(self) -> None:
        if self.n_channels not in (1, 2) or self.sample_rate < 1 or self.block_length < 1:
            raise UsageError(
                f"expected 1 or 2 channels, a sample rate and a block length of at least 1, "
                f"got {self.n_channels}, {self.sample_rate} and {self.block_length}"
            )


def read_audio_blocks(
    audio: PathLike | Sound,
    sample_rate: int = timing.SAMPLE_RATE,
    n_channels: int = 1,
    block_length: int = BLOCK_LENGTH,
    track: int | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Read a sound block by block, resampled and mixed to `n_channels`.

    When the file has pictures, sample ``n`` lies at ``n / sample_rate`` on the clock of their time stamps: silence
    stands where the sound starts late, what lies before zero is dropped. Without pictures sample 0 is the file's first.

    Parameters
    ----------
    audio : str, os.PathLike or Sound
        A local file with sound, of any format FFmpeg reads, or samples.
    sample_rate, n_channels, block_length : int
        As of :class:`AudioFormat`.
    track : int, optional
        Which sound track of the file, 1 is the first; its default one when left out.

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
    for _, block in read_audio_formats(audio, [AudioFormat(sample_rate, n_channels, block_length)], track):
        yield block


def read_audio_formats(
    audio: PathLike | Sound, formats: Sequence[AudioFormat], track: int | None = None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Read a sound once, and get it in several formats side by side.

    Parameters
    ----------
    audio : str, os.PathLike or Sound
    formats : sequence of AudioFormat
    track : int, optional
        As of :func:`read_audio_blocks`.

    Yields
    ------
    int, ndarray
        Number of the format, and its next block as of :func:`read_audio_blocks`; of each format as soon as it is
        complete.

    Raises
    ------
    InputError
        As :func:`read_audio_blocks`.
    """
    name = "samples" if isinstance(audio, Sound) else os.fspath(audio)
    blockers = [_Blocker(one, name) for one in formats]
    for number, piece in _read_pieces(audio, formats, track):
        for block in blockers[number].push(piece):
            yield number, block
    for number, blocker in enumerate(blockers):
        for block in blocker.flush():
            yield number, block
    if any(blocker.n_samples == 0 for blocker in blockers):
        raise InputError(f"{name}: its audio track holds no samples; record or export it again")


def read_audio(path: PathLike, sample_rate: int = timing.SAMPLE_RATE, track: int | None = None) -> NDArray[np.float32]:
    """A file's whole sound, mixed to one channel.

    Parameters
    ----------
    path : str or os.PathLike
        A local file with sound.
    sample_rate : int
        Samples a second to deliver (Hz).
    track : int, optional
        As of :func:`read_audio_blocks`.

    Returns
    -------
    ndarray, shape (n_samples,), float32
        See :func:`read_audio_blocks` for the clock.

    Raises
    ------
    InputError
        As :func:`read_audio_blocks`.
    """
    return np.concatenate(list(read_audio_blocks(path, sample_rate, track=track)))


def write_wav(path: PathLike, samples: FloatArray, sample_rate: int) -> None:
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
    pcm = np.clip(np.floor(samples * 2.0**15), -(2**15), 2**15 - 1).astype("<i2")
    try:
        with replaced(Path(path)) as beside, beside.open("wb") as file, wave.open(file) as sound:
            sound.setnchannels(pcm.shape[1] if pcm.ndim == 2 else 1)
            sound.setsampwidth(2)
            sound.setframerate(sample_rate)
            sound.writeframes(pcm.tobytes())
    except OSError as error:
        raise InputError(f"{os.fspath(path)}: can't be written ({error}); choose another place") from error


def _read_pieces(
    audio: PathLike | Sound, formats: Sequence[AudioFormat], track: int | None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Samples on the sound's clock in pieces of any length (n, n_channels), each with the number of its format."""
    if isinstance(audio, Sound):
        timelines = [AudioTimeline(one.sample_rate, one.n_channels, None, "samples", gain=one.gain) for one in formats]
        yield from _laid_out(audio.frames(), timelines)
        return
    with open_input(audio) as container:
        stream = the_audio_stream(container, audio, track)
        # one channel needs no comparing; where two stay two, nothing is added up
        mixes = survey_sound(audio, track).mixes if _must_compare(stream, formats) else {}
        # without pictures there is no clock to keep: the first sample is time zero
        origin = None if find_video_stream(container) is None else clock_origin(container)
        timelines = [AudioTimeline(one.sample_rate, one.n_channels, origin, audio, mixes, one.gain) for one in formats]
        frames = (cast(AudioFrame, frame) for frame in decode_frames(container, stream, audio))
        yield from _laid_out(frames, timelines)
        if timelines[0].end_s is not None:
            check_not_cut_off(container, stream, timelines[0].end_s, audio)


def _must_compare(stream: AudioStream, formats: Sequence[AudioFormat]) -> bool:
    return stream.channels > 2 or (stream.channels == 2 and any(one.n_channels == 1 for one in formats))


def _laid_out(
    frames: Iterator[AudioFrame], timelines: list[AudioTimeline]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Pieces of each timeline, as its number and samples."""
    for frame in frames:
        for number, timeline in enumerate(timelines):
            for piece in timeline.push(frame):
                yield number, piece
    for number, timeline in enumerate(timelines):
        for piece in timeline.flush():
            yield number, piece


class _Blocker:
    """Regroups pieces of any length into blocks, the last possibly shorter, and refuses what is no number."""

    def __init__(self, audio_format: AudioFormat, name: str) -> None:
        self._format, self._name = audio_format, name
        self._held: list[NDArray[np.float32]] = []
        self._n_held = 0
        self.n_samples = 0

    def push(self, piece: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Blocks that are complete once `piece` (n, n_channels) has come."""
        self._held.append(piece)
        self._n_held += len(piece)
        if self._n_held < self._format.block_length:
            return
        joined = np.concatenate(self._held)
        n_whole = self._n_held - self._n_held % self._format.block_length
        self._held, self._n_held = [joined[n_whole:]], self._n_held - n_whole
        for begin in range(0, n_whole, self._format.block_length):
            yield self._checked(joined[begin : begin + self._format.block_length])

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """What is left."""
        if self._n_held:
            yield self._checked(np.concatenate(self._held))

    def _checked(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        if not np.isfinite(block).all():
            where = self.n_samples + int(np.argmin(np.isfinite(block).all(axis=1)))
            raise InputError(
                f"{self._name}: expected finite samples, got NaN or infinity near "
                f"{float(timing.sample_time(where, self._format.sample_rate)):.3f} s; export the sound again as 16-bit"
                " wav"
            )
        self.n_samples += len(block)
        return block[:, 0] if self._format.n_channels == 1 else block
