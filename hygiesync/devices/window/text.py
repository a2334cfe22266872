"""Panels as pictures: wrapped text on a dark, translucent ground, kept as long as the text stays the same."""

from __future__ import annotations

from collections import OrderedDict
from types import ModuleType
from typing import Any

from hygiesync.devices.window.layout import Panel, Size, columns, letter_height, wrap

N_KEPT = 32
"""How many panels, and fonts, are kept for the next picture."""

SMALLEST_LETTERS = 8
_GROUND = (0, 0, 0, 150)


class Lettering:
    """Draws panels, each once.

    Parameters
    ----------
    pygame : module
        Started.
    """

    def __init__(self, pygame: ModuleType):
        self._pygame = pygame
        self._fonts: OrderedDict[int, Any] = OrderedDict()
        self._panels: OrderedDict[tuple[Panel, Size], Any] = OrderedDict()

    def draw(self, panel: Panel, window: Size) -> Any:
        """A panel as a surface; its letters shrink until the window holds it, but not beyond reading."""
        key = (panel, window)
        if key not in self._panels:
            self._panels[key] = self._drawn(panel, window)
        return _kept(self._panels, key)

    def _drawn(self, panel: Panel, window: Size) -> Any:
        padding = letter_height(window) // 2
        room = window[0] * 92 // 100 - 2 * padding, window[1] * 92 // 100 - 2 * padding
        height = max(SMALLEST_LETTERS, round(letter_height(window) * panel.size))
        while True:
            font = self._font(height)
            is_table = any("\t" in line for line in panel.lines)
            rows = _table(panel.lines, font) if is_table else _paragraph(panel.lines, font, room[0])
            width = max((x + font.size(text)[0] for row in rows for x, text in row), default=0)
            total_height = len(rows) * font.get_linesize()
            if (width <= room[0] and total_height <= room[1]) or height <= SMALLEST_LETTERS:
                break
            height = max(SMALLEST_LETTERS, height * 9 // 10)
        size = width + 2 * padding, total_height + 2 * padding
        surface = self._pygame.Surface(size, self._pygame.SRCALPHA, 32)
        surface.fill(_GROUND)
        is_centred = panel.corner in ("top", "bottom", "middle") and not is_table
        for index, row in enumerate(rows):
            for x, text in row:
                text_width = font.size(text)[0]
                if text_width == 0:
                    continue
                if is_centred:
                    x = (width - text_width) // 2
                place = padding + x, padding + index * font.get_linesize()
                surface.blit(font.render(text, True, panel.colour), place)
        return surface

    def _font(self, height: int) -> Any:
        """The font that comes with pygame, which has the letters of the languages of Europe."""
        if height not in self._fonts:
            # Its size is the line's height, of which letters with ascenders take about seven tenths.
            self._fonts[height] = self._pygame.font.Font(None, round(height / 0.7))
        return _kept(self._fonts, height)


def printable(text: str) -> str:
    """Text as a font can draw it: ends of lines become spaces, and what is no character a question mark."""
    return " ".join(text.replace("\0", "").splitlines()).encode("utf-8", "replace").decode("utf-8")


def _paragraph(lines: tuple[str, ...], font: Any, width: int) -> list[list[tuple[int, str]]]:
    """Rows of one text each, with where it begins."""

    def fits(text: str) -> bool:
        return bool(font.size(text)[0] <= width)

    return [[(0, part)] for line in lines for part in wrap(printable(line), fits)]


def _table(lines: tuple[str, ...], font: Any) -> list[list[tuple[int, str]]]:
    """Rows of cells, each with where its column begins."""
    cells = [[printable(cell) for cell in line.split("\t")] for line in lines]
    begins = columns([[font.size(cell)[0] for cell in row] for row in cells], gap=font.get_linesize() // 2)
    return [list(zip(begins, row, strict=False)) for row in cells]


def _kept(store: OrderedDict[Any, Any], key: Any) -> Any:
    """The value of a key, now the newest; the oldest goes where there are too many."""
    store.move_to_end(key)
    while len(store) > N_KEPT:
        store.popitem(last=False)
    return store[key]
