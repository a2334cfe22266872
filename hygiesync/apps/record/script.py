"""What is asked of the speaker, item by item: a silence, then sentences, in several manners.

The silence comes first: it becomes the avatar's idle loop, and a face is quietest before it has begun to speak. Each
manner begins with a short rest in that manner, so that not all rests look the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from hygiesync.errors import InputError, UsageError
from hygiesync.media.container import PathLike

LANGUAGES = {"en": "english", "fr": "french", "de": "german", "es": "spanish"}

SECONDS_OF_SILENCE = 20.0

REST_S = 3.0
"""Rest before a manner's first sentence, in seconds."""

MIN_SILENCE_S, MAX_SILENCE_S = 0.0, 120.0

LETTERS_PER_SECOND = 14.0
"""An easy pace of reading aloud: some 140 words a minute, in any of the languages."""

LEAD_S = 0.9
"""Time to see a new sentence before it is spoken, and to close the mouth after it."""

MAX_SENTENCES, MAX_LETTERS = 1000, 400

SILENCE, REST, SENTENCE = "silence", "rest", "sentence"
"""Kinds of items."""

NEUTRAL = "neutral"
"""The manner of sentences that a person brings."""


@dataclass(frozen=True)
class Item:
    """One thing that is asked of the speaker.

    Attributes
    ----------
    kind : {"silence", "rest", "sentence"}
    text : str
        What is to be said; empty in a rest.
    manner : str
        Such as "cheerful".
    direction : str
        The manner as it is told the speaker, in the language of the text.
    duration_s : float
        How long it takes at an easy pace.
    """

    kind: str
    text: str
    manner: str
    direction: str
    duration_s: float


@dataclass(frozen=True)
class Script:
    """All that is asked of the speaker, in order.

    Attributes
    ----------
    language : str
        ``"en"``, ``"fr"``, ``"de"`` or ``"es"``; empty for a person's own sentences.
    items : tuple of Item
    """

    language: str
    items: tuple[Item, ...]

    @property
    def duration_s(self) -> float:
        """Seconds that all items take at an easy pace."""
        return sum(item.duration_s for item in self.items)

    @property
    def n_sentences(self) -> int:
        """Number of sentences."""
        return sum(item.kind == SENTENCE for item in self.items)


def reading_time_s(text: str) -> float:
    """Seconds that a sentence takes at an easy pace, and to be seen first.

    Examples
    --------
    >>> round(reading_time_s("The poor old engine coughed and began to move again."), 1)
    4.6
    """
    return LEAD_S + len(text) / LETTERS_PER_SECOND


def load_script(language: str, seconds_of_silence: float = SECONDS_OF_SILENCE) -> Script:
    """The script of one of the languages that come with hygiesync.

    Parameters
    ----------
    language : {"en", "fr", "de", "es"}
    seconds_of_silence : float
        Length of the silence; none is asked for at zero.

    Raises
    ------
    UsageError
        For another language or length.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language: expected one of {', '.join(LANGUAGES)}, got {language!r}")
    text = import_module(f"hygiesync.apps.record.texts.{LANGUAGES[language]}")
    items = list(_silence(seconds_of_silence, text.MANNERS["calm"]))
    for manner, sentences in text.SENTENCES.items():
        direction = text.MANNERS[manner]
        if items:
            items.append(Item(REST, "", manner, direction, REST_S))
        items += (Item(SENTENCE, sentence, manner, direction, reading_time_s(sentence)) for sentence in sentences)
    return Script(language, tuple(items))


def read_script(path: PathLike, seconds_of_silence: float = SECONDS_OF_SILENCE) -> Script:
    """A script of a person's own sentences: a text file with one on each line.

    Empty lines, and lines that begin with ``#``, are left out.

    Raises
    ------
    InputError
        When the file can't be read as text, holds nothing to say, or too much for one line.
    UsageError
        For a length of silence out of range.
    """
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); expected a text file of sentences") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no text in UTF-8; save it as UTF-8, one sentence on each line") from error
    lines = [re.sub(r"\s+", " ", line).strip() for line in content.splitlines()]
    sentences = [line for line in lines if line and not line.startswith("#")]
    if not any(character.isalpha() for sentence in sentences for character in sentence):
        raise InputError(f"{path}: holds nothing to say; write one sentence on each line")
    for sentence in sentences:
        if len(sentence) > MAX_LETTERS or not sentence.isprintable():
            raise InputError(
                f"{path}: expected sentences of printable characters, {MAX_LETTERS} at most, got"
                f" {sentence[:40]!r} ... ({len(sentence)}); put each sentence on a line of its own"
            )
    if len(sentences) > MAX_SENTENCES:
        raise InputError(f"{path}: expected {MAX_SENTENCES} sentences at most, got {len(sentences)}")
    said = (Item(SENTENCE, sentence, NEUTRAL, "", reading_time_s(sentence)) for sentence in sentences)
    return Script("", (*_silence(seconds_of_silence, ""), *said))


def _silence(seconds: float, direction: str) -> Iterator[Item]:
    if not MIN_SILENCE_S <= seconds <= MAX_SILENCE_S:  # a NaN is refused too
        raise UsageError(
            f"seconds of silence: expected {MIN_SILENCE_S:g} to {MAX_SILENCE_S:g}, got {seconds:g}; 20 are good"
        )
    if seconds > 0:
        yield Item(SILENCE, "", "calm", direction, seconds)
