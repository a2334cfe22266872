"""Speech with phoneme times from flite, a second synthesiser: its voices are learnt from recorded people.

espeak-ng computes its sounds from formants, and no throat sounds so clean. Flite's statistical voices keep more of the
speakers whom they were made from, which is what a model for real voices has to be taught with. Only ``make generic``
needs the program (``apt install flite``, free software of Carnegie Mellon University); nothing that speaks does.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from hygiesync.errors import HygieSyncError, InputError, MissingDependencyError
from hygiesync.extras import imports_of
from hygiesync.tts.speech import PAUSE, Phoneme, Speech

FLITE_VOICES = ("slt", "rms", "awb")
"""An American woman, an American man, a Scottish man. The other voices of flite report times that drift."""

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
    """
    program = find_flite()
    with imports_of("dev", "reading flite's speech"):
        import soundfile
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        sound = ["-voice", voice, "--setf", f"duration_stretch={stretch}", "--setf", f"int_f0_target_mean={pitch_hz}"]
        done = subprocess.run(
            [program, *sound, "-psdur", "-t", text, "-o", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not path.is_file():
            raise HygieSyncError(f"flite ended with exit code {done.returncode} on {text!r}")
        samples, sample_rate = soundfile.read(path, dtype="float32")
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
