"""Voices of Piper: a file of some 60 MB that sounds like the person whom it was taught by, and needs no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hygiesync.errors import InputError
from hygiesync.extras import imports_of
from hygiesync.tts.speech import Speech
from hygiesync.tts.voice import PITCH, WORDS_PER_MINUTE, VoiceSettings, check_pace_and_pitch, if_audible


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
        check_pace_and_pitch(words_per_minute, PITCH)
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

    def speak(self, text: str) -> Iterator[Speech]:
        """See :meth:`hygiesync.tts.voice.Voice.speak`. Piper gives whole sentences, without its phonemes' times."""
        return if_audible(self._sentences(text), text)

    def _sentences(self, text: str) -> Iterator[Speech]:
        for chunk in self._voice.synthesize(text, self._settings):
            yield Speech(np.asarray(chunk.audio_float_array, np.float32), int(self._voice.config.sample_rate), ())


def open_piper_voice(settings: VoiceSettings) -> PiperVoice | None:
    """The voice in a file, if one is named; it has its own language and pitch.

    Raises
    ------
    InputError
        When there is no such file, or no voice in it.
    """
    if settings.name is None or not settings.name.endswith(".onnx"):
        return None
    path = Path(settings.name)
    if not path.is_file():
        raise InputError(f"{path}: expected a Piper voice, found nothing there")
    return PiperVoice(path, settings.words_per_minute)
