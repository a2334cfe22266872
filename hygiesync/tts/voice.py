"""What a voice is: text in, speech out in chunks, so that a long text can begin at once and be interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hygiesync.errors import InputError, UsageError
from hygiesync.tts.speech import Speech

WORDS_PER_MINUTE, MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE = 150, 80, 450
PITCH, MIN_PITCH, MAX_PITCH = 50, 0, 100

_SILENCE_LEVEL = 1e-3
"""Samples below this (-60 dB of full scale) are silence."""


class Voice(Protocol):
    """Something that reads text aloud. A new one is a file of its own and a line in :mod:`hygiesync.tts.voices`."""

    def speak(self, text: str) -> Iterator[Speech]:
        """The speech of `text`, a sentence or less at a time.

        Returns
        -------
        iterator of Speech
            Each chunk is spoken when it is asked for; all have one sample rate, and join without a gap. Closing the
            iterator ends what is at work. A voice that doesn't know its phonemes' times leaves them out.

        Raises
        ------
        InputError
            While it is iterated: when `text` holds nothing that can be spoken.
        """
        ...


@dataclass(frozen=True)
class VoiceSettings:
    """Which voice is wanted.

    Attributes
    ----------
    name : str, optional
        See :func:`hygiesync.tts.voices.open_voice`.
    language : str
        Such as ``en``, ``fr``, ``de``.
    words_per_minute : int
        80 to 450.
    pitch : int
        0 (low) to 100 (high).
    """

    name: str | None = None
    language: str = "en"
    words_per_minute: int = WORDS_PER_MINUTE
    pitch: int = PITCH

    def __post_init__(self) -> None:
        check_pace_and_pitch(self.words_per_minute, self.pitch)


def check_pace_and_pitch(words_per_minute: int, pitch: int) -> None:
    """Refuse what no voice is given.

    Raises
    ------
    UsageError
        When one of them is out of range.
    """
    for name, value, low, high in (
        ("words per minute", words_per_minute, MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE),
        ("pitch", pitch, MIN_PITCH, MAX_PITCH),
    ):
        if not low <= value <= high:
            raise UsageError(f"{name}: expected {low} to {high}, got {value}")


def check_text(text: str) -> None:
    """Refuse a text without a letter, before anything is started for it."""
    if not text.strip():
        raise InputError("text to speak: expected at least one word, got nothing")


def if_audible(chunks: Iterator[Speech], text: str) -> Iterator[Speech]:
    """The `chunks` of `text`; those before the first sound come with it.

    Raises
    ------
    InputError
        When all of them are silent.
    """
    silent: list[Speech] = []
    for chunk in chunks:
        if not np.any(np.abs(chunk.samples) > _SILENCE_LEVEL):
            silent.append(chunk)
            continue
        yield from silent
        yield chunk
        yield from chunks
        return
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    raise InputError(f"text to speak: expected at least one word, got {shown!r}, in which nothing is spoken")
