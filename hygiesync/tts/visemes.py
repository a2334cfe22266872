"""Mouth shapes from phonemes: what the lips and the jaw do for each sound, and how sounds melt into each other.

Coarticulation follows Cohen and Massaro: every sound pulls each part of the mouth towards its own target with a
*dominance* that rises before the sound and falls after it; the mouth takes the weighted mean. Here the dominance of a
sound is the overlap of its span with a bell around the wanted time, so the curves run neither ahead nor behind::

    target      ____|‾‾‾‾‾‾|__      dominance      _.-‾‾‾‾-._
                   start  end                      start   end

A mean never quite reaches zero, but lips that say p, b or m do touch: their closures are forced afterwards.

References
----------
Cohen and Massaro, *Modeling Coarticulation in Synthetic Visual Speech*, 1993.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.interpolation import smoothstep
from hygiesync.tts.speech import PAUSE, Phoneme

CURVES = ("opening", "width", "tuck")
"""Columns of :func:`mouth_curves`: lip opening 0..1; width -1 (rounded, protruded) .. 1 (spread); lower lip tucked
under the upper teeth 0..1."""

_BELL_S = 0.018
"""Scale of the logistic bell; its standard deviation is 1.8 times that, 33 ms."""

_RELEASE_S = 0.055
"""Time that the lips need between touching and moving freely."""

_MIN_CLOSURE_S = 0.05
"""Shortest touch of the lips: longer than a video frame at 25 frames a second, so that every p, b and m is seen."""

_REST_AFTER_S, _REST_BEFORE_S, _MIN_REST_S = 0.1, 0.06, 0.22
"""In a pause the lips rest from 100 ms after the last sound until 60 ms before the next, if it lasts 220 ms."""


@dataclass(frozen=True)
class Viseme:
    """Targets of the mouth for a class of sounds.

    Parameters
    ----------
    opening, width, tuck : float
        As in :data:`CURVES`.
    opening_dominance, width_dominance : float
        How strongly the sound insists, against 1 for a vowel.
    is_closed : bool
        Whether the lips must touch.
    """

    opening: float
    width: float
    tuck: float = 0.0
    opening_dominance: float = 1.0
    width_dominance: float = 1.0
    is_closed: bool = False


REST = Viseme(0.0, 0.0, width_dominance=0.6)
BILABIAL = Viseme(0.0, -0.05, width_dominance=0.2, is_closed=True)
TONGUE = Viseme(0.2, 0.1, opening_dominance=0.7, width_dominance=0.2)

_TABLE: tuple[tuple[str, Viseme], ...] = (
    ("pbm", BILABIAL),
    ("fvɱʋ", Viseme(0.1, 0.05, tuck=1.0, opening_dominance=1.4, width_dominance=0.4)),
    ("wʍɥ", Viseme(0.14, -1.0, opening_dominance=1.2, width_dominance=1.4)),
    ("ʃʒɕʑ", Viseme(0.26, -0.7, width_dominance=1.2)),
    ("ɹɻrɾɚɝ", Viseme(0.26, -0.4, opening_dominance=0.8, width_dominance=0.7)),
    ("szc", Viseme(0.14, 0.3, opening_dominance=1.1, width_dominance=0.5)),
    ("θð", Viseme(0.24, 0.1, opening_dominance=0.9, width_dominance=0.3)),
    ("tdnɲ", TONGUE),
    ("lɫɭʎ", Viseme(0.34, 0.1, opening_dominance=0.7, width_dominance=0.3)),
    ("kɡgŋxɣqχʁ", Viseme(0.28, 0.0, opening_dominance=0.5, width_dominance=0.1)),
    ("hɦʔ", Viseme(0.35, 0.0, opening_dominance=0.2, width_dominance=0.1)),
    ("j", Viseme(0.24, 0.6, opening_dominance=0.8, width_dominance=0.7)),
    ("i", Viseme(0.30, 1.0)),
    ("ɪᵻɨ", Viseme(0.38, 0.6)),
    ("e", Viseme(0.50, 0.7)),
    ("ɛ", Viseme(0.62, 0.5)),
    ("æ", Viseme(0.82, 0.5)),
    ("a", Viseme(0.95, 0.2)),
    ("ɑ", Viseme(1.0, 0.0)),
    ("ɐʌ", Viseme(0.70, 0.05)),
    ("əɘɤ", Viseme(0.42, 0.0, opening_dominance=0.7, width_dominance=0.5)),
    ("ɜɞ", Viseme(0.50, -0.2)),
    ("ɒ", Viseme(0.85, -0.35)),
    ("ɔ", Viseme(0.70, -0.6)),
    ("oɵ", Viseme(0.52, -0.8)),
    ("ʊ", Viseme(0.34, -0.75)),
    ("uʉɯ", Viseme(0.22, -1.0, width_dominance=1.3)),
    ("yʏ", Viseme(0.24, -0.9, width_dominance=1.2)),
    ("øœɶ", Viseme(0.50, -0.7)),
    (PAUSE, REST),
)
_A_TONGUE_TIP = "t"
VISEMES: dict[str, Viseme] = {letter: viseme for letters, viseme in _TABLE for letter in letters}
"""Mouth targets by IPA letter."""


def visemes(symbol: str, table: Mapping[str, Viseme] = VISEMES) -> tuple[Viseme, ...]:
    """Mouth targets of one phoneme, in order: two for a diphthong or an affricate.

    Stress, length and other marks are dropped. The table holds all IPA vowels, so a letter that isn't in it (after its
    diacritics are taken off) is some consonant, and gets the mouth of a tongue-tip consonant, which leaves the lips
    to its neighbours.

    Parameters
    ----------
    symbol : str
        IPA, as espeak writes it.
    table : mapping of str to Viseme, optional

    Examples
    --------
    >>> visemes("ˈəʊ") == (VISEMES["ə"], VISEMES["ʊ"])
    True
    """
    tongue = table[_A_TONGUE_TIP]
    return tuple(table.get(letter, tongue) for letter in unicodedata.normalize("NFD", symbol) if _is_sound(letter))


def _is_sound(letter: str) -> bool:
    # Lm: the modifier letters, among them stress, length, and the raised j and w of a coloured consonant.
    return letter == PAUSE or (letter.isalpha() and unicodedata.category(letter) != "Lm")


def mouth_curves(
    phonemes: Sequence[Phoneme],
    times: NDArray[np.float64],
    table: Mapping[str, Viseme] = VISEMES,
    bell_s: float = _BELL_S,
) -> NDArray[np.float64]:
    """Mouth curves of speech at any times.

    Parameters
    ----------
    phonemes : sequence of Phoneme
        In order. Before, between and after them the mouth rests.
    times : ndarray, shape (n,), float64, seconds
    table : mapping of str to Viseme, optional
        Mouth targets by IPA letter, for all letters of :data:`VISEMES`.
    bell_s : float, optional
        Scale of the bell over which neighbours melt into each other, seconds.

    Returns
    -------
    ndarray, shape (n, 3), float64
        The columns of :data:`CURVES`.
    """
    times = np.asarray(times, np.float64)
    spans = _viseme_spans(phonemes, table)
    starts, ends = (np.array([span[column] for span in spans], np.float64) for column in (0, 1))
    presence = _bell_below(ends, times, bell_s) - _bell_below(starts, times, bell_s)
    shapes = [span[2] for span in spans]
    opening_pull = [shape.opening_dominance for shape in shapes]
    opening = _weighted_mean(presence, opening_pull, [shape.opening for shape in shapes])
    tuck = _weighted_mean(presence, opening_pull, [shape.tuck for shape in shapes])
    width = _weighted_mean(presence, [shape.width_dominance for shape in shapes], [shape.width for shape in shapes])
    opening *= _freedom(closures(phonemes), times)
    return np.column_stack([opening, width, tuck])


def closures(phonemes: Sequence[Phoneme]) -> NDArray[np.float64]:
    """Spans in which the lips touch: p, b, m, and the inner part of every pause.

    Returns
    -------
    ndarray, shape (n, 2), float64, seconds
        Start and end of each span.
    """
    spans = []
    for start, end, shape in _viseme_spans(phonemes, VISEMES):
        if shape.is_closed:
            # The end of a stop is its breath, which leaves through lips already parting.
            middle, half = 0.55 * start + 0.45 * end, max(0.35 * (end - start), _MIN_CLOSURE_S / 2)
            spans.append((middle - half, middle + half))
        elif shape is REST and end - start >= _MIN_REST_S:
            spans.append((start + _REST_AFTER_S, end - _REST_BEFORE_S))
    return np.array(spans, np.float64).reshape(-1, 2)


def _viseme_spans(phonemes: Sequence[Phoneme], table: Mapping[str, Viseme]) -> list[tuple[float, float, Viseme]]:
    """(start, end, viseme) without gaps from minus to plus infinity, with rest where nothing is said."""
    spans: list[tuple[float, float, Viseme]] = []
    done = -np.inf
    for phoneme in phonemes:
        shapes = visemes(phoneme.symbol, table) or (table[_A_TONGUE_TIP],)
        spans += _rest(done, phoneme.start_s)
        edges = np.linspace(phoneme.start_s, phoneme.end_s, len(shapes) + 1)
        spans += zip(edges[:-1].tolist(), edges[1:].tolist(), shapes, strict=True)
        done = phoneme.end_s
    return _merged_rests([*spans, *_rest(done, np.inf)])


def _rest(start: float, end: float) -> list[tuple[float, float, Viseme]]:
    return [(start, end, REST)] if end > start else []


def _merged_rests(spans: Iterable[tuple[float, float, Viseme]]) -> list[tuple[float, float, Viseme]]:
    merged: list[tuple[float, float, Viseme]] = []
    for start, end, shape in spans:
        if merged and shape is REST and merged[-1][2] is REST:
            start = merged.pop()[0]
        merged.append((start, end, shape))
    return merged


def _bell_below(edges: FloatArray, times: FloatArray, bell_s: float) -> NDArray[np.float64]:
    """(n_times, n_edges) part of the bell around each time that lies before each edge: the logistic function."""
    return 0.5 * (1 + np.tanh((edges[None, :] - times[:, None]) / (2 * bell_s)))


def _weighted_mean(presence: FloatArray, dominance: Sequence[float], values: Sequence[float]) -> NDArray[np.float64]:
    """(n_times,) mean of `values` (n_spans,) by dominance and by presence (n_times, n_spans)."""
    weight = presence * np.asarray(dominance)
    return (weight @ np.asarray(values)) / weight.sum(axis=1)


def _freedom(spans: FloatArray, times: FloatArray) -> NDArray[np.float64]:
    """(n_times,) 0 within the spans, rising smoothly to 1 on both sides."""
    if not len(spans):
        return np.ones(len(times))
    away = np.maximum(spans[None, :, 0] - times[:, None], times[:, None] - spans[None, :, 1]).min(axis=1)
    return smoothstep(away / _RELEASE_S)
