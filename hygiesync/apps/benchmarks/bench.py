"""How fast it is on this machine: each part, beside what it is compared with, in one run.

A time in milliseconds says as much about the machine as about the program. So everything is measured side by side:
in each round every picture size draws one frame, makes one ``cv2.seamlessClone`` of the same mouth and one bare copy of
the same frame, and a machine that slows down slows all of them. Their ratios are what can be claimed.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hygiesync.apps.benchmarks.animate import measure_animate
from hygiesync.apps.benchmarks.batch import measure_batch
from hygiesync.apps.benchmarks.drawing import measure_drawing
from hygiesync.apps.benchmarks.first_order import measure_first_order
from hygiesync.apps.benchmarks.learning import measure_learning
from hygiesync.apps.benchmarks.live import measure_live
from hygiesync.apps.benchmarks.processes import measure_startup, measure_training
from hygiesync.apps.benchmarks.speaking import measure_listening, measure_loading
from hygiesync.apps.benchmarks.table import format_bench
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.engine import Engine
from hygiesync.media.video import probe
from hygiesync.progress import Progress
from hygiesync.version import __version__

SIZES = ((512, 512), (1920, 1080))
"""Width and height of the pictures that are drawn."""

__all__ = ["SIZES", "bench", "format_bench"]


def bench(
    avatar: VideoAvatar,
    sizes: Sequence[tuple[int, int]] = SIZES,
    training_video: Path | None = None,
    n_batch: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure an avatar's speed on one thread of this machine.

    Parameters
    ----------
    avatar : VideoAvatar
    sizes : sequence of (width, height)
        Pictures to draw, pixels. The face is enlarged until the mouth's patch is half the shorter side long, at most
        384 pixels: 256 px at 512x512, 384 px at 1920x1080.
    training_video : Path, optional
        Also train on it, and compare that with a bare pass of decoding and FaceMesh over the same file.
    n_batch : int
        Also time a batch of so many short sounds; some hundreds take minutes.
    progress : callable, optional
        Told of the work done.

    Returns
    -------
    dict
        ``sizes`` (see :func:`measure_drawing`), ``listening``, ``latency_s``, ``load_ms``, ``animate``, ``live``,
        ``startup``, ``first_order``, ``training``, ``learning`` and ``batch`` (when asked for) and ``machine``.

    Raises
    ------
    InputError
        When the idle loop shows no face, or the video can't be used.
    """
    report = progress or (lambda *_: None)
    if training_video is not None:
        probe(training_video)
    result: dict[str, Any] = {"machine": _machine(), "avatar": avatar.manifest.name, "n_pictures": len(avatar.atlas)}
    with single_threaded_libraries():
        result["sizes"] = measure_drawing(avatar, sizes, report)
        result["listening"] = measure_listening(avatar)
        result["latency_s"] = Engine(avatar).latency_s
        result["load_ms"] = measure_loading(avatar)
        result["animate"] = measure_animate(next(avatar.idle(avatar.fps).template.frames()).image)
    result["live"] = measure_live(avatar, report)
    result["startup"] = measure_startup(report)
    if training_video is not None:
        result["first_order"] = measure_first_order(report)
        result["training"] = measure_training(training_video, report)
        result["learning"] = measure_learning(report)
    if n_batch:
        result["batch"] = measure_batch(avatar, n_batch, report)
    return result


def _machine() -> dict[str, Any]:
    return {
        "processor": platform.machine(),
        "n_cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "hygiesync": __version__,
    }
