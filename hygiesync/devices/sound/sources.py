"""Where sound comes from by its name: a microphone, or a sound file that is played as if spoken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hygiesync.devices.sound.source import SoundSource
from hygiesync.devices.sound.devices import find_input

SOUND_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma",
     ".mp4", ".mov", ".mkv", ".webm", ".avi"}
)  # fmt: skip
"""A name that ends like this means a file, even one that is not there."""


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

    if text is not None and (Path(text).suffix.lower() in SOUND_SUFFIXES or Path(text).is_file()):
        return SoundFile(text, sample_rate)
    return Microphone(find_input(text), sample_rate)
