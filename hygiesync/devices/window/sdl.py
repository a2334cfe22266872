"""pygame, imported when a window is opened, with SDL told to leave the program's signals and sound alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from hygiesync.errors import MissingDependencyError
from hygiesync.extras import imports_of

_HINTS = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    # Ctrl-C must stay a KeyboardInterrupt, and SIGTERM an end.
    "SDL_NO_SIGNAL_HANDLERS": "1",
    # The name that docks and task bars group windows by.
    "SDL_VIDEO_X11_WMCLASS": "hygiesync",
    "SDL_VIDEO_WAYLAND_WMCLASS": "hygiesync",
    # An ordinary window has no reason to switch the desktop's effects off.
    "SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR": "0",
}

_NO_DISPLAY = (
    "window: expected a display, and {found}; set DISPLAY (or use `ssh -X` or `xvfb-run`), or do without (`has_window`)"
)


_VARIABLES = {"x11": "DISPLAY", "wayland": "WAYLAND_DISPLAY"}
"""Each of SDL's ways to a display on Linux, and what says where that is."""


def start_pygame() -> ModuleType:
    """Import pygame and start its display, fonts and events: no sound, no joysticks, no signals.

    Raises
    ------
    MissingDependencyError
        When pygame-ce is not installed, or there is no display to open windows on.
    """
    for name, value in _HINTS.items():
        os.environ.setdefault(name, value)
    with imports_of("live", "a window"):
        import pygame
    if not hasattr(pygame, "Window"):
        raise MissingDependencyError(
            f"window: expected pygame-ce 2.4 or later, found pygame {pygame.version.ver}, which installs the same"
            " folder; run `pip uninstall -y pygame pygame-ce && pip install pygame-ce`, or do without (`has_window`)"
        )
    try:
        with _only_real_displays():
            pygame.display.init()
        pygame.font.init()
    except pygame.error as error:
        pygame.display.quit()
        raise MissingDependencyError(_NO_DISPLAY.format(found=f"SDL can't open one ({error})")) from error
    if pygame.display.get_driver() == "x11":
        # Else SDL draws a surface by OpenGL, which takes 70 times as long where no graphics card does it.
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    return pygame


@contextmanager
def _only_real_displays() -> Iterator[None]:
    """Where no display answers, SDL would take the console, or draw into memory that nobody sees.

    Raises
    ------
    MissingDependencyError
        When nothing says where a display is.
    """
    if not sys.platform.startswith("linux") or os.environ.get("SDL_VIDEODRIVER"):
        yield
        return
    drivers = [driver for driver, variable in _VARIABLES.items() if os.environ.get(variable)]
    if not drivers:
        raise MissingDependencyError(_NO_DISPLAY.format(found="neither DISPLAY nor WAYLAND_DISPLAY is set"))
    os.environ["SDL_VIDEODRIVER"] = ",".join(drivers)
    try:
        yield
    finally:
        del os.environ["SDL_VIDEODRIVER"]
