"""Where things go in a window: the picture with its own shape in the middle, panels of text in the corners.

Plain numbers, in pixels, x to the right and y down; nothing here knows about SDL.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Size = tuple[int, int]
"""Width and height."""

CORNERS = ("top left", "top right", "top", "bottom", "middle")

SMALLEST_SIDE = 480
"""A small picture is opened larger than it is, so that text fits beside the face."""


@dataclass(frozen=True)
class Panel:
    """Lines of text over the picture.

    Attributes
    ----------
    lines : tuple of str
        Long ones are wrapped. Where one holds a tab, all are rows of a table, in columns, and are not.
    corner : str
        "top left", "top right", "top", "bottom" or "middle"; panels of one corner are stacked.
    size : float
        Height of the letters, as a multiple of the ordinary one.
    colour : tuple of int
        (red, green, blue) of the letters.
    """

    lines: tuple[str, ...]
    corner: str = "top left"
    size: float = 1.0
    colour: tuple[int, int, int] = (255, 255, 255)

    def __post_init__(self) -> None:
        if self.corner not in CORNERS:
            raise ValueError(f"corner: expected one of {', '.join(CORNERS)}, got {self.corner!r}")


@dataclass(frozen=True)
class Rectangle:
    """A part of the window, in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        return self.width, self.height


def fit(picture: Size, window: Size) -> Rectangle:
    """The largest rectangle of the picture's shape that the window holds, in its middle.

    Either its width or its height is the window's; the other is rounded to whole pixels, at least one.
    """
    (width, height), (window_width, window_height) = picture, window
    if width * window_height >= height * window_width:
        fitted = window_width, max(1, round(height * window_width / width))
    else:
        fitted = max(1, round(width * window_height / height)), window_height
    return Rectangle((window_width - fitted[0]) // 2, (window_height - fitted[1]) // 2, *fitted)


def bars(inner: Rectangle, window: Size) -> list[Rectangle]:
    """What `fit` leaves of the window, without overlap: two bars at most."""
    right, below = inner.x + inner.width, inner.y + inner.height
    found = [
        Rectangle(0, 0, inner.x, window[1]),
        Rectangle(right, 0, window[0] - right, window[1]),
        Rectangle(inner.x, 0, inner.width, inner.y),
        Rectangle(inner.x, below, inner.width, window[1] - below),
    ]
    return [bar for bar in found if bar.width > 0 and bar.height > 0]


def first_size(picture: Size, desktop: Size) -> Size:
    """Size of a new window: the picture's own, not tiny, and not more than nine tenths of the desktop."""
    grown = max(1.0, SMALLEST_SIDE / min(picture))
    wanted = round(picture[0] * grown), round(picture[1] * grown)
    room = max(1, desktop[0] * 9 // 10), max(1, desktop[1] * 9 // 10)
    if wanted[0] <= room[0] and wanted[1] <= room[1]:
        return wanted
    return fit(picture, room).size


def letter_height(window: Size) -> int:
    """Height of ordinary letters in pixels: a share of the window, so that it reads well on dense screens too."""
    return max(11, round(min(window[1] / 32, window[0] / 36)))


def wrap(line: str, fits: Callable[[str], bool]) -> list[str]:
    """Break a line at spaces, and where a word is too long by itself inside it.

    Parameters
    ----------
    line : str
    fits : callable
        Whether a text is short enough. A single character is kept even where it does not fit.

    Returns
    -------
    list of str
        At least one; together they hold all that `line` holds, but for spaces it was broken at.
    """
    lines = []
    rest = line
    while rest and not fits(rest):
        n_fitting = max(1, bisect_left(range(len(rest)), True, key=lambda n: not fits(rest[:n])) - 1)
        space = rest.rfind(" ", 1, n_fitting + 1)
        end = n_fitting if space < 0 else space
        lines.append(rest[:end])
        rest = rest[end:].removeprefix(" ")
    return [*lines, rest] if rest or not lines else lines


def columns(widths: Sequence[Sequence[int]], gap: int) -> list[int]:
    """Where each column of a table begins.

    Parameters
    ----------
    widths : sequence of sequence of int
        Of each row's cells. The last cell of a row may run on to the right, so it makes no column wider.
    gap : int
        Between columns.
    """
    n_columns = max((len(row) for row in widths), default=0)
    begins = [0] * n_columns
    for index in range(1, n_columns):
        begins[index] = begins[index - 1] + gap + max(row[index - 1] for row in widths if len(row) > index)
    return begins


def place(sizes: Sequence[Size], corners: Sequence[str], window: Size, margin: int) -> list[tuple[int, int]]:
    """Where each panel's upper left corner goes; panels of the same corner are stacked in their order."""
    placed: list[tuple[int, int]] = []
    heights = {
        corner: sum(size[1] + margin for size, its in zip(sizes, corners, strict=True) if its == corner) - margin
        for corner in CORNERS
    }
    next_y = {
        "top left": margin,
        "top right": margin,
        "top": margin,
        "bottom": window[1] - margin - heights["bottom"],
        "middle": (window[1] - heights["middle"]) // 2,
    }
    for (width, height), corner in zip(sizes, corners, strict=True):
        x = {"top left": margin, "top right": window[0] - margin - width}.get(corner, (window[0] - width) // 2)
        placed.append((x, next_y[corner]))
        next_y[corner] += height + margin
    return placed
