"""Text to speech with phoneme times, from the espeak-ng inside the ``espeakng-loader`` wheel: no network, no apt."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hygiesync.errors import HygieSyncError, InputError, MissingDependencyError, UsageError
from hygiesync.timing import sample_time, time_to_samples
from hygiesync.tts import espeak_process as espeak
from hygiesync.tts.speech import PAUSE, Phoneme, Speech

WORDS_PER_MINUTE, MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE = 150, 80, 450
PITCH, MIN_PITCH, MAX_PITCH = 50, 0, 100

_SILENCE_LEVEL = 1e-3
"""Samples below this (-60 dB of full scale) are silence."""

_STOPS = frozenset("ptkcqʔbdɡ")
"""First letters of the sounds that begin with a closure, affricates among them."""

_HUSH = 0.06
"""A closure is where the sound falls below this part of the sound before it; some voices leave an echo there."""

_BURST_S = 0.01
"""The burst may begin this long before the time that espeak reports for it."""

_MAX_CLOSURE_S = 0.12
"""Longest silence that is taken for the closure of a stop."""


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

    Examples
    --------
    >>> speech = synthesise("Hello.")
    >>> [phoneme.symbol for phoneme in speech.phonemes][:4]
    ['h', 'ə', 'l', 'ˈəʊ']
    """
    if not text.strip():
        raise InputError("text to speak: expected at least one word, got nothing")
    _check_range("words per minute", words_per_minute, MIN_WORDS_PER_MINUTE, MAX_WORDS_PER_MINUTE)
    _check_range("pitch", pitch, MIN_PITCH, MAX_PITCH)
    header, samples = _ask_espeak(
        dict(text=text, language=language, words_per_minute=int(words_per_minute), pitch=int(pitch))
    )
    if not np.any(np.abs(samples) > _SILENCE_LEVEL):
        raise InputError(f"text to speak: expected at least one word, got {text!r}, in which nothing is spoken")
    phonemes = _phonemes(header["events"], samples, header["sample_rate"])
    return Speech(samples, header["sample_rate"], phonemes)


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name}: expected {low} to {high}, got {value}")


def _ask_espeak(request: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """The header and the samples of a request to :mod:`hygiesync.tts.espeak_process`, each in a process of its own."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingDependencyError(
            "text to speech needs espeakng-loader, which isn't installed; run `pip install espeakng-loader`"
        ) from error
    paths = dict(library=espeakng_loader.get_library_path(), data=espeakng_loader.get_data_path())
    _check_variant(request["language"], Path(paths["data"]))
    command = [sys.executable, "-I", str(Path(espeak.__file__))]
    done = subprocess.run(command, input=json.dumps(paths | request).encode(), capture_output=True, check=False)
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise HygieSyncError(f"espeak-ng ended with exit code {done.returncode} on {request['text']!r}: {complaint}")
    head, _, audio = done.stdout.partition(b"\n")
    header = json.loads(head)
    if header.get("error") == "language":
        raise UsageError(f"language: expected an espeak-ng voice such as en, en-us or fr, got {header['message']!r}")
    if header.get("error") == "library":
        raise MissingDependencyError(
            f"the espeak-ng library of espeakng-loader can't be used ({header['message']});"
            " run `pip install --force-reinstall espeakng-loader`"
        )
    return header, np.frombuffer(audio, np.int16).astype(np.float32) / 32768


def _check_variant(language: str, data: Path) -> None:
    """Refuse a variant that there is none of: espeak would speak with its plain voice, and say nothing of it."""
    _, plus, variant = language.partition("+")
    known = sorted(path.name for path in (data / "voices" / "!v").iterdir())
    if plus and variant not in known:
        raise UsageError(f"voice: expected one of espeak's variants ({', '.join(known)}), got {variant!r}")


def _phonemes(events: list[tuple[str, int]], samples: np.ndarray, sample_rate: int) -> tuple[Phoneme, ...]:
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


def _closure_start(samples: np.ndarray, previous_start: int, start: int, sample_rate: int) -> int:
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
