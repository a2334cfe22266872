"""Speech with phoneme times from flite, a second synthesiser: its voices are learnt from recorded people.

espeak-ng computes its sounds from formants, and no throat sounds so clean. Flite's statistical voices keep more of the
speakers whom they were made from, which is what a model for real voices has to be taught with. They need the program
(``apt install flite``, free software of Carnegie Mellon University).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hygiesync.errors import HygieSyncError, InputError, MissingDependencyError, UsageError
from hygiesync.tts.sentences import sentences
from hygiesync.tts.speech import PAUSE, Phoneme, Speech
from hygiesync.tts.voice import MAX_PITCH, PITCH, WORDS_PER_MINUTE, VoiceSettings, check_text, if_audible

FLITE_VOICES = ("slt", "rms", "awb")
"""An American woman, an American man, a Scottish man. The other voices of flite report times that drift."""

PATIENCE_S, PATIENCE_A_LETTER_S = 20.0, 0.1
"""Longest time for a text: so much, and so much more for each of its letters (seconds). On an idle machine flite takes
0.1 s and 0.003 s a letter."""

_NAME_PREFIX = "flite-"

_PITCH_HZ = {"slt": 180.0, "rms": 105.0, "awb": 120.0}
"""Pitch of each voice by nature."""

_IPA = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "ay": "aɪ", "b": "b", "ch": "tʃ", "d": "d",
    "dh": "ð", "eh": "ɛ", "er": "ɜ", "ey": "eɪ", "f": "f", "g": "ɡ", "hh": "h", "ih": "ɪ", "iy": "i", "jh": "dʒ",
    "k": "k", "l": "l", "m": "m", "n": "n", "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s",
    "sh": "ʃ", "t": "t", "th": "θ", "uh": "ʊ", "uw": "u", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
    "pau": PAUSE, "ssil": PAUSE,
}  # fmt: skip
"""IPA of each sound of flite's English."""


def find_flite() -> str:
    """Path of the program.

    Raises
    ------
    MissingDependencyError
        When it isn't installed.
    """
    program = shutil.which("flite")
    if program is None:
        raise MissingDependencyError("expected the program flite, whose voices are spoken with; `apt install flite`")
    return program


@dataclass(frozen=True)
class FliteVoice:
    """A voice of flite, which speaks English, sentence by sentence.

    Attributes
    ----------
    name : str
        One of :data:`FLITE_VOICES`.
    words_per_minute : int
    pitch : int
        0 to 100: an octave down to an octave up from the voice's own.
    """

    name: str = FLITE_VOICES[0]
    words_per_minute: int = WORDS_PER_MINUTE
    pitch: int = PITCH

    def speak(self, text: str) -> Iterator[Speech]:
        """See :meth:`hygiesync.tts.voice.Voice.speak`."""
        check_text(text)
        stretch = WORDS_PER_MINUTE / self.words_per_minute
        pitch_hz = _PITCH_HZ[self.name] * 2 ** ((self.pitch - PITCH) / (MAX_PITCH - PITCH))
        spoken = (
            synthesise_with_flite(part, self.name, stretch, pitch_hz) for part in sentences(text) if _has_word(part)
        )
        return if_audible(spoken, text)


def open_flite_voice(settings: VoiceSettings) -> FliteVoice | None:
    """The voice, if one of flite's is named, as ``flite-slt``.

    Raises
    ------
    UsageError
        When flite has no such voice, or another language than English is wanted.
    MissingDependencyError
        When the program isn't installed.
    """
    if settings.name is None or not settings.name.startswith(_NAME_PREFIX):
        return None
    name = settings.name.removeprefix(_NAME_PREFIX)
    if name not in FLITE_VOICES:
        known = ", ".join(_NAME_PREFIX + known for known in FLITE_VOICES)
        raise UsageError(f"voice: expected one of {known}, got {settings.name!r}")
    if settings.language.partition("-")[0] != "en":
        raise UsageError(f"language: expected en, which is what flite's voices speak, got {settings.language!r}")
    find_flite()
    return FliteVoice(name, settings.words_per_minute, settings.pitch)


def _has_word(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def synthesise_with_flite(text: str, voice: str, stretch: float = 1.0, pitch_hz: float = 110.0) -> Speech:
    """Speech for English `text`.

    Parameters
    ----------
    text : str
    voice : str
        One of :data:`FLITE_VOICES`.
    stretch : float
        How much longer than usual everything lasts.
    pitch_hz : float
        Mean pitch.

    Returns
    -------
    Speech
        At the voice's own 16 kHz.

    Raises
    ------
    MissingDependencyError
        When the program isn't installed.
    InputError
        When nothing is spoken.
    HygieSyncError
        When flite fails, or hangs.
    """
    program = find_flite()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        sound = ["-voice", voice, "--setf", f"duration_stretch={stretch}", "--setf", f"int_f0_target_mean={pitch_hz}"]
        limit_s = PATIENCE_S + PATIENCE_A_LETTER_S * len(text)
        try:
            done = subprocess.run(
                [program, *sound, "-psdur", "-t", text, "-o", str(path)],
                capture_output=True, text=True, check=False, timeout=limit_s,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise HygieSyncError(
                f"flite did not end within {limit_s:.0f} s and was ended; try again, or speak less at once"
            ) from error
        if done.returncode != 0 or not path.is_file():
            raise HygieSyncError(f"flite ended with exit code {done.returncode} on {text!r}")
        with wave.open(str(path)) as sound_file:
            sample_rate = sound_file.getframerate()
            samples = np.frombuffer(sound_file.readframes(sound_file.getnframes()), "<i2").astype(np.float32) / 32768
    phonemes = _phonemes(done.stdout.split())
    if all(phoneme.symbol == PAUSE for phoneme in phonemes):
        raise InputError(f"text to speak: expected at least one word, got {text!r}, in which nothing is spoken")
    return Speech(samples, sample_rate, phonemes)


def _phonemes(segments: list[str]) -> tuple[Phoneme, ...]:
    """From flite's ``sound:end`` pairs."""
    phonemes: list[Phoneme] = []
    for segment in segments:
        sound, _, end = segment.partition(":")
        start_s = phonemes[-1].end_s if phonemes else 0.0
        phonemes.append(Phoneme(_IPA[sound], start_s, float(end)))
    return tuple(phonemes)
