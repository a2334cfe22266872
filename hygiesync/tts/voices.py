"""Voices that read text aloud, behind one small interface: espeak-ng's own, and Piper's where the user has one.

espeak-ng is small, speaks over a hundred languages and sounds like a machine; a Piper voice is a file of some 60 MB
that sounds like the person it was taught by. Neither needs a network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hygiesync.errors import InputError, UsageError
from hygiesync.extras import imports_of
from hygiesync.tts.espeak import MAX_WORDS_PER_MINUTE, MIN_WORDS_PER_MINUTE, PITCH, WORDS_PER_MINUTE, synthesise


class Voice(Protocol):
    """Something that reads text aloud."""

    def speak(self, text: str) -> tuple[np.ndarray, int]:
        """The sound of `text`.

        Returns
        -------
        samples : ndarray, shape (n,), float32, -1 to 1
        sample_rate : int
            Hz.

        Raises
        ------
        InputError
            When `text` holds nothing that can be spoken.
        """
        ...


@dataclass(frozen=True)
class EspeakVoice:
    """A voice of espeak-ng; see :func:`hygiesync.tts.espeak.synthesise`.

    Attributes
    ----------
    language : str
        Such as ``en``, ``fr``, ``de``; with a variant, ``en+f3``.
    words_per_minute : int
    pitch : int
        0 to 100.
    """

    language: str = "en"
    words_per_minute: int = WORDS_PER_MINUTE
    pitch: int = PITCH

    def speak(self, text: str) -> tuple[np.ndarray, int]:
        """See :meth:`Voice.speak`."""
        speech = synthesise(text, self.language, self.words_per_minute, self.pitch)
        return speech.samples, speech.sample_rate


class PiperVoice:
    """A voice file of Piper, through the package ``piper-tts`` (GPL-3, the extra ``piper``).

    Parameters
    ----------
    path : Path
        The voice's ``.onnx``; its ``.onnx.json`` lies beside it.
    words_per_minute : int
        Its own pace at 150, and in proportion.

    Raises
    ------
    MissingDependencyError
        Without ``piper-tts``.
    InputError
        When the files are no voice.
    """

    def __init__(self, path: Path, words_per_minute: int = WORDS_PER_MINUTE) -> None:
        if not MIN_WORDS_PER_MINUTE <= words_per_minute <= MAX_WORDS_PER_MINUTE:
            raise UsageError(
                f"words per minute: expected {MIN_WORDS_PER_MINUTE} to {MAX_WORDS_PER_MINUTE}, got {words_per_minute}"
            )
        with imports_of("piper", "a voice of Piper's"):
            import piper
        config = Path(f"{path}.json")
        if not config.is_file():
            raise InputError(f"{path}: expected its settings beside it, in {config.name}; download both files")
        try:
            json.loads(config.read_text(encoding="utf-8"))
            self._voice: Any = piper.PiperVoice.load(path, config)
        except Exception as error:  # Piper and onnxruntime have exceptions without a common base
            reason = str(error).strip().partition("\n")[0]
            raise InputError(f"{path}: is no Piper voice ({type(error).__name__}: {reason})") from error
        self._settings = piper.SynthesisConfig(length_scale=WORDS_PER_MINUTE / words_per_minute)

    def speak(self, text: str) -> tuple[np.ndarray, int]:
        """See :meth:`Voice.speak`."""
        sound = list(self._sentences(text))
        if not sound:
            raise InputError(f"text to speak: expected at least one word, got {text!r}, in which nothing is spoken")
        return np.concatenate(sound), int(self._voice.config.sample_rate)

    def _sentences(self, text: str) -> Iterator[np.ndarray]:
        for chunk in self._voice.synthesize(text, self._settings):
            yield np.asarray(chunk.audio_float_array, np.float32)


def open_voice(
    name: str | None, language: str = "en", words_per_minute: int = WORDS_PER_MINUTE, pitch: int = PITCH
) -> Voice:
    """The voice that a user names.

    Parameters
    ----------
    name : str, optional
        Path of a Piper voice (``.onnx``), or a variant of espeak's voices such as ``f3`` or ``m2``; left out, espeak's
        plain voice.
    language : str
        For espeak; a Piper voice speaks its own.
    words_per_minute, pitch : int

    Raises
    ------
    InputError
        When the named file is missing or no voice.
    UsageError
        When `language`, the pace or the pitch is none of espeak's; told when it speaks.
    """
    if name is None:
        return EspeakVoice(language, words_per_minute, pitch)
    if name.endswith(".onnx"):
        path = Path(name)
        if not path.is_file():
            raise InputError(f"{path}: expected a Piper voice, found nothing there")
        return PiperVoice(path, words_per_minute)
    return EspeakVoice(f"{language}+{name}", words_per_minute, pitch)
