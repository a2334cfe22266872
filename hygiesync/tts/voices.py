"""The voices that there are: espeak-ng's in over a hundred languages, flite's, and Piper's where the user has one."""

from __future__ import annotations

from collections.abc import Callable

from hygiesync.tts.espeak import open_espeak_voice
from hygiesync.tts.flite import open_flite_voice
from hygiesync.tts.piper import open_piper_voice
from hygiesync.tts.voice import PITCH, WORDS_PER_MINUTE, Voice, VoiceSettings

VOICES: tuple[Callable[[VoiceSettings], Voice | None], ...] = (
    open_piper_voice,
    open_flite_voice,
    open_espeak_voice,
)
"""Asked one after another until one has the voice that is named; the last has any."""


def open_voice(
    name: str | None = None, language: str = "en", words_per_minute: int = WORDS_PER_MINUTE, pitch: int = PITCH
) -> Voice:
    """The voice that a user names.

    Parameters
    ----------
    name : str, optional
        Path of a Piper voice (``.onnx``); ``flite-slt``, ``flite-rms`` or ``flite-awb``; or a variant of espeak's
        voices such as ``f3`` or ``m2``. Left out, espeak's plain voice.
    language : str
        For espeak; the others speak their own.
    words_per_minute, pitch : int
        80 to 450, and 0 to 100.

    Raises
    ------
    InputError
        When the named file is missing or no voice.
    MissingDependencyError
        When the voice's program or package is not installed.
    UsageError
        When the pace or the pitch is out of range, or the voice is none of its kind's. An unknown language or variant
        of espeak's is told when it speaks.
    """
    settings = VoiceSettings(name, language, words_per_minute, pitch)
    return next(voice for voice in (open_it(settings) for open_it in VOICES) if voice is not None)
