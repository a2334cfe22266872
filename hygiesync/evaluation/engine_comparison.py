"""The same video of a person, said anew by several renderers and engines, and judged side by side.

Each is given the video's sound and, as template, the video half its length later (see other_moments.py), and its lips
are compared with the real ones of the moment. Mouths are cut out where each video's own face is, since heads differ.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import WHOLE_RECORDING
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError, MissingDependencyError, UsageError
from hygiesync.evaluation.comparison_report import ComparisonReport, write_comparison
from hygiesync.evaluation.contact_sheet import Strip
from hygiesync.evaluation.measures import MEASURES, Measure, Rows, lip_measures
from hygiesync.evaluation.mouth_look import MouthLook
from hygiesync.evaluation.other_moments import OtherMoments
from hygiesync.evaluation.picture_quality import mouth_window
from hygiesync.evaluation.real_video import RealVideo, to_canonical_face, watch_real_video
from hygiesync.external.dubbing import DUBBING_FPS, dub_by_engine
from hygiesync.external.interface import Ability
from hygiesync.external.process import TIME_LIMIT_S
from hygiesync.extras import require
from hygiesync.face.pose import similarity_scale
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.media.audio import probe_audio, read_audio
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe, read_frames
from hygiesync.pipelines.by_engine import EngineOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.progress import Progress
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.speech_to_shape.stream import moments_at
from hygiesync.timing import video_frame_time

OWN = ("retrieval",)
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

_LOOK_EVERY_S = 0.05


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
    ways, left_out = _ways(engines, time_limit_s)
    probe_audio(video)
    _check_destinations(Path(video), report, keep, list(ways))
    with TemporaryDirectory(prefix="hygiesync-") if keep is None else nullcontext(keep) as folder:
        real = watch_real_video(avatar, video, tell)
        strips, rows, shapes = [Strip(real.info.path, real.track, "real")], {}, {"real": _real_shapes(avatar, real)}
        for name, way in ways.items():
            out = Path(folder, f"{name}.mp4")
            try:
                cost = _write(avatar, real, way, out, name, tell)
            except MissingDependencyError as error:
                left_out[name] = str(error)
                continue
            track = _watch(out, name, tell)
            shapes[name] = _shapes_at(avatar, track, real.track.times_s)
            rows[name] = _judge(avatar, real, out, track, shapes["real"], shapes[name]) | cost
            strips.append(Strip(out, track, name))
        if not rows:
            raise MissingDependencyError("; ".join(left_out.values()))
        write_comparison(report, ComparisonReport(avatar, real.info, rows, COMPARED, left_out, strips, shapes))
    return Comparison(rows, left_out)


Way = Callable[[VideoAvatar, RealVideo, Progress], tuple[Iterator[VideoFrame], Fraction]]
"""Gives a video's pictures anew, and their nominal rate."""


def _ways(names: Sequence[str], time_limit_s: float) -> tuple[dict[str, Way], dict[str, str]]:
    """What can be used of the names, and why the rest can't."""
    ways: dict[str, Way] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if name in OWN:
            ways[name] = _by_ourselves
            continue
        try:
            ways[name] = _by_engine(EngineOptions(engine=name, time_limit_s=time_limit_s))
        except MissingDependencyError as error:
            left_out[name] = str(error)
        except UsageError as error:
            raise UsageError(f"{error}; hygiesync's own: {', '.join(OWN)}") from error
    if not ways:
        raise UsageError("; ".join(left_out.values()) or "`engines`: expected at least one name, got none")
    return ways, left_out


def _by_ourselves(avatar: VideoAvatar, real: RealVideo, tell: Progress) -> tuple[Iterator[VideoFrame], Fraction]:
    return _drawn(avatar, real), real.info.fps


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


def _real_shapes(avatar: VideoAvatar, real: RealVideo) -> NDArray[np.float64]:
    lower = to_canonical_face(avatar, real.track)
    lower[~real.has_place] = np.nan
    return lower


def _shapes_at(avatar: VideoAvatar, track: FaceTrack, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Canonical lower faces (n_times, n_lower, 2) of a track, interpolated between its frames; NaN without a face."""
    lower = to_canonical_face(avatar, track)
    after = np.clip(np.searchsorted(track.times_s, times_s), 1, len(track) - 1)
    span_s = track.times_s[after] - track.times_s[after - 1]
    share = np.clip((times_s - track.times_s[after - 1]) / span_s, 0, 1)[:, None, None]
    between = (1 - share) * lower[after - 1] + share * lower[after]
    # on a frame itself only that frame counts, whatever its neighbours show
    exact = np.where(share == 0, lower[after - 1], np.where(share == 1, lower[after], between))
    exact[times_s > track.times_s[-1] + span_s.max()] = np.nan
    return exact


def _judge(
    avatar: VideoAvatar,
    real: RealVideo,
    out: Path,
    track: FaceTrack,
    wanted: NDArray[np.float64],
    got: NDArray[np.float64],
) -> dict[str, float]:
    frame_s = float(video_frame_time(1, real.info.fps))
    got = np.where(np.isnan(wanted), np.nan, got)
    measures = {**lip_measures(wanted, got, real.track.shots(), frame_s), **_compare_mouths(avatar, real, out, track)}
    return {name: round(value, 4) for name, value in measures.items()}


def _compare_mouths(avatar: VideoAvatar, real: RealVideo, out: Path, track: FaceTrack) -> dict[str, float]:
    """How the mouths look, each cut out where its own face is, paired by time."""
    places = FacePlaces.from_track(track, avatar.pose)
    px_per_unit = float(np.median(similarity_scale(real.places.to_picture[real.has_place])))
    window, look = mouth_window(avatar.shape, px_per_unit), MouthLook()
    others = enumerate(read_frames(out, n_threads=1))
    number, other = next(others)
    with real.frames() as frames:
        for frame in frames:
            while number + 1 < len(track) and _is_nearer(track.times_s, number + 1, float(frame.time_s)):
                number, other = next(others)
            face = places.face(number)
            if frame.face is None or face is None:
                look.skip()
            else:
                look.add(window.cut(frame.image, frame.face.to_picture), window.cut(other.image, face.to_picture))
    return look.measures()


def _is_nearer(times_s: NDArray[np.float64], number: int, time_s: float) -> bool:
    return abs(float(times_s[number]) - time_s) <= abs(float(times_s[number - 1]) - time_s)


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


class PeakMemory:
    """The most memory that this process and its children held while the body ran; a context manager.

    Looked at twenty times a second by a thread; pages that processes share count for each.

    Attributes
    ----------
    n_bytes : int
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        import psutil

        here = psutil.Process()
        while True:
            held = 0
            for process in [here, *here.children(recursive=True)]:
                try:
                    held += process.memory_info().rss
                except psutil.Error:  # it has ended meanwhile
                    continue
            self.n_bytes = max(self.n_bytes, held)
            if self._is_over.wait(_LOOK_EVERY_S):
                return
