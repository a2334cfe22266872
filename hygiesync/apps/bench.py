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
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hygiesync import __version__
from hygiesync.avatar.bundle import Avatar
from hygiesync.engine import Engine
from hygiesync.errors import HygieSyncError, InputError
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.media.video import probe
from hygiesync.motion.predictor import Predictor
from hygiesync.render import compositor
from hygiesync.render.atlas import Atlas, encode_picture
from hygiesync.render.compositor import Compositor
from hygiesync.render.mesh import FaceMesh
from hygiesync.render.retrieval import Retriever
from hygiesync.render.template import TemplateFace, TemplateFrame
from hygiesync.render.warp import PiecewiseAffine
from hygiesync.speech.mel import MelSpectrogram
from hygiesync.timing import HOP_LENGTH, sample_time, time_to_samples

SIZES = ((512, 512), (1920, 1080))
"""Width and height of the pictures that are drawn."""

N_ROUNDS, N_WARM_UP_ROUNDS = 250, 10
"""Frames measured at each size, and frames drawn before that without a watch."""

N_STARTS, N_LOADS = 11, 5
"""Fresh interpreters for each command, and times that the avatar is loaded."""

HEARD_S = 20.0
"""Seconds of sound that the listener hears."""

MAX_PATCH_PX = 384
_N_TEMPLATES = 4
_MOUTH_HEIGHT = 0.62
_BLOCK_LENGTH = 1600
_RSS_EVERY_S = 0.05

PARTS: tuple[tuple[object, str, str], ...] = (
    (Retriever, "next", "retrieval"),
    (PiecewiseAffine, "triangle_map", "warp"),
    (PiecewiseAffine, "backward_map", "warp"),
    (compositor, "sample", "warp"),
    (Atlas, "picture", "decode"),
    (compositor, "poisson_blend", "blend"),
)
"""What is timed within a frame: owner, name of the function there, and the part that it counts as."""

_BARE_PASS = """
import sys
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.media.video import read_frames
with LandmarkDetector() as detector:
    for frame in read_frames(sys.argv[1], n_threads=1):
        detector.detect(frame.image)
"""

Progress = Callable[[str, int, int, str], None]
"""Told of work: (stage, done, in all, note)."""


def bench(
    avatar: Avatar,
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
        ``load_ms``, ``startup``, ``training`` (when asked for) and ``machine``.

    Raises
    ------
    InputError
        When the idle loop shows no face, or the video can't be used.
    """
    report = progress or (lambda *_: None)
    if training_video is not None:
        probe(training_video)
    result: dict[str, Any] = {"machine": _machine(), "avatar": avatar.manifest.name, "n_pictures": len(avatar.atlas)}
    with _one_thread():
        scenes = {f"{width}x{height}": _make_scene(avatar, (width, height)) for width, height in sizes}
        result["sizes"] = _measure_rendering(scenes, report)
        result["listening"] = _measure_listening(avatar)
        result["latency_s"] = Engine(avatar).latency_s
        result["load_ms"] = _measure_loading(avatar)
    result["startup"] = _measure_startup(report)
    if training_video is not None:
        result["training"] = _measure_training(training_video, report)
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


@contextmanager
def _one_thread() -> Iterator[None]:
    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(n_threads)


@dataclass(frozen=True)
class _Scene:
    """The avatar at one picture size, and what it is to say there: a template and coefficients for each round."""

    renderer: Compositor
    script: list[tuple[TemplateFrame, np.ndarray]]


def _make_scene(avatar: Avatar, size: tuple[int, int]) -> _Scene:
    """The avatar, enlarged to fill pictures of `size`: the same compositor draws, only the pixels are more."""
    originals = [frame for frame in islice(avatar.idle_template(avatar.fps).frames(), _N_TEMPLATES) if frame.face]
    if not originals or originals[0].face is None:
        raise InputError(f"{avatar.directory}: the idle loop shows no face at its beginning; train the avatar again")
    region = originals[0].face.lower[LOWER_MOUTH_REGION]
    scale = _patch_px(size) / float(np.ptp(region, axis=0).max())
    middle = np.array([size[0] / 2, size[1] * _MOUTH_HEIGHT])
    shift = middle - scale * (region.min(0) + region.max(0)) / 2
    templates = [_enlarged_template(frame, size, scale, shift) for frame in originals]
    coefficients = avatar.atlas.coefficients
    script = [
        (templates[number % len(templates)], coefficients[number % len(coefficients)])
        for number in range(N_WARM_UP_ROUNDS + N_ROUNDS)
    ]
    retriever = Retriever(avatar.atlas, avatar.shape)
    shown = {retriever.next(wanted, frame.face.turn) for frame, wanted in script if frame.face}
    return _Scene(
        Compositor(avatar.shape, _enlarged_atlas(avatar.atlas, scale, shown), FaceMesh(avatar.shape)),
        script,
    )


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


def _enlarged_atlas(atlas: Atlas, scale: float, shown: set[int]) -> Atlas:
    """The atlas of a larger video; only pictures that will be `shown` are worth the work."""

    def enlarged(index: int, picture: bytes) -> bytes:
        if index not in shown:
            return picture
        return encode_picture(cv2.resize(atlas.picture(index), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))

    pictures = tuple(enlarged(index, picture) for index, picture in enumerate(atlas.pictures))
    return replace(atlas, pictures=pictures, vertices=(atlas.vertices * scale).astype(np.float32))


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
    with ExitStack() as stack:
        for owner, name, part in PARTS:
            stack.enter_context(watch.watching(owner, name, part))
        for number in range(N_WARM_UP_ROUNDS + N_ROUNDS):
            for key, scene in scenes.items():
                spent_s = _draw_one(scene, number, watch)
                patches[key] = list(watch.arguments["blend"][0].shape[1::-1])
                if number >= N_WARM_UP_ROUNDS:
                    for part, seconds in spent_s.items():
                        times[key][part].append(seconds)
            report("drawing", number + 1, N_WARM_UP_ROUNDS + N_ROUNDS, "")
    return {key: _summary(parts) | {"patch_px": patches[key]} for key, parts in times.items()}


def _draw_one(scene: _Scene, number: int, watch: _Stopwatch) -> dict[str, float]:
    """Seconds of one frame, of its parts, and of its rivals."""
    template, coefficients = scene.script[number]
    watch.spent_s.clear()
    frame_s = _seconds(partial(scene.renderer.render, template, coefficients))
    spent_s = {part: watch.spent_s[part] for _, _, part in PARTS}
    patch, picture, mask = watch.arguments["blend"][:3]
    stencil = mask.astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(stencil)
    middle = (left + width // 2, top + height // 2)
    clone_s = _seconds(partial(cv2.seamlessClone, patch, picture, stencil, middle, cv2.NORMAL_CLONE))
    return spent_s | {"frame": frame_s, "seamless_clone": clone_s, "frame_copy": _seconds(template.image.copy)}


def _seconds(function: Callable[[], Any]) -> float:
    start_s = time.perf_counter()
    function()
    return time.perf_counter() - start_s


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


def _measure_listening(avatar: Avatar) -> dict[str, Any]:
    """Time of one mel frame through spectrogram and network, and how many seconds of sound are heard in one second."""
    generator = np.random.default_rng(0)
    samples = (0.1 * generator.standard_normal(time_to_samples(HEARD_S))).astype(np.float32)
    spectrogram, predictor = MelSpectrogram(), Predictor(avatar.step)

    def hear(block: np.ndarray) -> None:
        predictor.push(spectrogram.push(block))

    steps_s = [_seconds(partial(hear, block)) for block in _blocks(samples, HOP_LENGTH)]
    listener = avatar.listener()
    spent_s = sum(_seconds(partial(listener.push, block)) for block in _blocks(samples, _BLOCK_LENGTH))
    heard_s = float(sample_time(len(samples)))
    return {"mel_frame_us": _percentiles(steps_s, 1e6), "sound_s_per_s": round(heard_s / spent_s, 1)}


def _blocks(samples: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return (samples[start : start + length] for start in range(0, len(samples), length))


def _measure_loading(avatar: Avatar) -> dict[str, float]:
    return _percentiles([_seconds(partial(Avatar.load, avatar.directory)) for _ in range(N_LOADS)], 1e3)


def _measure_startup(report: Progress) -> dict[str, Any]:
    """Wall-clock and processor time of fresh interpreters, medians: doing nothing, importing the engine, `--help`."""
    commands = {
        "bare_python": ("-c", "pass"),
        "import_engine": ("-c", "import hygiesync.engine"),
        "help": ("-m", "hygiesync", "--help"),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(N_STARTS + 1):
        for name, arguments in commands.items():
            runs[name].append(_run_python(arguments))
        report("starting", number + 1, N_STARTS + 1, "")
    # the first run of each reads files that the others find in memory
    medians = {name: np.median(pairs[1:], axis=0) * 1e3 for name, pairs in runs.items()}
    startup: dict[str, Any] = {
        name: {"wall_ms": round(float(wall), 2), "cpu_ms": round(float(cpu), 2)}
        for name, (wall, cpu) in medians.items()
    }
    startup["ratios"] = {
        "import_engine_to_bare_python_wall": round(float(medians["import_engine"][0] / medians["bare_python"][0]), 3),
        "help_to_bare_python_cpu": round(float(medians["help"][1] / medians["bare_python"][1]), 3),
    }
    return startup


def _run_python(arguments: Sequence[str]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall_s = _seconds(partial(_checked_run, arguments, os.devnull, subprocess.Popen.wait))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _checked_run(arguments: Sequence[str], log: str, attend: Callable[[subprocess.Popen[bytes]], Any]) -> None:
    """Run an interpreter that finds this package, while `attend` watches it.

    Raises
    ------
    HygieSyncError
        When it fails.
    """
    home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": path},
        )
    try:
        attend(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        said = Path(log).read_text(errors="replace").strip().rpartition("\n")[2] if log != os.devnull else ""
        command = " ".join(["python", *arguments[:3]]).replace("\n", " ").strip()
        raise HygieSyncError(f"{command} ended with exit code {process.returncode}: {said or 'run it to see why'}")


def _measure_training(video: Path, report: Progress) -> dict[str, Any]:
    """Training between two bare passes over the same video, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder:
        log, out = str(Path(folder, "log")), str(Path(folder, "avatar"))
        bare, train = ["-c", _BARE_PASS, str(video)], ["-m", "hygiesync", "train", str(video), "--out", out]
        spent_s, peaks = [], []
        for number, arguments in enumerate((bare, train, bare)):
            report("training", number, 3, "")
            peak = _PeakMemory()
            spent_s.append(_seconds(partial(_checked_run, arguments, log, peak.watch)))
            peaks.append(peak.n_bytes)
        report("training", 3, 3, "")
    bare_s = (spent_s[0] + spent_s[2]) / 2
    return {
        "video_s": round(float(probe(video).duration_s), 2),
        "train_s": round(spent_s[1], 2),
        "facemesh_s": round(bare_s, 2),
        "ratio": round(spent_s[1] / bare_s, 3),
        "train_peak_mb": round(peaks[1] / 1e6, 1),
        "facemesh_peak_mb": round(max(peaks[0], peaks[2]) / 1e6, 1),
    }


class _PeakMemory:
    """The most memory that a process and its children held together; pages that they share count for each."""

    def __init__(self) -> None:
        self.n_bytes = 0

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Look again and again until `process` has ended."""
        import psutil

        while process.poll() is None:
            try:
                parent = psutil.Process(process.pid)
                family = [parent, *parent.children(recursive=True)]
                self.n_bytes = max(self.n_bytes, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                pass
            time.sleep(_RSS_EVERY_S)


def format_bench(result: dict[str, Any]) -> str:
    """A table to read, ratios first.

    Parameters
    ----------
    result : dict
        From :func:`bench`.
    """
    machine, startup = result["machine"], result["startup"]
    lines = [
        f"{machine['n_cores']} cores {machine['processor']}, Python {machine['python']}, one thread; avatar"
        f" {result['avatar']} with {result['n_pictures']} pictures"
    ]
    for key, size in result["sizes"].items():
        lines += ["", *_size_lines(key, size)]
    lines += [
        "",
        f"listening      {result['listening']['mel_frame_us']['p50']:.0f} us a mel frame,"
        f" {result['listening']['sound_s_per_s']:.0f} s of sound a second",
        f"latency        {result['latency_s'] * 1e3:.0f} ms from sound to picture, before devices",
        f"loading        {result['load_ms']['p50']:.0f} ms",
        f"import engine  {startup['ratios']['import_engine_to_bare_python_wall']:.1f} x a bare Python"
        f" ({startup['import_engine']['wall_ms']:.0f} against {startup['bare_python']['wall_ms']:.0f} ms)",
        f"--help         {startup['ratios']['help_to_bare_python_cpu']:.1f} x a bare Python's processor time"
        f" ({startup['help']['cpu_ms']:.0f} against {startup['bare_python']['cpu_ms']:.0f} ms)",
    ]
    if "training" in result:
        training = result["training"]
        lines.append(
            f"training       {training['ratio']:.2f} x a bare FaceMesh pass ({training['train_s']:.1f} against"
            f" {training['facemesh_s']:.1f} s), at most {training['train_peak_mb']:.0f} MB"
        )
    return "\n".join(lines)


def _size_lines(key: str, size: dict[str, Any]) -> list[str]:
    ratios = size["ratios"]
    width, height = size["patch_px"]
    lines = [
        f"{key}, mouth patch {width} x {height} px",
        f"  frame / cv2.seamlessClone   p50 {ratios['frame_p50_to_seamless_clone_p50']:6.2f}"
        f"   p99 {ratios['frame_p99_to_seamless_clone_p50']:6.2f}",
        f"  frame / frame copy          p50 {ratios['frame_p50_to_frame_copy_p50']:6.1f}"
        f"   p99 {ratios['frame_p99_to_frame_copy_p50']:6.1f}",
        "  ms                             p50      p95      p99",
    ]
    for name, label in _LABELS.items():
        times = size[f"{name}_ms"]
        lines.append(f"    {label:<22}" + "".join(f"{times[share]:9.2f}" for share in ("p50", "p95", "p99")))
    return lines


_LABELS = {
    "frame": "frame",
    "retrieval": "  retrieval",
    "warp": "  warp",
    "decode": "  decoding the mouth",
    "blend": "  blend",
    "seamless_clone": "cv2.seamlessClone",
    "frame_copy": "frame copy",
}
