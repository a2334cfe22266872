"""Contact sheets: the same moments of several videos above each other, at the scale of the mouth."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np

from hygiesync.apps.evaluation.moments import Moment, choose_moments, to_level_face, voice_at
from hygiesync.avatar.tracking import watch
from hygiesync.errors import InputError, UsageError
from hygiesync.face.pose import apply_similarity, invert_similarity
from hygiesync.face.topology import LOWER_LIPS
from hygiesync.face.track import FaceTrack
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe, read_frames

MOUTH_TILE, FACE_TILE = (184, 138), (184, 230)
"""(width, height) of the pictures on a sheet."""

_MOUTH_WIDTH, _FACE_WIDTH = 1.05, 2.0
_FACE_CENTRE = np.array([0.0, 0.5])
_GAP, _LABEL_WIDTH, _CAPTION_HEIGHT, _DPI = 6, 136, 52, 100
_PAPER, _INK, _NO_PICTURE = "#ffffff", "#20242b", 225
_INSTANT_S = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class Strip:
    """A video in a contact sheet, with the face in it."""

    path: Path
    track: FaceTrack
    label: str


def contact_sheet(
    videos: Sequence[PathLike],
    out: PathLike,
    labels: Sequence[str],
    *,
    moments: Sequence[Moment] | None = None,
    n_moments: int = 8,
    face_row: int = -1,
) -> None:
    """Write a PNG that shows the same moments of videos: a row for each, and one of whole faces.

    Parameters
    ----------
    videos : sequence of path
        With the same time scale, the real one first.
    out : path
        The PNG to write; it is whole or not there.
    labels : sequence of str
        What stands before each row.
    moments : sequence of Moment, optional
        Chosen for variety from the first video when left out.
    n_moments : int
        How many are chosen, at most.
    face_row : int
        Which of the videos is shown with its whole face.

    Raises
    ------
    InputError
        When a video can't be read, none of its pictures shows a face, or `out` can't be written.
    UsageError
        When there are not as many labels as videos, or no videos.
    """
    if not videos or len(labels) != len(videos):
        raise UsageError(f"contact sheet: expected a label for each video, got {len(videos)} and {len(labels)} labels")
    infos = [probe(video) for video in videos]
    strips = [Strip(i.path, watch(i, min_share=0.0), label) for i, label in zip(infos, labels, strict=True)]
    if not moments:
        moments = choose_moments(strips[0].track, voice_at(infos[0], strips[0].track.times_s), n_moments)
    write_whole(Path(out), sheet_png(strips, moments, face_row))


def sheet_png(strips: Sequence[Strip], moments: Sequence[Moment], face_row: int = -1) -> bytes:
    """Contact sheet as the content of a PNG; see :func:`contact_sheet`."""
    rows = [(strip.label, [_mouth_tile(strip, moment) for moment in moments]) for strip in strips]
    shown = strips[face_row]
    rows.append((f"{shown.label},\nwhole face", [_face_tile(shown, moment) for moment in moments]))
    captions = [f"{moment.caption}\n{moment.time_s:.2f} s" for moment in moments]
    return lay_out(rows, captions)


def lay_out(rows: Sequence[tuple[str, Sequence[np.ndarray]]], captions: Sequence[str]) -> bytes:
    """Pictures (H, W, 3), uint8, in labelled rows and captioned columns, pixel for pixel, as a PNG."""
    from matplotlib.figure import Figure

    heights = [pictures[0].shape[0] for _, pictures in rows]
    step = rows[0][1][0].shape[1] + _GAP
    label_width = _LABEL_WIDTH if any(label for label, _ in rows) else _GAP
    width = label_width + step * len(captions)
    height = _CAPTION_HEIGHT + sum(heights) + _GAP * len(rows)
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=_PAPER)
    for column, caption in enumerate(captions):
        x = label_width + step * column + (step - _GAP) / 2
        y = 1 - _CAPTION_HEIGHT / 2 / height
        figure.text(x / width, y, caption, ha="center", va="center", size=11, color=_INK)
    top = _CAPTION_HEIGHT
    for (label, pictures), row_height in zip(rows, heights, strict=True):
        y = 1 - (top + row_height / 2) / height
        figure.text((label_width - 10) / width, y, label, ha="right", va="center", size=11.5, weight="bold", color=_INK)
        for column, picture in enumerate(pictures):
            figure.figimage(picture, label_width + step * column, height - top - row_height, origin="upper")
        top += row_height + _GAP
    content = BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, facecolor=_PAPER)
    return content.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is whole or not there.

    Raises
    ------
    InputError
        When it can't be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or error}); choose another place") from error
    finally:
        partial.unlink(missing_ok=True)


def _mouth_tile(strip: Strip, moment: Moment) -> np.ndarray:
    index, to_level = _face_at(strip, moment)
    lips = apply_similarity(to_level, strip.track.lower[index].astype(np.float64))[LOWER_LIPS]
    return _tile(strip, index, to_level, lips.mean(0), _MOUTH_WIDTH, MOUTH_TILE)


def _face_tile(strip: Strip, moment: Moment) -> np.ndarray:
    index, to_level = _face_at(strip, moment)
    return _tile(strip, index, to_level, _FACE_CENTRE, _FACE_WIDTH, FACE_TILE)


def _face_at(strip: Strip, moment: Moment) -> tuple[int, np.ndarray]:
    """Frame of a strip that is nearest to a moment, and its similarity to the level face; NaN without a face."""
    index = int(np.abs(strip.track.times_s - moment.time_s).argmin())
    return index, to_level_face(strip.track)[index]


def _tile(
    strip: Strip, index: int, to_level: np.ndarray, centre: np.ndarray, width: float, size: tuple[int, int]
) -> np.ndarray:
    """Rectangle of a frame's face, `width` eye distances wide around `centre`, at `size`; grey without a face."""
    frame = next(read_frames(strip.path, Fraction(strip.track.times_s[index]) - _INSTANT_S, n_threads=1), None)
    if frame is None or np.isnan(to_level).any():
        return np.full((size[1], size[0], 3), _NO_PICTURE, np.uint8)
    half = np.array([width, width * size[1] / size[0]]) / 2
    corners = centre + half * np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    in_picture = apply_similarity(invert_similarity(to_level), corners).astype(np.float32)
    # drawn finer and made small again where the picture has more pixels than the tile, lest edges break up
    finer = int(np.ceil(max(1.0, float(np.linalg.norm(in_picture[1] - in_picture[0])) / size[0])))
    fine = (size[0] * finer, size[1] * finer)
    on_tile = np.array([[0, 0], [fine[0], 0], [0, fine[1]]], np.float32)
    picture = cv2.warpAffine(frame.image, cv2.getAffineTransform(in_picture, on_tile), fine, flags=cv2.INTER_CUBIC)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if finer > 1 else picture
