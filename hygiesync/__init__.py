"""hygiesync: make one person's face speak any audio, in real time, on a CPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hygiesync.version import __version__

if TYPE_CHECKING:
    from hygiesync.avatar.bundle import Avatar
    from hygiesync.building.from_photo import photo
    from hygiesync.building.from_video import train
    from hygiesync.engine import Engine, VideoFrame

__all__ = ["Avatar", "Engine", "VideoFrame", "__version__", "photo", "train"]

# Imported when first asked for: `hygiesync --help` answers at once, and speaking loads nothing that training needs.
_HOMES = {
    "Avatar": "hygiesync.avatar.bundle",
    "Engine": "hygiesync.engine",
    "VideoFrame": "hygiesync.engine",
    "photo": "hygiesync.building.from_photo",
    "train": "hygiesync.building.from_video",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
