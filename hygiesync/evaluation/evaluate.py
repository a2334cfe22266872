"""Measuring an avatar against a real video of its person that it was not trained on.

The video is dubbed four times over itself, each time with other knowledge of the lips, written as an mp4 like any
rendering, read back, and compared with the real video::

    reencoded   the real pictures          what encoding and landmark detection cost: nothing can be better
    oracle      the true coefficients      what the renderer costs
    ours        coefficients heard         what hearing the lips costs on top
    mean        the mean mouth, still      what knowing nothing gives
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError
from hygiesync.evaluation.contact_sheet import Strip, contact_sheet
from hygiesync.evaluation.measures import format_table, lip_measures
from hygiesync.evaluation.picture_quality import PictureComparison
from hygiesync.evaluation.report import Report, write_report
from hygiesync.evaluation.scene import Progress, Scene, to_canonical_face, watch_scene
from hygiesync.face.pose import similarity_scale
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.media.audio import probe_audio, read_audio
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe, read_frames
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.render.compositor import WHOLE_PATH_LAG
from hygiesync.speech_to_shape.stream import coefficients_at
from hygiesync.timing import video_frame_time

__all__ = ["ROWS", "contact_sheet", "evaluate", "format_table"]

ROWS = ("reencoded", "oracle", "ours", "mean")

_SAME_TIME_S = 1e-3
_METHODS = {"oracle": Method.OWN_LIPS, "ours": Method.FROM_SOUND, "mean": Method.HELD_STILL}
_REAL_NOTE = "The real recording, encoded again by hygiesync to be compared with; nothing in it was generated."


def evaluate(
    avatar: VideoAvatar,
    video: PathLike,
    *,
    keep: Path | None = None,
    report: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, dict[str, float]]:
    """Measure an avatar on a video of its person.

    Parameters
    ----------
    avatar : Avatar
    video : path
        With sound; not one that the avatar was trained on.
    keep : Path, optional
        Folder for the four dubbed videos, ``reencoded.mp4`` and so on; they are thrown away when left out.
    report : Path, optional
        HTML file to write, with pictures.
    progress : callable, optional

    Returns
    -------
    dict of dict of float
        Row -> measure -> value; see :data:`hygiesync.evaluation.measures.MEASURES`.

    Raises
    ------
    InputError
        When the video has no sound or no frontal face, or something can't be written.
    UsageError
        When `keep` or `report` would write over the video.
    """
    tell = progress or _tell_nobody
    probe_audio(video)
    with _folder_for(keep) as folder:
        files = {row: Path(folder) / f"{row}.mp4" for row in ROWS}
        _check_destinations(Path(video), report, list(files.values()))
        scene = watch_scene(avatar, video, tell)
        for row, coefficients in _coefficients(avatar, scene).items():
            _write(avatar, scene, row, coefficients, files[row], tell)
        tracks = {row: _watch_row(files[row], row, tell) for row in ROWS}
        pictures = {row: _compare_pictures(avatar, scene, files[row], row, tell) for row in ROWS}
        shapes = _shapes(avatar, scene, tracks)
        rows = {row: _measure(scene, shapes["real"], shapes[row], pictures[row]) for row in ROWS}
        if report is not None:
            strips = [Strip(scene.info.path, scene.track, "real")]
            strips += [Strip(files[row], tracks[row], row) for row in ("ours", "oracle")]
            write_report(report, Report(avatar, scene.info, rows, strips, shapes, pictures))
    return rows


def _watch_row(file: Path, row: str, tell: Progress) -> FaceTrack:
    """Find the face in a row's video."""
    info = probe(file)
    return watch(info, 0.0, lambda done: tell(f"watching {row}", done, info.n_frames))


def _tell_nobody(stage: str, done: int, total: int) -> None:
    pass


def _folder_for(keep: Path | None) -> AbstractContextManager[str | Path]:
    if keep is None:
        return TemporaryDirectory(prefix="hygiesync-")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{keep}: can't be made ({error.strerror}); choose another folder for the videos") from error
    return nullcontext(keep)


def _check_destinations(video: Path, report: Path | None, files: list[Path]) -> None:
    """Refuse what could not be written, or would destroy the video, before the work and not after."""
    for file in [*files, *([] if report is None else [report])]:
        check_not_same(file, video)
    if report is not None and (report.is_dir() or not report.absolute().parent.is_dir()):
        raise InputError(f"{report}: can't be written; expected the name of an HTML file in a folder that exists")


def _coefficients(avatar: VideoAvatar, scene: Scene) -> dict[str, np.ndarray | None]:
    """Row -> coefficients (n_frames, n_components) to draw; None for the pictures as they are."""
    smooth = scene.track.smoothed()
    oracle = avatar.shape.transform(to_canonical_face(avatar, smooth), scene.places.turns)
    times = [Fraction(time_s) for time_s in scene.track.times_s.tolist()]
    ours = coefficients_at(avatar.listener(), read_audio(scene.info.path), times)
    return {"reencoded": None, "oracle": oracle, "ours": ours, "mean": np.zeros_like(ours)}


def _write(
    avatar: VideoAvatar, scene: Scene, row: str, coefficients: np.ndarray | None, out: Path, tell: Progress
) -> None:
    """Dub the video over itself."""
    info, done = scene.info, count(1)
    write_pictures(
        _pictures(avatar, scene, coefficients),
        out,
        (info.width, info.height),
        info.fps,
        Provenance.from_avatar(avatar, _METHODS[row]).tags() if row in _METHODS else {"comment": _REAL_NOTE},
        audio=info.path,
        progress=lambda _: tell(f"writing {row}", next(done), len(scene.track)),
    )


def _pictures(avatar: VideoAvatar, scene: Scene, coefficients: np.ndarray | None) -> Iterator[VideoFrame]:
    with scene.frames() as frames:
        if coefficients is None:
            yield from (VideoFrame(frame.image, frame.time_s) for frame in frames)
            return
        compositor = avatar.renderer(WHOLE_PATH_LAG)
        for frame, wanted in zip(frames, coefficients, strict=True):
            yield from (VideoFrame(picture, drawn.time_s) for drawn, picture in compositor.push(frame, wanted))
        yield from (VideoFrame(picture, drawn.time_s) for drawn, picture in compositor.flush())


def _shapes(avatar: VideoAvatar, scene: Scene, tracks: dict[str, FaceTrack]) -> dict[str, np.ndarray]:
    """Canonical lower faces (n_frames, n_lower, 2) at the real frames' times; NaN where there is nothing to compare."""
    times = scene.track.times_s
    real = to_canonical_face(avatar, scene.track)
    real[~scene.has_place] = np.nan
    shapes = {"real": real}
    for row, track in tracks.items():
        nearest = np.searchsorted((track.times_s[1:] + track.times_s[:-1]) / 2, times)
        shapes[row] = to_canonical_face(avatar, track)[nearest]
        shapes[row][np.abs(track.times_s[nearest] - times) > _SAME_TIME_S] = np.nan
        shapes[row][np.isnan(real)] = np.nan
    return shapes


def _compare_pictures(avatar: VideoAvatar, scene: Scene, file: Path, row: str, tell: Progress) -> PictureComparison:
    """Compare a written video's pictures with the real ones, paired by presentation time."""
    px_per_unit = float(np.median(similarity_scale(scene.places.to_picture[scene.has_place])))
    comparison = PictureComparison(avatar.shape, px_per_unit)
    with scene.frames() as real_frames:
        others = read_frames(file, n_threads=1)
        other = next(others, None)
        for number, real in enumerate(real_frames):
            while other is not None and other.time_s < real.time_s - Fraction(_SAME_TIME_S):
                other = next(others, None)
            if real.face is None or other is None or other.time_s > real.time_s + Fraction(_SAME_TIME_S):
                comparison.skip()
            else:
                height, width = real.image.shape[:2]
                comparison.add(real.image, other.image[:height, :width], real.face)
            tell(f"comparing {row}", number + 1, len(scene.track))
    return comparison


def _measure(scene: Scene, real: np.ndarray, other: np.ndarray, pictures: PictureComparison) -> dict[str, float]:
    frame_s = float(video_frame_time(1, scene.info.fps))
    measures = {**lip_measures(real, other, scene.track.shots(), frame_s), **pictures.measures()}
    return {name: round(value, 4) for name, value in measures.items()}
