"""The sound of a rendering: heard by the engine and kept in the file, read once for both after it was surveyed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

from numpy.typing import NDArray

from hygiesync.media.audio import AudioFormat, read_audio_blocks, read_audio_formats
from hygiesync.media.container import PathLike
from hygiesync.media.sound import Sound
from hygiesync.media.sound_survey import survey_sound
from hygiesync.speech.music import is_only_music

HEARD_LENGTH = 1600
"""Samples that the engine hears at a time: a tenth of a second."""

_KEPT_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Rates that an mp4 keeps as they are (Hz), of those that are in use."""

_DEFAULT_RATE = 48_000

_KEPT, _HEARD = 0, 1


class Soundtrack:
    """A sound in its own rate and channels, where an mp4 keeps them, and as the engine hears it.

    A file is surveyed first (length, level, channels; and, as far as its first window of voice, whether it is music),
    which wants a reading of its own. Then both are taken from one reading, each as far as it is wanted; what one has
    not yet taken waits in memory. May be used by two threads, one for each side.

    Parameters
    ----------
    audio : path or Sound
    is_heard : bool
        Whether :meth:`heard` is wanted too. A quiet sound is heard louder, music without a voice not at all; what is
        kept stays as it is.
    track : int, optional
        Which sound track of the file, 1 is the first; its default one when left out.

    Raises
    ------
    InputError
        When the file can't be opened, or has no sound.
    """

    def __init__(self, audio: PathLike | Sound, *, is_heard: bool, track: int | None = None) -> None:
        survey = None if isinstance(audio, Sound) else survey_sound(audio, track)
        info = survey or cast(Sound, audio)
        self.sample_rate: int = info.sample_rate if info.sample_rate in _KEPT_RATES else _DEFAULT_RATE
        self.n_channels: int = min(info.n_channels, 2)
        self.duration_s: Fraction = cast(Sound, audio).duration_s if survey is None else survey.end_s
        self.notes: tuple[str, ...] = () if survey is None else tuple(survey.notes())
        gain = 1.0 if survey is None else survey.gain
        if is_heard and survey is not None and is_only_music(read_audio_blocks(cast(PathLike, audio), track=track)):
            gain = 0.0
            self.notes = (*self.notes, "it holds music and no voice, so the mouth is at rest")
        formats = [AudioFormat(self.sample_rate, self.n_channels, self.sample_rate // 10)]
        if is_heard:
            formats.append(AudioFormat(block_length=HEARD_LENGTH, gain=gain))
        self._reading = read_audio_formats(audio, formats, track)
        self._waiting: tuple[deque[NDArray[Any]], ...] = tuple(deque() for _ in formats)
        self._lock = threading.Lock()
        self._read_on(len(formats) - 1)  # a sound that can't be read is refused before anything is written

    def kept(self) -> Iterator[NDArray[Any]]:
        """Blocks (n,) or (n, 2), float32, for the file."""
        return self._blocks(_KEPT)

    def heard(self) -> Iterator[NDArray[Any]]:
        """Blocks (n,), float32, at 16 kHz, for the engine."""
        return self._blocks(_HEARD)

    def _blocks(self, side: int) -> Iterator[NDArray[Any]]:
        while True:
            with self._lock:
                self._read_on(side)
                if not self._waiting[side]:
                    return
                block = self._waiting[side].popleft()
            yield block

    def _read_on(self, side: int) -> None:
        """Read until `side` has a block, or the sound is over."""
        while not self._waiting[side]:
            number_and_block = next(self._reading, None)
            if number_and_block is None:
                return
            number, block = number_and_block
            self._waiting[number].append(block)
