"""How fast it is on this machine: each part of drawing a frame, beside what it is compared with, in one run.

A time in milliseconds says as much about the machine as about the program. So everything is measured side by side:
in each round every picture size draws one frame, makes one ``cv2.seamlessClone`` of the same mouth and one bare copy of
the same frame, and a machine that slows down slows all of them. Their ratios are what can be claimed.

The parts are timed inside :meth:`Compositor.render` itself: for the time of the measurement, the functions that it
calls are wrapped by a stopwatch.
"""

from __future__ import annotations

import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hygiesync.apps.benchmarks.animate import measure_animate
from hygiesync.apps.benchmarks.epochs import measure_epochs
from hygiesync.apps.benchmarks.live import measure_live
from hygiesync.apps.benchmarks.processes import Progress, measure_startup, measure_training, seconds_of
from hygiesync.apps.benchmarks.table import format_bench
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.engine import Engine
from hygiesync.errors import InputError
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.media.video import probe
from hygiesync.render import compositor
from hygiesync.render.appearance import AppearanceModel
from hygiesync.render.atlas import Atlas, encode_picture
from hygiesync.render.canvas import MouthCanvas
from hygiesync.render.compositor import Compositor
from hygiesync.render.features import ShapeFeatures
from hygiesync.render.grid import NodeGrid, Target
from hygiesync.render.interfaces import TemplateFace, TemplateFrame
from hygiesync.render.path import PathSearch
from hygiesync.render.retrieval import Retriever
from hygiesync.speech.mel import MelSpectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.timing import HOP_LENGTH, sample_time, time_to_samples
from hygiesync.version import __version__

SIZES = ((512, 512), (1920, 1080))
"""Width and height of the pictures that are drawn."""

N_ROUNDS = 250
"""Frames measured at each size. They are drawn once before without a watch, so that pictures are open as they are
after a minute of speech; what opening one takes is measured by itself."""

MAX_PICTURES = 400
"""Atlas pictures that are enlarged."""

N_LOADS = 5
"""Times that the avatar is loaded."""

HEARD_S = 20.0
"""Seconds of sound that the listener hears."""

MAX_PATCH_PX = 384
_N_TEMPLATES = 4
_MOUTH_HEIGHT = 0.62
_BLOCK_LENGTH = 1600

PARTS: tuple[tuple[object, str, str], ...] = (
    (ShapeFeatures, "__call__", "retrieval"),
    (AppearanceModel, "expected", "retrieval"),
    (Retriever, "find", "retrieval"),
    (PathSearch, "push", "retrieval"),
    (compositor, "Target", "warp"),
    (Target, "backward", "warp"),
    (NodeGrid, "to_pixels", "warp"),
    (compositor, "_sample", "warp"),
    (compositor, "sample_rim", "blend"),
    (MouthCanvas, "membrane", "blend"),
    (AppearanceModel, "draw", "blend"),
    (compositor, "_sample_canvas", "blend"),
    (compositor, "mix", "blend"),
)
"""What is timed within a frame: owner, name of the function there, and the part that it counts as."""

__all__ = ["PARTS", "SIZES", "bench", "format_bench"]


def bench(
    avatar: VideoAvatar,
    sizes: Sequence[tuple[int, int]] = SIZES,
    training_video: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure an avatar's speed on one thread of this machine.

    Parameters
    ----------
    avatar : Avatar
    sizes : sequence of (width, height)
        Pictures to draw, pixels. The face is enlarged until the mouth's patch is half the shorter side long, at most
        384 pixels: 256 px at 512x512, 384 px at 1920x1080.
    training_video : Path, optional
        Also train on it, and compare that with a bare pass of decoding and FaceMesh over the same file.
    progress : callable, optional
        Told of the work done.

    Returns
    -------
    dict
        ``sizes`` -> ``"WIDTHxHEIGHT"`` -> ``retrieval_ms, warp_ms, decode_ms, blend_ms, frame_ms, seamless_clone_ms,
        frame_copy_ms``, each ``{"p50", "p95", "p99"}``, ``patch_px`` and ``ratios``; ``listening``, ``latency_s``,
        ``load_ms``, ``animate``, ``live``, ``startup``, ``training`` and ``epochs`` (when asked for) and ``machine``.

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
        scenes = {f"{width}x{height}": _make_scene(avatar, (width, height)) for width, height in sizes}
        result["sizes"] = _measure_rendering(scenes, report)
        result["listening"] = _measure_listening(avatar)
        result["latency_s"] = Engine(avatar).latency_s
        result["load_ms"] = _measure_loading(avatar)
        result["animate"] = measure_animate(next(avatar.idle(avatar.fps).template.frames()).image)
    result["live"] = measure_live(avatar, report)
    result["startup"] = measure_startup(report)
    if training_video is not None:
        result["training"] = measure_training(training_video, report)
        result["epochs"] = measure_epochs(report)
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


@dataclass(frozen=True)
class _Scene:
    """The avatar at one picture size, and what it is to say there: a template and coefficients for each round."""

    renderer: Compositor
    atlas: Atlas
    script: list[tuple[TemplateFrame, np.ndarray]]


def _make_scene(avatar: VideoAvatar, size: tuple[int, int]) -> _Scene:
    """The avatar, enlarged to fill pictures of `size`: the same compositor draws, only the pixels are more."""
    originals = [frame for frame in islice(avatar.idle(avatar.fps).template.frames(), _N_TEMPLATES) if frame.face]
    if not originals or originals[0].face is None:
        raise InputError(f"{avatar.directory}: the idle loop shows no face at its beginning; train the avatar again")
    region = originals[0].face.lower[LOWER_MOUTH_REGION]
    scale = _patch_px(size) / float(np.ptp(region, axis=0).max())
    middle = np.array([size[0] / 2, size[1] * _MOUTH_HEIGHT])
    shift = middle - scale * (region.min(0) + region.max(0)) / 2
    templates = [_enlarged_template(frame, size, scale, shift) for frame in originals]
    coefficients = avatar.atlas.coefficients[:MAX_PICTURES]
    script = [
        (templates[number % len(templates)], coefficients[number % len(coefficients)]) for number in range(N_ROUNDS)
    ]
    atlas = _enlarged_atlas(avatar.atlas, scale)
    return _Scene(Compositor(avatar.shape, atlas, avatar.mesh, avatar.canvas, avatar.appearance), atlas, script)


def _patch_px(size: tuple[int, int]) -> int:
    return min(min(size) // 2, MAX_PATCH_PX)


def _enlarged_template(frame: TemplateFrame, size: tuple[int, int], scale: float, shift: np.ndarray) -> TemplateFrame:
    matrix = np.column_stack([scale * np.eye(2), shift])
    image = cv2.warpAffine(frame.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    face = frame.face
    assert face is not None
    to_picture = scale * face.to_picture
    to_picture[:, 2] += shift
    return TemplateFrame(image, frame.time_s, TemplateFace(to_picture, face.turn, scale * face.lower + shift))


def _enlarged_atlas(atlas: Atlas, scale: float) -> Atlas:
    """The first pictures of an atlas, as those of a larger video."""
    some = slice(0, MAX_PICTURES)
    pictures = tuple(
        encode_picture(cv2.resize(atlas.camera_picture(index), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
        for index in range(len(atlas.pictures[some]))
    )
    return Atlas(
        pictures=pictures,
        vertices=(atlas.vertices[some] * scale).astype(np.float32),
        coefficients=atlas.coefficients[some],
        turns=atlas.turns[some],
        frame_numbers=atlas.frame_numbers[some],
        codes=atlas.codes[some],
        detail=atlas.detail,
    )


class _Stopwatch:
    """Adds up the time spent in wrapped functions; what they call of each other counts for the outermost.

    Attributes
    ----------
    spent_s : dict
        Part -> seconds since it was cleared.
    arguments : dict
        Part -> arguments of its last call.
    """

    def __init__(self) -> None:
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        self.arguments: dict[str, tuple[Any, ...]] = {}
        self._is_running = False

    @contextmanager
    def watching(self, owner: Any, name: str, part: str) -> Iterator[None]:
        """Time `owner`'s function `name` until the context ends."""
        function = getattr(owner, name)
        setattr(owner, name, self._timed(function, part))
        try:
            yield
        finally:
            setattr(owner, name, function)

    def _timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            if self._is_running:
                return function(*arguments, **options)
            self._is_running = True
            start_s = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.spent_s[part] += time.perf_counter() - start_s
                self._is_running = False
                self.arguments[part] = arguments

        return timed


def _measure_rendering(scenes: dict[str, _Scene], report: Progress) -> dict[str, Any]:
    """Times of all sizes' frames and of what they are compared with, one of each in every round."""
    times: dict[str, defaultdict[str, list[float]]] = {key: defaultdict(list) for key in scenes}
    patches: dict[str, list[int]] = {}
    watch = _Stopwatch()
    for scene in scenes.values():
        for template, coefficients in scene.script:
            scene.renderer.render(template, coefficients)
        scene.renderer.reset()
    with ExitStack() as stack:
        for owner, name, part in PARTS:
            stack.enter_context(watch.watching(owner, name, part))
        for number in range(N_ROUNDS):
            for key, scene in scenes.items():
                spent_s = _draw_one(scene, number, watch)
                patches[key] = list(watch.arguments["blend"][0].shape[1::-1])
                for part, seconds in spent_s.items():
                    times[key][part].append(seconds)
            report("drawing", number + 1, N_ROUNDS, "")
    return {key: _summary(parts) | {"patch_px": patches[key]} for key, parts in times.items()}


def _draw_one(scene: _Scene, number: int, watch: _Stopwatch) -> dict[str, float]:
    """Seconds of one frame, of its parts, and of its rivals."""
    template, coefficients = scene.script[number]
    watch.spent_s.clear()
    frame_s = seconds_of(partial(scene.renderer.render, template, coefficients))
    spent_s = {part: watch.spent_s[part] for _, _, part in PARTS}
    patch, picture, _, share = watch.arguments["blend"]
    stencil = (share > 0).astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(stencil)
    middle = (left + width // 2, top + height // 2)
    clone_s = seconds_of(partial(cv2.seamlessClone, patch, picture, stencil, middle, cv2.NORMAL_CLONE))
    open_s = seconds_of(partial(scene.atlas.camera_picture, number % len(scene.atlas)))
    copy_s = seconds_of(template.image.copy)
    return spent_s | {"frame": frame_s, "decode": open_s, "seamless_clone": clone_s, "frame_copy": copy_s}


def _summary(times_s: dict[str, list[float]]) -> dict[str, Any]:
    summary: dict[str, Any] = {f"{part}_ms": _percentiles(values, 1e3) for part, values in times_s.items()}
    frame = summary["frame_ms"]
    summary["ratios"] = {
        f"frame_{percentile}_to_{rival}_p50": round(frame[percentile] / summary[f"{rival}_ms"]["p50"], 4)
        for rival in ("seamless_clone", "frame_copy")
        for percentile in ("p50", "p99")
    }
    return summary


def _percentiles(times_s: list[float], factor: float) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(times_s, share)) * factor, 4) for share in (50, 95, 99)}


def _measure_listening(avatar: VideoAvatar) -> dict[str, Any]:
    """Time of one mel frame through spectrogram and network, and how many seconds of sound are heard in one second."""
    generator = np.random.default_rng(0)
    samples = (0.1 * generator.standard_normal(time_to_samples(HEARD_S))).astype(np.float32)
    spectrogram, predictor = MelSpectrogram(), OnnxStep(avatar.step)

    def hear(block: np.ndarray) -> None:
        predictor.push(spectrogram.push(block))

    steps_s = [seconds_of(partial(hear, block)) for block in _blocks(samples, HOP_LENGTH)]
    listener = avatar.speech_stream()
    spent_s = sum(seconds_of(partial(listener.push, block)) for block in _blocks(samples, _BLOCK_LENGTH))
    heard_s = float(sample_time(len(samples)))
    return {"mel_frame_us": _percentiles(steps_s, 1e6), "sound_s_per_s": round(heard_s / spent_s, 1)}


def _blocks(samples: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return (samples[start : start + length] for start in range(0, len(samples), length))


def _measure_loading(avatar: VideoAvatar) -> dict[str, float]:
    return _percentiles([seconds_of(partial(load_avatar, avatar.directory)) for _ in range(N_LOADS)], 1e3)
