"""Contact sheets: the same moments of several videos above each other, at the scale of the mouth."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError, UsageError
from hygiesync.evaluation.moments import Moment, choose_moments, to_level_face, voice_at
from hygiesync.evaluation.tiles import cut_tile, empty_tile
from hygiesync.face.pose import apply_similarity, invert_similarity
from hygiesync.face.topology import LOWER_LIPS, LOWER_MOUTH_REGION
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe, read_frames

_GAP, _LABEL_WIDTH, _CAPTION_HEIGHT, _DPI = 6, 136, 52, 100
_PAPER, _INK = "#ffffff", "#20242b"
_JPEG = {"quality": 92, "subsampling": 0}
_INSTANT_S = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class View:
    """What of a face a tile shows.

    Attributes
    ----------
    size : tuple of int
        (width, height) of the tile in pixels.
    width : float
        Of what it shows, in distances between the eyes.
    points : sequence of int
        Points of the lower face whose middle is the tile's; the face as a whole when left out.
    """

    size: tuple[int, int]
    width: float
    points: Sequence[int] = ()

    def centre(self, lower: FloatArray) -> NDArray[np.float64]:
        """Middle (2,) of the tile on a level face, whose lower part is `lower` (n_lower, 2)."""
        return np.array([0.0, 0.5]) if not self.points else (lower[self.points].min(0) + lower[self.points].max(0)) / 2


MOUTH = View((184, 138), 1.05, LOWER_LIPS)
FACE = View((184, 230), 2.0)
LARGE_MOUTH = View((480, 360), 480 / 450, LOWER_MOUTH_REGION)
"""All that is blended in, at 450 pixels between the eyes: three times a face that has 150 there."""

SMALL_FACE = View((152, 190), 2.0)


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
    rows = [(strip.label, tiles(strip, moments, MOUTH)) for strip in strips]
    rows.append((f"{strips[face_row].label},\nwhole face", tiles(strips[face_row], moments, FACE)))
    write_whole(Path(out), lay_out(rows, captions_of(moments)))


def captions_of(moments: Sequence[Moment]) -> list[str]:
    """What stands above each moment's column."""
    return [f"{moment.caption}\n{moment.time_s:.2f} s" for moment in moments]


def tiles(strip: Strip, moments: Sequence[Moment], view: View) -> list[NDArray[np.uint8]]:
    """Tile (height, width, 3), uint8, of a strip at each moment; grey without a face."""
    to_level = to_level_face(strip.track)
    nearest = [int(np.abs(strip.track.times_s - moment.time_s).argmin()) for moment in moments]
    return [_tile(strip, index, to_level[index], view) for index in nearest]


def lay_out(
    rows: Sequence[tuple[str, Sequence[NDArray[np.uint8]]]], captions: Sequence[str], form: str = "png"
) -> bytes:
    """Pictures in labelled rows and captioned columns, pixel for pixel.

    Parameters
    ----------
    rows : sequence of (str, sequence of ndarray)
        Label and pictures (H, W, 3), uint8, RGB; all of one width, those of a row of one height.
    captions : sequence of str
        One for each column.
    form : str
        "png", or "jpeg" for enlarged pictures, which need it no larger than they were.

    Returns
    -------
    bytes
        The content of a file.
    """
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
    figure.savefig(content, format=form, dpi=_DPI, facecolor=_PAPER, pil_kwargs=_JPEG if form == "jpeg" else None)
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


def _tile(strip: Strip, index: int, to_level: FloatArray, view: View) -> NDArray[np.uint8]:
    """Tile of a strip's frame; `to_level` (2, 3) is that frame's."""
    frame = next(read_frames(strip.path, Fraction(strip.track.times_s[index]) - _INSTANT_S, n_threads=1), None)
    if frame is None or np.isnan(to_level).any():
        return empty_tile(view.size)
    centre = view.centre(apply_similarity(to_level, strip.track.lower[index].astype(np.float64)))
    return cut_tile(frame.image, invert_similarity(to_level), centre, view.width, view.size)
