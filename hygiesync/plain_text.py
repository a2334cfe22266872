"""Text that is safe to print: file names may hold line breaks, terminal codes, or bytes that are no text at all."""

from __future__ import annotations


def one_line(text: str) -> str:
    r"""`text` with whatever can't be shown written as an escape.

    Examples
    --------
    >>> print(one_line("two\nlines"))
    two\nlines
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
