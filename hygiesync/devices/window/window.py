"""The window itself: SDL shows what it is handed, scaled to fit, and collects key presses.

It draws on the processor, since an avatar is shown on machines without a graphics card too. Showing a picture costs one
scaling, one conversion into the display's own order of colours, and two copies, the second into memory that is shared
with the display.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.window.keys import FULL_SCREEN, HELP, MIRROR, QUIT, Key, help_lines, with_own_keys
from hygiesync.devices.window.layout import Panel, Rectangle, Size, bars, first_size, fit, place
from hygiesync.devices.window.scaling import middle_square, resized
from hygiesync.devices.window.sdl import start_pygame
from hygiesync.devices.window.text import Lettering
from hygiesync.errors import MissingDependencyError

_CANVAS_MASKS = (0xFF0000, 0xFF00, 0xFF, 0)
"""Blue, green, red, unused in memory: what displays have, so that SDL only copies."""

_ICON_SIZE = (64, 64)

_LAST_ASCII, _FIRST_SPECIAL = 0x7F, 1 << 30
"""SDL's codes of keys that give a letter are that letter's; those of arrows and the like begin at the second."""


class Window:
    """A window for pictures. One thread makes it and uses it; leaving its context closes it.

    `F` or `F11` is full screen, `X` mirrors the picture, `H` lists the keys, and `Escape` leaves the list or the full
    screen before it is the program's.

    Parameters
    ----------
    title : str
    picture_size : tuple of int
        Width and height of the pictures to come, for the window's first size.
    keys : sequence of Key
        The program's. Those with the action "full screen", "mirror" or "help" replace the window's own.
    full_screen, mirror : bool
        How it begins.

    Raises
    ------
    MissingDependencyError
        Without pygame-ce or a display.
    ValueError
        For a key that SDL does not know, or that has two actions.
    """

    def __init__(
        self, title: str, picture_size: Size, keys: Sequence[Key], *, full_screen: bool = False, mirror: bool = False
    ):
        self._keys = with_own_keys(keys)
        self._is_mirrored = mirror
        self._is_full_screen = False
        self._is_minimised = False
        self._shows_help = False
        self._picture: NDArray[Any] | None = None
        self._panels: tuple[Panel, ...] = ()
        self._canvas: Any = None
        self._pygame = pygame = start_pygame()
        try:
            self._actions = {pygame.key.key_code(key.key): key.action for key in self._keys}
            self._actions_by_place = {
                getattr(pygame, f"KSCAN_{key.key.upper()}"): key.action
                for key in self._keys
                if len(key.key) == 1 and key.key.isascii() and key.key.isalnum()
            }
            size = first_size(picture_size, pygame.display.get_desktop_sizes()[0])
            self._window: Any = pygame.Window(title, size, resizable=True, allow_high_dpi=True)
        except pygame.error as error:
            pygame.display.quit()
            raise MissingDependencyError(
                f"window: expected a display that a window can be opened on, and SDL says {error};"
                " do without (`has_window`)"
            ) from error
        except ValueError:
            pygame.display.quit()
            raise
        # An input method would take the letters that are meant as keys.
        pygame.key.stop_text_input()
        # An avatar is looked at for hours without a key being pressed.
        pygame.display.set_allow_screensaver(False)
        self._lettering = Lettering(pygame)
        if full_screen:
            self._toggle_full_screen()

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the window; again does nothing."""
        if self._window is not None:
            self._window.destroy()
            self._window = None
            self._pygame.font.quit()
            self._pygame.display.quit()

    def show(self, picture: NDArray[np.uint8], panels: Sequence[Panel] = ()) -> None:
        """Show a picture as large as the window allows, with its own shape, and panels of text over it.

        Parameters
        ----------
        picture : ndarray, shape (height, width, 3), uint8, RGB
            Kept for drawing it again, so it must not be written into before the next one is shown.
        panels : sequence of Panel
            Text is drawn once and kept while it stays the same.

        Notes
        -----
        A minimised window is not drawn; it shows the newest picture when it comes back.
        """
        if self._picture is None:
            self._window.set_icon(self._surface(resized(middle_square(picture), _ICON_SIZE)))
        self._picture = picture
        self._panels = tuple(panels)
        self._draw()

    def poll(self) -> list[str]:
        """What was asked for since the last call.

        Also lets the window breathe: it moves, changes its size, and draws itself again.

        Returns
        -------
        list of str
            Actions of the keys that were pressed, in their order; "quit" when the window was closed.
        """
        pygame = self._pygame
        actions: list[str] = []
        needs_drawing = False
        for event in pygame.event.get():
            if event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
                actions.append(QUIT)
            elif event.type == pygame.KEYDOWN:
                action = self._meaning(event)
                if action in (FULL_SCREEN, MIRROR, HELP):
                    self._do(action)
                    needs_drawing = True
                elif action is not None:
                    actions.append(action)
            elif event.type == pygame.WINDOWMINIMIZED:
                self._is_minimised = True
            elif event.type in (pygame.WINDOWRESTORED, pygame.WINDOWMAXIMIZED, pygame.WINDOWSHOWN):
                self._is_minimised = False
                needs_drawing = True
            elif event.type in (pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED):
                needs_drawing = True
        if needs_drawing:
            self._draw()
        return [action for index, action in enumerate(actions) if action != QUIT or QUIT not in actions[:index]]

    def screenshot(self) -> NDArray[np.uint8]:
        """What is in the window now.

        Returns
        -------
        ndarray, shape (height, width, 3), uint8, RGB
        """
        return np.ascontiguousarray(self._pygame.surfarray.array3d(self._window.get_surface()).transpose(1, 0, 2))

    def _meaning(self, event: Any) -> str | None:
        """Action of a key press; None for one that means nothing here."""
        pygame = self._pygame
        # Those belong to the desktop and to shortcuts.
        if event.mod & (pygame.KMOD_CTRL | pygame.KMOD_ALT | pygame.KMOD_GUI):
            return None
        if event.key == pygame.K_ESCAPE and self._shows_help:
            return HELP
        if event.key == pygame.K_ESCAPE and self._is_full_screen:
            return FULL_SCREEN
        if event.key in self._actions:
            return self._actions[event.key]
        if _LAST_ASCII < event.key < _FIRST_SPECIAL:
            # On a Greek or Russian keyboard no key gives an `m`; the one at its place does as well.
            return self._actions_by_place.get(event.scancode)
        return None

    def _do(self, action: str) -> None:
        if action == FULL_SCREEN:
            self._toggle_full_screen()
        elif action == MIRROR:
            self._is_mirrored = not self._is_mirrored
        else:
            self._shows_help = not self._shows_help

    def _toggle_full_screen(self) -> None:
        self._is_full_screen = not self._is_full_screen
        if self._is_full_screen:
            self._window.set_fullscreen(desktop=True)
        else:
            self._window.set_windowed()
        self._pygame.mouse.set_visible(not self._is_full_screen)

    def _draw(self) -> None:
        """Picture, bars and panels, then show them."""
        if self._picture is None or self._is_minimised:
            return
        target = self._window.get_surface()
        size = target.get_size()
        place_of_picture = fit((self._picture.shape[1], self._picture.shape[0]), size)
        target.blit(self._surface(self._scaled(place_of_picture)), (place_of_picture.x, place_of_picture.y))
        for bar in bars(place_of_picture, size):
            target.fill((0, 0, 0), (bar.x, bar.y, bar.width, bar.height))
        panels = [*self._panels, *([Panel(help_lines(self._keys), "middle")] if self._shows_help else [])]
        drawn = [self._lettering.draw(panel, size) for panel in panels]
        corners = [panel.corner for panel in panels]
        places = place([one.get_size() for one in drawn], corners, size, margin=max(4, size[1] // 60))
        target.blits(list(zip(drawn, places, strict=True)))
        self._window.flip()

    def _scaled(self, target: Rectangle) -> NDArray[Any]:
        """The picture as large as it is shown, mirrored when that was asked for."""
        picture = self._picture
        assert picture is not None
        if self._is_mirrored:
            picture = cv2.flip(picture, 1)
        return resized(picture, target.size)

    def _surface(self, picture: NDArray[Any]) -> Any:
        """A picture as SDL's surface, in the display's own order of colours; one is used again and again."""
        height, width = picture.shape[:2]
        if self._canvas is None or self._canvas.get_size() != (width, height):
            self._canvas = self._pygame.Surface((width, height), depth=32, masks=_CANVAS_MASKS)
        pixels = np.asarray(self._canvas.get_view("2")).T.view(np.uint8).reshape(height, width, 4)
        cv2.cvtColor(picture, cv2.COLOR_RGB2BGRA, dst=pixels)
        return self._canvas
