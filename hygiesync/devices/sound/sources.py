"""Where sound comes from by its name: a microphone, or a sound file that is played as if spoken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hygiesync.devices.sound.source import LiveSource, SoundSource
from hygiesync.devices.sound.devices import find_input
from hygiesync.media.audio import probe_audio
from hygiesync.media.writer import AAC_SAMPLE_RATES

SOUND_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma",
     ".mp4", ".mov", ".mkv", ".webm", ".avi"}
)  # fmt: skip
"""A name that ends like this means a file, even one that is not there."""

USUAL_RATE, MIN_RATE = 48_000, 16_000
"""Samples a second to record with where the device's or the file's own are more, or too few, or unusual (Hz)."""


def open_source(text: str | None, sample_rate: int) -> SoundSource:
    """A sound file where a file is named, else a microphone; not started.

    Parameters
    ----------
    text : str, optional
        The name of a file, or what `find_input` takes.
    sample_rate : int
        Samples a second that it shall deliver (Hz).

    Raises
    ------
    MissingDependencyError, UsageError
        As `find_input`.
    """
    from hygiesync.devices.sound.microphone import Microphone
    from hygiesync.devices.sound.sound_file import SoundFile

    if text is not None and is_sound_file(text):
        return SoundFile(text, sample_rate)
    return Microphone(find_input(text), sample_rate)


def open_live_source(text: str | None) -> LiveSource:
    """The same for live speech: at the engine's rate, and beside it at the rate to record with; not started.

    Raises
    ------
    MissingDependencyError, UsageError
        As `find_input`.
    InputError
        When the file is missing or has no sound.
    """
    from hygiesync.devices.sound.engine_rate import EngineRateSource, first_block_length
    from hygiesync.devices.sound.microphone import Microphone
    from hygiesync.devices.sound.sound_file import SoundFile

    rate = recording_rate(text)
    if text is not None and is_sound_file(text):
        return SoundFile(text, original_rate=rate)
    return EngineRateSource(Microphone(find_input(text), rate, first_block_length(rate)))


def recording_rate(text: str | None) -> int:
    """Samples a second to record with: the device's own, so that nothing is resampled, where files may have it."""
    if text is not None and is_sound_file(text):
        rate = probe_audio(text).sample_rate
    else:
        rate = round(find_input(text).default_rate)
    return rate if rate in AAC_SAMPLE_RATES and MIN_RATE <= rate <= USUAL_RATE else USUAL_RATE


def is_sound_file(text: str) -> bool:
    """Whether a file is named, not a device."""
    return Path(text).suffix.lower() in SOUND_SUFFIXES or Path(text).is_file()
