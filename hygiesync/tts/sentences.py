"""Where a text can be cut, for voices that speak only what they are handed whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"""
    (?:[.!?\u2026]+["'\u201d\u2019)\]]* (?=\s) | \n\s*\n )  # a sentence and what closes it, or a paragraph
    \s*
""", re.VERBOSE)  # fmt: skip

_ABBREVIATED = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "etc", "e.g", "i.e", "jr", "sr"})
"""English words that are written with a full stop and may be followed by more of the sentence."""


def sentences(text: str) -> Iterator[str]:
    """The sentences of an English text, in order; what is between them is whitespace.

    Examples
    --------
    >>> list(sentences("Dr. Smith has 3.5 of them. Does he?  Yes!"))
    ['Dr. Smith has 3.5 of them.', 'Does he?', 'Yes!']
    """
    start = 0
    for end in _END.finditer(text):
        words = text[start : end.start()].split()
        if end.group().startswith(".") and words and words[-1].casefold().lstrip("(") in _ABBREVIATED:
            continue
        if sentence := text[start : end.end()].strip():
            yield sentence
        start = end.end()
    if sentence := text[start:].strip():
        yield sentence
