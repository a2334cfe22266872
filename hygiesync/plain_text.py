"""Text for people: safe to print, and in the words of whoever reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping


def one_line(text: str) -> str:
    r"""`text` with whatever can't be shown written as an escape.

    File names may hold line breaks, terminal codes, or bytes that are no text at all.

    Examples
    --------
    >>> print(one_line("two\nlines"))
    two\nlines
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def with_parameters_as(names: Mapping[str, str], text: str) -> str:
    """`text` with parameters, which the library's messages name in backquotes, named as in `names`.

    The command line has options in their place, a server fields. What isn't in `names` stays.

    Examples
    --------
    >>> with_parameters_as({"fps": "FPS"}, "`fps`: expected 1 to 240, got 0; see `hygiesync render`")
    'FPS: expected 1 to 240, got 0; see `hygiesync render`'
    """
    return re.sub(r"`([a-z_]+)`", lambda found: names.get(found[1], found[0]), text)
