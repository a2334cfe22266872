"""The same video of a person, said anew by several renderers and engines, and judged side by side.

Each is given the video's sound and, as template, the video half its length later (see other_moments.py), and its lips
are compared with the real ones of the moment. Mouths are cut out where each video's own face is, since heads differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from hygiesync.avatar.bundle import WHOLE_RECORDING
from hygiesync.avatar.manifest import RENDERERS
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError, MissingDependencyError, UsageError
from hygiesync.evaluation.comparison_report import ComparisonReport, write_comparison
from hygiesync.evaluation.contact_sheet import Strip
from hygiesync.evaluation.judging import judge, real_shapes, shapes_at
from hygiesync.evaluation.measures import MEASURES, Measure, Rows
from hygiesync.evaluation.other_moments import OtherMoments
from hygiesync.evaluation.peak_memory import PeakMemory
from hygiesync.evaluation.real_video import RealVideo, watch_real_video
from hygiesync.external.dubbing import DUBBING_FPS, dub_by_engine
from hygiesync.external.interface import Ability
from hygiesync.external.process import TIME_LIMIT_S
from hygiesync.extras import require
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.media.audio import probe_audio, read_audio
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe
from hygiesync.pipelines.by_engine import EngineOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.progress import Progress
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.speech_to_shape.stream import moments_at

OWN = RENDERERS
"""Renderers of hygiesync's own."""

_SHOWN = {
    "frames", "faces_found", "lip_distance_pct", "opening_correlation", "width_correlation", "opening_amplitude",
    "lag_ms", "jitter_ratio", "closed_opening_real_pct", "closed_opening_pct", "mouth_psnr_db", "mouth_sharpness_ratio",
    "mouth_flicker_ratio",
}  # fmt: skip
COMPARED: tuple[Measure, ...] = (
    *(measure for measure in MEASURES if measure.name in _SHOWN),
    Measure("ms_per_picture", "time a picture, ms", "low", 0),
    Measure("memory_mb", "memory at most, MB", "low", 0),
)
"""What is compared."""


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Attributes
    ----------
    rows : mapping
        Name -> measure -> value.
    left_out : dict of str to str
        Name -> why.
    """

    rows: Rows
    left_out: dict[str, str]


def compare(
    avatar: VideoAvatar,
    video: PathLike,
    engines: Sequence[str],
    report: Path,
    *,
    keep: Path | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    progress: Progress | None = None,
) -> Comparison:
    """Let several renderers and engines say a video of an avatar's person, and judge them.

    Parameters
    ----------
    avatar : VideoAvatar
    video : path
        With sound; not one that the avatar was trained on.
    engines : sequence of str
        Of `OWN`, or of :data:`hygiesync.external.registry.ENGINES`. Those that can't be used are named and left out.
    report : Path
        HTML file to write.
    keep : Path, optional
        Folder for the videos; they are thrown away when left out.
    time_limit_s : float
        For each engine.
    progress : callable, optional

    Raises
    ------
    InputError
        When the video has no sound or no frontal face, or something can't be written.
    UsageError
        When there is no such engine, or none, or something would be written over the video.
    MissingDependencyError
        When none of the engines can be used.
    """
    require("report", "comparing")
    tell = progress or (lambda *_: None)
    ways, left_out = _ways(avatar, engines, time_limit_s)
    probe_audio(video)
    _check_destinations(Path(video), report, keep, list(ways))
    with TemporaryDirectory(prefix="hygiesync-") if keep is None else nullcontext(keep) as folder:
        real = watch_real_video(avatar, video, tell)
        strips, rows, shapes = [Strip(real.info.path, real.track, "real")], {}, {"real": real_shapes(avatar, real)}
        for name, way in ways.items():
            out = Path(folder, f"{name}.mp4")
            try:
                cost = _write(avatar, real, way, out, name, tell)
            except MissingDependencyError as error:
                left_out[name] = str(error)
                continue
            track = _watch(out, name, tell)
            shapes[name] = shapes_at(avatar, track, real.track.times_s)
            rows[name] = judge(avatar, real, out, track, shapes["real"], shapes[name]) | cost
            strips.append(Strip(out, track, name))
        if not rows:
            raise MissingDependencyError("; ".join(left_out.values()))
        write_comparison(report, ComparisonReport(avatar, real.info, rows, COMPARED, left_out, strips, shapes))
    return Comparison(rows, left_out)


Way = Callable[[VideoAvatar, RealVideo, Progress], tuple[Iterator[VideoFrame], Fraction]]
"""Gives a video's pictures anew, and their nominal rate."""


def _ways(avatar: VideoAvatar, names: Sequence[str], time_limit_s: float) -> tuple[dict[str, Way], dict[str, str]]:
    """What can be used of the names, and why the rest can't."""
    ways: dict[str, Way] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if name in OWN:
            try:
                ways[name] = _by_ourselves(avatar.with_renderer(name))
            except UsageError as error:
                left_out[name] = str(error)
            continue
        try:
            ways[name] = _by_engine(EngineOptions(engine=name, time_limit_s=time_limit_s))
        except MissingDependencyError as error:
            left_out[name] = str(error)
        except UsageError as error:
            raise UsageError(f"{error}; hygiesync's own: {', '.join(OWN)}") from error
    if not names:
        raise UsageError("`engines`: expected at least one name, got none")
    if not ways:
        raise MissingDependencyError("; ".join(left_out.values()))
    return ways, left_out


def _by_ourselves(drawn: VideoAvatar) -> Way:
    return lambda avatar, real, tell: (_drawn(drawn, real), real.info.fps)


def _by_engine(options: EngineOptions) -> Way:
    call = options.call(Ability.DUBS)

    def dub(avatar: VideoAvatar, real: RealVideo, tell: Progress) -> tuple[Iterator[VideoFrame], Fraction]:
        template = OtherMoments(real, DUBBING_FPS)
        size = real.info.width, real.info.height
        return dub_by_engine(call, avatar, template, size, real.info.path, DUBBING_FPS, tell), DUBBING_FPS

    return dub


def _drawn(avatar: VideoAvatar, real: RealVideo) -> Iterator[VideoFrame]:
    """The video's pictures with the mouths that are heard, drawn as `render` does."""
    times = [Fraction(time_s) for time_s in real.track.times_s.tolist()]
    wanted = moments_at(avatar.speech_stream(lookahead_ms=WHOLE_RECORDING), read_audio(real.info.path), times)
    renderer = avatar.renderer(WHOLE_PATH_LAG)
    for *moment, frame in zip(*wanted, OtherMoments(real).frames(), strict=False):
        yield from (VideoFrame(picture, drawn.time_s) for drawn, picture in renderer.push(frame, *moment))
    yield from (VideoFrame(picture, drawn.time_s) for drawn, picture in renderer.flush())


def _write(avatar: VideoAvatar, real: RealVideo, way: Way, out: Path, name: str, tell: Progress) -> dict[str, float]:
    """Write a way's video, and give what it cost."""
    info, n_written = real.info, 0

    def count(_: Fraction) -> None:
        nonlocal n_written
        n_written += 1
        tell(f"writing {name}", n_written, len(real.track), "")

    start_s = time.perf_counter()
    with PeakMemory() as memory:
        pictures, fps = way(avatar, real, tell)
        engine = None if name in OWN else name
        tags = Provenance.from_avatar(avatar, Method.FROM_SOUND, engine).tags()
        sound = Soundtrack(info.path, is_heard=False)
        write_pictures(pictures, out, (info.width, info.height), fps, tags, sound=sound, progress=count)
    spent_ms = 1000 * (time.perf_counter() - start_s)
    return {"ms_per_picture": round(spent_ms / max(n_written, 1), 1), "memory_mb": round(memory.n_bytes / 1e6)}


def _watch(out: Path, name: str, tell: Progress) -> FaceTrack:
    info = probe(out)
    return watch(info, 0.0, lambda done: tell(f"watching {name}", done, info.n_frames, ""))


def _check_destinations(video: Path, report: Path, keep: Path | None, names: Sequence[str]) -> None:
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{keep}: can't be made ({error.strerror}); choose another folder for the videos"
            ) from error
    for file in [report, *([] if keep is None else [keep / f"{name}.mp4" for name in names])]:
        check_not_same(file, video)
    if report.is_dir() or not report.absolute().parent.is_dir():
        raise InputError(f"{report}: can't be written; expected the name of an HTML file in a folder that exists")
