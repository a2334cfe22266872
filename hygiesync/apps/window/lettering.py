"""Panels as pictures: wrapped text on a dark, translucent ground, kept as long as the text stays the same."""

from __future__ import annotations

from collections import OrderedDict
from types import ModuleType
from typing import Any

from hygiesync.apps.window.layout import Panel, Size, letter_height, wrap

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
        """A panel as a surface, never larger than the window: letters shrink until it fits."""
        key = (panel, window)
        if key not in self._panels:
            self._panels[key] = self._drawn(panel, window)
        return _kept(self._panels, key)

    def _drawn(self, panel: Panel, window: Size) -> Any:
        pygame = self._pygame
        height = max(SMALLEST_LETTERS, round(letter_height(window) * panel.size))
        padding = letter_height(window) // 2
        room = max(1, window[0] * 92 // 100 - 2 * padding), max(1, window[1] * 92 // 100 - 2 * padding)
        while True:
            font = self._font(height)
            lines = self._wrapped(panel.lines, font, room[0])
            if len(lines) * font.get_linesize() <= room[1] or height <= SMALLEST_LETTERS:
                break
            height -= 1
        pictures = [font.render(line, True, panel.colour) for line in lines]
        width = max((picture.get_width() for picture in pictures), default=0)
        surface = pygame.Surface(
            (width + 2 * padding, len(lines) * font.get_linesize() + 2 * padding), pygame.SRCALPHA, 32
        )
        surface.fill(_GROUND)
        is_centred = panel.corner in ("bottom", "middle")
        for index, picture in enumerate(pictures):
            x = padding + (width - picture.get_width()) // 2 * is_centred
            surface.blit(picture, (x, padding + index * font.get_linesize()))
        return surface

    @staticmethod
    def _wrapped(lines: tuple[str, ...], font: Any, width: int) -> list[str]:
        def fits(text: str) -> bool:
            return bool(font.size(text)[0] <= width)

        return [part for line in lines for part in wrap(printable(line), fits)]

    def _font(self, height: int) -> Any:
        """The font that comes with pygame, which has the letters of the languages of Europe."""
        if height not in self._fonts:
            # Its size is the line's height, of which letters with ascenders take about seven tenths.
            self._fonts[height] = self._pygame.font.Font(None, round(height / 0.7))
        return _kept(self._fonts, height)


def printable(text: str) -> str:
    """Text as a font can draw it: tabs and line ends become spaces, what is no character a replacement."""
    text = " ".join(text.splitlines()).replace("\t", "    ").replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def _kept(store: OrderedDict[Any, Any], key: Any) -> Any:
    """The value of a key, now the newest; the oldest goes where there are too many."""
    store.move_to_end(key)
    while len(store) > N_KEPT:
        store.popitem(last=False)
    return store[key]
