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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import WHOLE_RECORDING
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError
from hygiesync.evaluation.contact_sheet import Strip, contact_sheet
from hygiesync.evaluation.measures import format_table, lip_measures
from hygiesync.evaluation.picture_quality import PictureComparison
from hygiesync.evaluation.real_video import RealVideo, to_canonical_face, watch_real_video
from hygiesync.evaluation.report import Report, write_report
from hygiesync.extras import require
from hygiesync.face.pose import similarity_scale
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.media.audio import probe_audio
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe, read_frames
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.progress import Progress
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.speech_to_shape.stream import moments_at
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
    require("report", "evaluating")
    tell = progress or (lambda *_: None)
    probe_audio(video)
    with _folder_for(keep) as folder:
        files = {row: Path(folder) / f"{row}.mp4" for row in ROWS}
        _check_destinations(Path(video), report, list(files.values()))
        real = watch_real_video(avatar, video, tell)
        wanted, sounds = _coefficients(avatar, real)
        for row, coefficients in wanted.items():
            _write(avatar, real, row, _pictures(avatar, real, coefficients, sounds), files[row], tell)
        tracks = {row: _watch_row(avatar, files[row], row, tell) for row in ROWS}
        pictures = {row: _compare_pictures(avatar, real, files[row], row, tell) for row in ROWS}
        shapes = _shapes(avatar, real, tracks)
        rows = {row: _measure(real, shapes["real"], shapes[row], pictures[row]) for row in ROWS}
        if report is not None:
            strips = [Strip(real.info.path, real.track, "real")]
            strips += [Strip(files[row], tracks[row], row) for row in ("ours", "oracle")]
            write_report(report, Report(avatar, real.info, rows, strips, shapes, pictures))
    return rows


def _watch_row(avatar: VideoAvatar, file: Path, row: str, tell: Progress) -> FaceTrack:
    """Find the face in a row's video."""
    info = probe(file)
    return watch(info, 0.0, lambda done: tell(f"watching {row}", done, info.n_frames, ""), wanted=avatar.looks)


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


def _coefficients(
    avatar: VideoAvatar, real: RealVideo
) -> tuple[dict[str, NDArray[np.float64] | None], NDArray[np.float64]]:
    """Row -> coefficients (n_frames, n_components) to draw, None for the pictures as they are; and the sound features.

    All rows hear the real sound (n_frames, n_sound_frames, n_mels); they differ in what mouth is wanted.
    """
    smooth = real.track.smoothed()
    oracle = avatar.shape.transform(to_canonical_face(avatar, smooth), real.places.turns)
    times = [Fraction(time_s) for time_s in real.track.times_s.tolist()]
    heard = np.concatenate(list(Soundtrack(real.info.path, is_heard=True).heard()))
    ours, sounds = moments_at(avatar.speech_stream(lookahead_ms=WHOLE_RECORDING), heard, times)
    return {"reencoded": None, "oracle": oracle, "ours": ours, "mean": np.zeros_like(ours)}, sounds


def _write(
    avatar: VideoAvatar,
    real: RealVideo,
    row: str,
    pictures: Iterator[VideoFrame],
    out: Path,
    tell: Progress,
) -> None:
    """Dub the video over itself."""
    info, done = real.info, count(1)
    write_pictures(
        pictures,
        out,
        (info.width, info.height),
        info.fps,
        Provenance.from_avatar(avatar, _METHODS[row]).tags() if row in _METHODS else {"comment": _REAL_NOTE},
        sound=Soundtrack(info.path, is_heard=False),
        progress=lambda _: tell(f"writing {row}", next(done), len(real.track), ""),
    )


def _pictures(
    avatar: VideoAvatar, real: RealVideo, coefficients: NDArray[Any] | None, sounds: NDArray[Any]
) -> Iterator[VideoFrame]:
    with real.frames() as frames:
        if coefficients is None:
            yield from (VideoFrame(frame.image, frame.time_s) for frame in frames)
            return
        compositor = avatar.renderer(WHOLE_PATH_LAG)
        for frame, *moment in zip(frames, coefficients, sounds, strict=True):
            yield from (VideoFrame(picture, drawn.time_s) for drawn, picture in compositor.push(frame, *moment))
        yield from (VideoFrame(picture, drawn.time_s) for drawn, picture in compositor.flush())


def _shapes(avatar: VideoAvatar, real: RealVideo, tracks: dict[str, FaceTrack]) -> dict[str, NDArray[np.float64]]:
    """Canonical lower faces (n_frames, n_lower, 2) at the real frames' times; NaN where there is nothing to compare."""
    times = real.track.times_s
    lower = to_canonical_face(avatar, real.track)
    lower[~real.has_place] = np.nan
    shapes = {"real": lower}
    for row, track in tracks.items():
        nearest = np.searchsorted((track.times_s[1:] + track.times_s[:-1]) / 2, times)
        shapes[row] = to_canonical_face(avatar, track)[nearest]
        shapes[row][np.abs(track.times_s[nearest] - times) > _SAME_TIME_S] = np.nan
        shapes[row][np.isnan(lower)] = np.nan
    return shapes


def _compare_pictures(avatar: VideoAvatar, real: RealVideo, file: Path, row: str, tell: Progress) -> PictureComparison:
    """Compare a written video's pictures with the real ones, paired by presentation time."""
    px_per_unit = float(np.median(similarity_scale(real.places.to_picture[real.has_place])))
    comparison = PictureComparison(avatar.shape, px_per_unit)
    with real.frames() as real_frames:
        others = read_frames(file, n_threads=1)
        other = next(others, None)
        for number, frame in enumerate(real_frames):
            while other is not None and other.time_s < frame.time_s - Fraction(_SAME_TIME_S):
                other = next(others, None)
            if frame.face is None or other is None or other.time_s > frame.time_s + Fraction(_SAME_TIME_S):
                comparison.skip()
            else:
                height, width = frame.image.shape[:2]
                comparison.add(frame.image, other.image[:height, :width], frame.face)
            tell(f"comparing {row}", number + 1, len(real.track), "")
    return comparison


def _measure(real: RealVideo, wanted: NDArray[Any], got: NDArray[Any], pictures: PictureComparison) -> dict[str, float]:
    frame_s = float(video_frame_time(1, real.info.fps))
    measures = {**lip_measures(wanted, got, real.track.shots(), frame_s), **pictures.measures()}
    return {name: round(value, 4) for name, value in measures.items()}
