"""hygiesync: make one person's face speak any audio, in real time, on a CPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hygiesync import errors
from hygiesync.version import __version__

if TYPE_CHECKING:
    from hygiesync.avatar.bundle import Avatar
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.building.from_photo import avatar_from_photo
    from hygiesync.building.from_video import train
    from hygiesync.engine import Engine, VideoFrame
    from hygiesync.evaluation.evaluate import evaluate
    from hygiesync.exporting.export import export
    from hygiesync.exporting.web.export import export_web
    from hygiesync.media.sound import Sound
    from hygiesync.pipelines.animate import AnimateOptions, animate
    from hygiesync.pipelines.offline import RenderOptions, render
    from hygiesync.pipelines.say import say

__all__ = [
    "AnimateOptions",
    "Avatar",
    "Engine",
    "RenderOptions",
    "Sound",
    "VideoFrame",
    "__version__",
    "animate",
    "avatar_from_photo",
    "errors",
    "evaluate",
    "export",
    "export_web",
    "load_avatar",
    "render",
    "say",
    "train",
]

# Imported when first asked for: `hygiesync --help` answers at once, and speaking loads nothing that training needs.
_HOMES = {
    "AnimateOptions": "hygiesync.pipelines.animate",
    "Avatar": "hygiesync.avatar.bundle",
    "Engine": "hygiesync.engine",
    "RenderOptions": "hygiesync.pipelines.offline",
    "Sound": "hygiesync.media.sound",
    "VideoFrame": "hygiesync.engine",
    "animate": "hygiesync.pipelines.animate",
    "avatar_from_photo": "hygiesync.building.from_photo",
    "evaluate": "hygiesync.evaluation.evaluate",
    "export": "hygiesync.exporting.export",
    "export_web": "hygiesync.exporting.web.export",
    "load_avatar": "hygiesync.avatar.loading",
    "render": "hygiesync.pipelines.offline",
    "say": "hygiesync.pipelines.say",
    "train": "hygiesync.building.from_video",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
