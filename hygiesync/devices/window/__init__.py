"""A window that shows pictures with text over them, and says which keys were pressed.

pygame-ce (SDL2) is imported only here, and only when a window is opened.
"""

from hygiesync.devices.window.keys import Key
from hygiesync.devices.window.layout import Panel
from hygiesync.devices.window.window import Window

__all__ = ["Key", "Panel", "Window"]
