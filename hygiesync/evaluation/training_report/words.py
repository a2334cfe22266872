"""What was said when: a CSV beside each video, with a line for each word."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError

COLUMNS = ("start_s", "end_s", "word")
SILENCE = "sil"

_SILENT_LETTERS = re.compile(r"ph|^p[snt]|bt\b|bt(?=s|ed|le)")
"""Spellings of b and p that the lips do not shut for: photo, psychology, debt, subtle."""


@dataclass(frozen=True)
class Word:
    """A word and the seconds that it lasts from and to, on its video's clock."""

    start_s: float
    end_s: float
    text: str

    @property
    def is_silence(self) -> bool:
        return self.text == SILENCE

    @property
    def has_bilabial(self) -> bool:
        """Whether lips shut in it, as far as English spelling tells: a b, a p or an m that is spoken.

        Examples
        --------
        >>> [word for word in ("bin", "please", "lamp", "photo", "debt", "green") if Word(0, 1, word).has_bilabial]
        ['bin', 'please', 'lamp']
        """
        return not self.is_silence and any(letter in "bpm" for letter in _SILENT_LETTERS.sub("", self.text.lower()))

    def within(self, times_s: NDArray[Any]) -> slice | None:
        """The part of increasing times (n,) that the word lasts; None unless they hold all of it."""
        if not len(times_s) or self.start_s < times_s[0] or self.end_s > times_s[-1]:
            return None
        start, end = np.searchsorted(times_s, [self.start_s, self.end_s], side="left").tolist()
        return slice(start, end) if start < end else None


def read_words(path: Path) -> tuple[Word, ...]:
    """Read a CSV with the columns ``start_s,end_s,word``.

    Raises
    ------
    InputError
        When it can't be read, or its lines are not words in order of time.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); expected a CSV with {_columns()}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no CSV in UTF-8; expected lines of {_columns()}") from error
    if not lines or tuple(cell.strip() for cell in lines[0]) != COLUMNS:
        raise InputError(f"{path}: line 1: expected the column names {_columns()}, got {_shown(lines[:1])}")
    words: list[Word] = []
    for number, cells in enumerate(lines[1:], 2):
        if cells:
            words.append(_word(cells, words[-1].end_s if words else 0.0, f"{path}: line {number}"))
    if not words:
        raise InputError(f"{path}: has no words below its column names")
    return tuple(words)


def _word(cells: Sequence[str], earliest_s: float, place: str) -> Word:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{place}: expected {_columns()}, got {_shown([cells])}")
    try:
        start_s, end_s = float(cells[0]), float(cells[1])
    except ValueError:
        start_s = end_s = math.nan
    text = cells[2].strip()
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
        raise InputError(f"{place}: expected two times in seconds before the word, got {_shown([cells])}")
    if not text:
        raise InputError(f"{place}: has no word; write {SILENCE} for silence")
    if not 0 <= start_s < end_s:
        raise InputError(f"{place}: expected a word that ends after it starts, got {start_s:g} to {end_s:g} s")
    if start_s < earliest_s - 1e-6:
        raise InputError(f"{place}: starts at {start_s:g} s, before the word above it ends ({earliest_s:g} s)")
    return Word(start_s, end_s, text)


def _columns() -> str:
    return ",".join(COLUMNS)


def _shown(lines: Sequence[Sequence[str]]) -> str:
    """At most so much of a line as an error message should hold."""
    text = ",".join(lines[0]) if lines else ""
    return repr(text if len(text) <= 60 else text[:60] + "...")
