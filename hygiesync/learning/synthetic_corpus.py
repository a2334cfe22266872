"""Synthetic speech whose sounds and mouths are known exactly: what the speech encoder and the generic model learn from.

espeak-ng reads text in many voices, at many pitches and speeds, and says when each phoneme begins; flite has fewer
voices, nearer to people's. The mouth curves of the phonemes and the phonemes themselves are what is to be answered. The
text is the English of Python's own manual, and single words of it in random order; the voices of other languages read
it too, which makes poor French and good French sounds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError
from hygiesync.extras import imports_of
from hygiesync.speech.mel import N_MELS, mel_spectrogram
from hygiesync.timing import SAMPLE_RATE, described_time, time_to_samples
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.flite import FLITE_VOICES, synthesise_with_flite
from hygiesync.tts.speech import PAUSE, Phoneme, Speech
from hygiesync.tts.visemes import CURVES, VISEMES, mouth_curves
from hygiesync.tts.voice import MAX_PITCH

SOUNDS = (*sorted(VISEMES), "other")
"""IPA letters that the speech encoder tells apart, :data:`PAUSE` among them."""

ENGLISH_VOICES = ("en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan")
OTHER_VOICES = ("fr", "de", "es", "it", "nl", "pt", "sv", "pl")
VARIANTS = ("", *(f"+m{n}" for n in range(1, 8)), *(f"+f{n}" for n in range(1, 6)), "+klatt", "+klatt2", "+klatt3")
_ENGLISH_SHARE = 0.6

_WORDS_PER_MINUTE, _MIN_PITCH = (110, 230), 10
_FLITE_STRETCH, _FLITE_PITCH_HZ = (0.8, 1.35), {"slt": (140, 240), "rms": (80, 150), "awb": (80, 150)}
_SILENCE_S = (0.1, 0.6)


@dataclass(frozen=True)
class Corpus:
    """Utterances behind each other, on the mel clock.

    Attributes
    ----------
    mel : ndarray, shape (n_frames, n_mels), float32, log10 of power
    curves : ndarray, shape (n_frames, 3), float32
        Mouth curves (:data:`hygiesync.tts.visemes.CURVES`) at the times described by each frame.
    sounds : ndarray, shape (n_frames,), int64
        Index into :data:`SOUNDS` at those times.
    """

    mel: NDArray[np.float32]
    curves: NDArray[np.float32]
    sounds: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Corpus]) -> Corpus:
        """One corpus of several."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("mel", "curves", "sounds")))


Speaker = Callable[[str, np.random.Generator], Speech]
"""Speaks a text in a random voice."""

Lips = Callable[[Sequence[Phoneme], NDArray[Any]], NDArray[Any]]
"""Mouth curves of phonemes at times, as :func:`hygiesync.tts.visemes.mouth_curves`."""


def speak_as_espeak(text: str, rng: np.random.Generator) -> Speech:
    """With any of espeak's languages and variants, at any pitch and pace."""
    return synthesise(
        text, _voice(rng), int(rng.integers(*_WORDS_PER_MINUTE)), int(rng.integers(_MIN_PITCH, MAX_PITCH))
    )


def speak_as_flite(text: str, rng: np.random.Generator) -> Speech:
    """With any of flite's voices, at any pitch and pace."""
    voice = str(rng.choice(FLITE_VOICES))
    return synthesise_with_flite(text, voice, float(rng.uniform(*_FLITE_STRETCH)), rng.uniform(*_FLITE_PITCH_HZ[voice]))


def synthesise_corpus(
    n_utterances: int,
    lookahead: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    speaker: Speaker = speak_as_espeak,
    lips: Lips = mouth_curves,
) -> Corpus:
    """Speak and label `n_utterances` sentences of some four seconds.

    Parameters
    ----------
    n_utterances : int
    lookahead : int
        Mel frames that a network may hear beyond the time it describes.
    seed : int
    progress : callable, optional
        Called with 1 after each utterance.
    speaker : callable, optional
    lips : callable, optional
    """
    words = _words()

    def make(number: int) -> Corpus:
        return _utterance(words, lookahead, np.random.default_rng((seed, number)), speaker, lips)

    parts = []
    with ThreadPoolExecutor(2) as pool:
        for part in pool.map(make, range(n_utterances)):
            parts.append(part)
            if progress is not None:
                progress(1)
    return Corpus.joined(parts)


def _utterance(words: list[str], lookahead: int, rng: np.random.Generator, speaker: Speaker, lips: Lips) -> Corpus:
    with imports_of("dev", "synthetic speech"):
        from librosa import resample

    try:
        speech = speaker(_sentence(words, rng), rng)
    except InputError:  # words that this voice has no sound for
        return Corpus(np.zeros((0, N_MELS), np.float32), np.zeros((0, len(CURVES)), np.float32), np.zeros(0, np.int64))
    before_s, after_s = rng.uniform(*_SILENCE_S, 2)
    samples = np.pad(
        resample(speech.samples, orig_sr=speech.sample_rate, target_sr=SAMPLE_RATE),
        (time_to_samples(before_s), time_to_samples(after_s)),
    )
    phonemes = [Phoneme(p.symbol, p.start_s + before_s, p.end_s + before_s) for p in speech.phonemes]
    mel = mel_spectrogram(samples.astype(np.float32))
    times_s = np.array([float(described_time(index, lookahead)) for index in range(len(mel))])
    return Corpus(mel, lips(phonemes, times_s).astype(np.float32), sounds_at(phonemes, times_s))


def sounds_at(phonemes: list[Phoneme], times_s: FloatArray) -> NDArray[np.int64]:
    """Index into :data:`SOUNDS` (n_times,) of what is spoken at `times_s`; a diphthong's parts share its span."""
    sounds = np.full(len(times_s), SOUNDS.index(PAUSE), np.int64)
    for phoneme in phonemes:
        letters = [letter for letter in unicodedata.normalize("NFD", phoneme.symbol) if letter in VISEMES] or ["other"]
        edges = np.linspace(phoneme.start_s, phoneme.end_s, len(letters) + 1)
        for start, end, letter in zip(edges[:-1], edges[1:], letters, strict=True):
            sounds[(times_s >= start) & (times_s < end)] = SOUNDS.index(letter)
    return sounds


def _words() -> list[str]:
    from pydoc_data.topics import topics

    plain = re.sub(r"[^A-Za-z,. ]+", " ", " ".join(topics.values()))
    return [word for word in plain.split() if 1 < len(word.strip(",.")) < 14]


def _sentence(words: list[str], rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        start = int(rng.integers(0, len(words) - 20))
        return " ".join(words[start : start + int(rng.integers(4, 14))])
    return " ".join(words[index].strip(",.").lower() for index in rng.integers(0, len(words), int(rng.integers(3, 10))))


def _voice(rng: np.random.Generator) -> str:
    languages = ENGLISH_VOICES if rng.random() < _ENGLISH_SHARE else OTHER_VOICES
    return str(rng.choice(languages)) + str(rng.choice(VARIANTS))
