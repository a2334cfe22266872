"""hygiesync: make one person's face speak any audio, in real time, on a CPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hygiesync.avatar.build import train
    from hygiesync.avatar.bundle import Avatar
    from hygiesync.avatar.photograph import photo
    from hygiesync.engine import Engine, VideoFrame

__version__ = "0.1.0"
__all__ = ["Avatar", "Engine", "VideoFrame", "__version__", "photo", "train"]

# Imported when first asked for: `hygiesync --help` answers at once, and speaking loads nothing that training needs.
_HOMES = {
    "Avatar": "hygiesync.avatar.bundle",
    "Engine": "hygiesync.engine",
    "VideoFrame": "hygiesync.engine",
    "photo": "hygiesync.avatar.photograph",
    "train": "hygiesync.avatar.build",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
