"""What a file's sound is, from listening to all of it once: its true length, its channels, how loud it speaks.

Lengths are counted here, since headers are wrong or only guess; channels are compared, so that none is lost; and the
level says whether the sound must be raised to be heard. Whoever takes sound from a file asks here, so that what is
heard, kept, told and checked is the same.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.media.container import PathLike, decode_frames, open_input
from hygiesync.media.mixing import Mix, channel_names, samples_of
from hygiesync.media.streams import (
    audio_streams,
    clock_origin,
    find_video_stream,
    frame_time,
    the_audio_stream,
)

QUIET_DB, LEVEL_DB = -33.0, -23.0
"""Speech quieter than the one is heard as loud as the other, decibels below full scale: recordings have -10 to -30."""

MAX_UNEVEN_S = Fraction(1, 2)
"""Time by which sound and pictures may begin and end apart without a word: encoders leave some hundredths."""

MAX_GAIN_DB = 50.0
SILENT_DB = -90.0
"""Quieter than the least step of 16 bits: there is nothing to raise."""

_WINDOW_S = 0.02
_RANGE_DB = 30.0
"""Windows this much quieter than the loudest are pauses."""

_LOUDEST, _SPEECH = 0.99, 0.8
"""Quantiles of windows: without a single click; of syllables among what is no pause."""

_LOW_CUT_HZ = 4000
"""A sample less the one a period of this before it has lost 15 decibels below 120 Hz, and what speech has little."""


@dataclass(frozen=True)
class SoundSurvey:
    """What was found.

    Attributes
    ----------
    sample_rate, n_channels : int
        Of the first frame.
    track, n_tracks : int
        Which sound track it is, from 1 on, and how many there are.
    is_marked : bool
        Whether the file marks that track as the one to play.
    start_s, end_s : Fraction
        From where to where there is sound, on the clock of the pictures, or of its own where there are none.
    n_samples : int
    mixes : dict of int to Mix
        By number of channels; few files have more than one.
    speech_db : float
        Level of the mix where it is no pause, decibels below full scale.
    """

    sample_rate: int
    n_channels: int
    track: int
    n_tracks: int
    is_marked: bool
    start_s: Fraction
    end_s: Fraction
    n_samples: int
    mixes: dict[int, Mix] = field(repr=False)
    speech_db: float

    @property
    def gain_db(self) -> float:
        """By how much the sound is raised for hearing; 0 for all that is loud enough, or silent."""
        if not SILENT_DB < self.speech_db < QUIET_DB:
            return 0.0
        return min(LEVEL_DB - self.speech_db, MAX_GAIN_DB)

    @property
    def gain(self) -> float:
        """The same as a factor."""
        return float(10 ** (self.gain_db / 20))

    def notes(self) -> Iterator[str]:
        """What whoever uses the sound should know, a line each."""
        if self.n_tracks > 1:
            why = "which the file marks as the one to play" if self.is_marked else "the first"
            yield (
                f"has {self.n_tracks} sound tracks; track {self.track} is taken, {why}: choose another with"
                " `audio_track`"
            )
        yield from (mix.note for mix in self.mixes.values() if mix.note)
        if self.speech_db <= SILENT_DB:
            yield "its sound is silent from beginning to end"
        elif self.gain_db:
            level = f"{-self.speech_db:.0f} dB below full scale"
            yield f"its sound is quiet, {level}; it is heard {self.gain_db:.0f} dB louder"

    def lengths(self, picture_s: Fraction) -> Iterator[str]:
        """What to know of sound and pictures, which end at `picture_s`, that aren't equally long."""
        if self.start_s > MAX_UNEVEN_S:
            yield f"its sound begins {float(self.start_s):.1f} s after its pictures"
        if self.start_s < -MAX_UNEVEN_S:
            yield f"its sound begins {float(-self.start_s):.1f} s before its pictures, and is left out up to there"
        if picture_s - self.end_s > MAX_UNEVEN_S:
            yield f"its sound ends at {float(self.end_s):.1f} s, its pictures at {float(picture_s):.1f} s"


def survey_sound(path: PathLike, track: int | None = None) -> SoundSurvey:
    """Listen to a file's sound.

    Parameters
    ----------
    path : str or os.PathLike
    track : int, optional
        Which sound track, 1 is the first; the file's default one when left out.

    Returns
    -------
    SoundSurvey

    Raises
    ------
    InputError
        When the file can't be opened or decoded, or has no sound.
    UsageError
        When there is no such track.
    """
    file = Path(path)
    status = file.stat() if file.is_file() else None
    # a file that was written anew is another one
    key = (status.st_mtime_ns, status.st_size) if status else None
    return _surveyed(os.fspath(path), track, key)


@lru_cache(maxsize=16)
def _surveyed(path: str, track: int | None, key: tuple[int, int] | None) -> SoundSurvey:
    channels: dict[int, _Channels] = {}
    sample_rate, n_channels, n_samples = 0, 0, 0
    origin: Fraction | None = None
    start_s, end_s = Fraction(0), Fraction(0)
    with open_input(path) as container:
        stream = the_audio_stream(container, path, track)
        streams = audio_streams(container)
        if find_video_stream(container) is not None:
            origin = clock_origin(container)
        for decoded in decode_frames(container, stream, path, is_told=False):
            frame = cast(AudioFrame, decoded)
            stamp_s = frame_time(frame, Fraction(0))
            if origin is None:
                origin = stamp_s or Fraction(0)
            time_s = end_s if stamp_s is None else stamp_s - origin
            if not n_samples:
                sample_rate, n_channels, start_s = frame.sample_rate, frame.layout.nb_channels, time_s
            n_samples += frame.samples
            end_s = max(end_s, time_s + timing.sample_time(frame.samples, frame.sample_rate))
            count = frame.layout.nb_channels
            channels.setdefault(count, _Channels(channel_names(frame))).push(samples_of(frame), frame.sample_rate)
        for one in channels.values():
            one.flush(sample_rate)
        return SoundSurvey(
            sample_rate or stream.sample_rate,
            n_channels or stream.channels,
            streams.index(stream) + 1,
            len(streams),
            track is None and len(streams) > 1 and stream is not streams[0],
            start_s,
            end_s,
            n_samples,
            {count: one.mix() for count, one in channels.items()},
            _speech_level(list(channels.values())),
        )


class _Channels:
    """Measures sound of one number of channels."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._covariance = np.zeros((len(names), len(names)))
        self._products: list[NDArray[np.float64]] = []
        self._held: list[NDArray[np.float32]] = []
        self._n_held = 0

    def push(self, samples: NDArray[np.float32], sample_rate: int) -> None:
        """Take samples (n_channels, n) in; they are measured by the second."""
        self._held.append(samples)
        self._n_held += samples.shape[1]
        if self._n_held >= sample_rate:
            self._measure(sample_rate)

    def flush(self, sample_rate: int) -> None:
        """Measure what is left."""
        if self._n_held:
            self._measure(sample_rate)

    def _measure(self, sample_rate: int) -> None:
        """Add up what is held, in windows of 20 ms; what is no number is refused where the sound is read."""
        held = np.nan_to_num(np.concatenate(self._held, axis=1), nan=0.0, posinf=0.0, neginf=0.0)
        self._held, self._n_held = [], 0
        lag = max(1, round(sample_rate / _LOW_CUT_HZ))
        above = held[:, lag:].astype(np.float64) - held[:, :-lag] if held.shape[1] > lag else held.astype(np.float64)
        self._covariance += above @ above.T
        length = min(max(1, round(_WINDOW_S * sample_rate)), held.shape[1])
        n_windows = held.shape[1] // length
        windows = held[:, : n_windows * length].astype(np.float64).reshape(len(held), n_windows, length)
        if len(held) <= 2:
            self._products.append(np.einsum("ikl,jkl->kij", windows, windows) / length)
        else:  # of many, as if they had nothing in common: it is a level, and 60 channels have 1800 pairs
            self._products.append(np.einsum("ikl,ikl->ki", windows, windows) / length)

    def mix(self) -> Mix:
        """What is to be made of the channels."""
        return Mix.of(self._covariance, self._names)

    def powers(self) -> NDArray[np.float64]:
        """Power (n_windows,) of the mono mix."""
        if not self._products:
            return np.empty(0)
        weights, products = self.mix().to_mono, np.concatenate(self._products)
        if products.ndim == 3:
            return np.einsum("kij,i,j->k", products, weights, weights)
        return products @ weights**2


def _speech_level(channels: list[_Channels]) -> float:
    """Level where there is no pause, decibels."""
    powers = np.concatenate([one.powers() for one in channels]) if channels else np.empty(0)
    powers = powers[powers > 10 ** (SILENT_DB / 10)]
    if not len(powers):
        return -math.inf
    levels = 10 * np.log10(powers)
    spoken = levels[levels >= np.quantile(levels, _LOUDEST) - _RANGE_DB]
    return float(np.quantile(spoken, _SPEECH))
