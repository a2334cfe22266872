"""A window that shows pictures with text over them, and says which keys were pressed.

pygame-ce (SDL2) is imported only here, and only when a window is opened.
"""

from hygiesync.apps.window.keys import Key
from hygiesync.apps.window.layout import Panel
from hygiesync.apps.window.window import Window

__all__ = ["Key", "Panel", "Window"]
