"""Text to speech with phoneme times, from the espeak-ng inside the ``espeakng-loader`` wheel: no network, no apt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hygiesync.array_types import FloatArray
from hygiesync.timing import sample_time, time_to_samples
from hygiesync.tts.espeak_client import Clause, ask_espeak
from hygiesync.tts.speech import PAUSE, Phoneme, Speech
from hygiesync.tts.voice import PITCH, WORDS_PER_MINUTE, VoiceSettings, check_pace_and_pitch, check_text, if_audible

_STOPS = frozenset("ptkcqʔbdɡ")
"""First letters of the sounds that begin with a closure, affricates among them."""

_HUSH = 0.06
"""A closure is where the sound falls below this part of the sound before it; some voices leave an echo there."""

_BURST_S = 0.01
"""The burst may begin this long before the time that espeak reports for it."""

_MAX_CLOSURE_S = 0.12
"""Longest silence that is taken for the closure of a stop."""


@dataclass(frozen=True)
class EspeakVoice:
    """A voice of espeak-ng, which gives its clauses one by one.

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

    def speak(self, text: str) -> Iterator[Speech]:
        """See :meth:`hygiesync.tts.voice.Voice.speak`; together they are what :func:`synthesise` gives."""
        check_text(text)
        check_pace_and_pitch(self.words_per_minute, self.pitch)
        return if_audible(self._clauses(text), text)

    def _clauses(self, text: str) -> Iterator[Speech]:
        n_samples = 0
        for clause in ask_espeak(text, self.language, self.words_per_minute, self.pitch):
            yield _speech(clause, n_samples)
            n_samples += len(clause.samples)


def open_espeak_voice(settings: VoiceSettings) -> EspeakVoice:
    """The voice of a language, or the variant of it that is named."""
    language = settings.language if settings.name is None else f"{settings.language}+{settings.name}"
    return EspeakVoice(language, settings.words_per_minute, settings.pitch)


def synthesise(text: str, language: str = "en", words_per_minute: int = WORDS_PER_MINUTE, pitch: int = PITCH) -> Speech:
    """Speech for `text`; the same arguments always give the same samples.

    Parameters
    ----------
    text : str
    language : str
        An espeak-ng voice, with its variant if wanted: ``"en"``, ``"en-us"``, ``"fr"``, ``"en+f3"``.
    words_per_minute : int
        Speed, 80 to 450.
    pitch : int
        0 (low) to 100 (high).

    Returns
    -------
    Speech
        At espeak's own 22,050 Hz.

    Raises
    ------
    InputError
        When `text` holds nothing that can be spoken.
    UsageError
        When espeak doesn't know `language`, or the speed or pitch is out of range.
    MissingDependencyError
        When ``espeakng-loader`` isn't installed or its library can't be loaded.
    HygieSyncError
        When espeak fails, or hangs.

    Examples
    --------
    >>> speech = synthesise("Hello.")
    >>> [phoneme.symbol for phoneme in speech.phonemes][:4]
    ['h', 'ə', 'l', 'ˈəʊ']
    """
    check_text(text)
    check_pace_and_pitch(words_per_minute, pitch)
    clauses = list(ask_espeak(text, language, int(words_per_minute), int(pitch)))
    (speech,) = if_audible((_speech(_joined(clauses), 0) for _ in clauses[:1]), text)
    return speech


def _joined(clauses: list[Clause]) -> Clause:
    samples = np.concatenate([clause.samples for clause in clauses])
    return Clause(samples, clauses[0].sample_rate, [event for clause in clauses for event in clause.events])


def _speech(clause: Clause, first_sample: int) -> Speech:
    """Speech of a clause that begins at `first_sample` of the text."""
    events = [(symbol, sample - first_sample) for symbol, sample in clause.events]
    return Speech(clause.samples, clause.sample_rate, _phonemes(events, clause.samples, clause.sample_rate))


def _phonemes(events: list[tuple[str, int]], samples: FloatArray, sample_rate: int) -> tuple[Phoneme, ...]:
    """Phonemes from espeak's events, each lasting until the next one and corrected by what is heard."""
    symbols = [symbol or PAUSE for symbol, _ in events]
    # The first event comes some milliseconds into the audio, at the sound's steady part.
    bounds = [0, *(min(sample, len(samples)) for _, sample in events[1:]), len(samples)]
    for index in range(1, len(symbols)):
        if symbols[index - 1] != PAUSE and symbols[index].lstrip("ˈˌ")[:1] in _STOPS:
            bounds[index] = _closure_start(samples, bounds[index - 1], bounds[index], sample_rate)
    return _joined_pauses(
        Phoneme(symbol, float(sample_time(start, sample_rate)), float(sample_time(end, sample_rate)))
        for symbol, (start, end) in zip(symbols, pairwise(bounds), strict=True)
        if end > start
    )


def _closure_start(samples: FloatArray, previous_start: int, start: int, sample_rate: int) -> int:
    """Sample at which the hush that leads to a stop begins; `start` itself when there is none.

    espeak reports a voiceless stop at its burst, about 40 ms after the lips have met. That hush belongs to the stop,
    not to the vowel before it, or the lips would close too late. A voiced stop hums through, and is reported well.
    """
    end = start - time_to_samples(_BURST_S, sample_rate)
    earliest = max((previous_start + start) // 2, start - time_to_samples(_MAX_CLOSURE_S, sample_rate))
    if end <= earliest:
        return start
    loudness = np.abs(samples[previous_start:end])
    loud = np.flatnonzero(loudness > _HUSH * loudness.max())
    hush = max(earliest, previous_start + int(loud[-1]) + 1) if len(loud) else earliest
    return hush if hush < end else start


def _joined_pauses(phonemes: Iterable[Phoneme]) -> tuple[Phoneme, ...]:
    joined: list[Phoneme] = []
    for phoneme in phonemes:
        if joined and phoneme.symbol == joined[-1].symbol == PAUSE:
            phoneme = Phoneme(PAUSE, joined.pop().start_s, phoneme.end_s)
        joined.append(phoneme)
    return tuple(joined)
