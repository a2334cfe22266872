"""Videos turned into folders of square frames to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError, UsageError
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.first_order.crop import FACE_MARGIN, Square, bounds, joined, overlap
from hygiesync.media.atomic_folder import atomic_folder, check_place
from hygiesync.media.container import PathLike
from hygiesync.media.images import write_png
from hygiesync.media.video import probe, read_frames
from hygiesync.progress import Progress
from hygiesync.timing import n_video_frames

MIN_OVERLAP = 0.25
"""Of a face's box with that of the piece's first frame; beyond it a new piece begins."""

MIN_FRAMES, MAX_FRAMES = 64, 1024
"""Of a piece."""

FACE, NONE = "face", "none"


@dataclass(frozen=True)
class Piece:
    """Frames from `start` until before `end` (numbers), cut by one square."""

    start: int
    end: int
    square: Square


@dataclass(frozen=True, kw_only=True)
class PreparationOptions:
    """How frames are made.

    Attributes
    ----------
    size : int
        Side of the frames, pixels.
    crop : str
        ``face``: around the face, where there is one; ``none``: the middle of the picture.
    margin : float
        Room around the face on each side, as a part of it.
    hold_out_s : float
        Seconds at the end of each video that are for testing.
    is_test : bool
        All of it is for testing.
    min_frames : int
        Shorter pieces are left out.
    """

    size: int = 256
    crop: str = FACE
    margin: float = FACE_MARGIN
    hold_out_s: float = 0.0
    is_test: bool = False
    min_frames: int = MIN_FRAMES


def prepare(
    videos: Sequence[PathLike],
    out: Path,
    options: PreparationOptions | None = None,
    *,
    adds: bool = False,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write ``train/NAME#START-END/000000.png ...`` and, where something is held out, ``test/...``.

    Parameters
    ----------
    videos : sequence of path
    out : Path
        Folder to make.
    options : PreparationOptions, optional
    adds : bool
        Keep what `out` has already, and add to it.
    progress : callable, optional

    Returns
    -------
    dict
        ``n_pieces`` and ``n_frames``.

    Raises
    ------
    InputError
        When a video can't be read, or none of them gives a piece.
    UsageError
        When an option can't be, or `out` holds something else.
    """
    options = options or PreparationOptions()
    _check(options)
    names = [Path(video).stem.replace("#", "_") for video in videos]
    if len(set(names)) < len(names):
        raise UsageError("`videos`: expected names that differ, since folders are named by them; rename some")
    if not adds:
        check_place(out, _is_prepared, "folder of prepared frames", "data/faces")
    report = progress or (lambda *_: None)
    with atomic_folder(out) as folder:
        if adds and out.is_dir():
            for old in sorted(out.glob("t*/*")):
                (folder / old.parent.name).mkdir(exist_ok=True)
                (folder / old.parent.name / old.name).mkdir()
                for frame in old.iterdir():
                    (folder / old.parent.name / old.name / frame.name).hardlink_to(frame)
        n_pieces = n_frames = 0
        for video, name in zip(videos, names, strict=True):
            for piece in _pieces(video, options, report):
                n_frames += _write(video, name, piece, folder, options)
                n_pieces += 1
        if not n_pieces:
            wanted = "a face that stays in its place" if options.crop == FACE else "a picture"
            raise InputError(f"{videos[0]}: expected {wanted} for {options.min_frames} frames, found none; film longer")
    return {"n_pieces": n_pieces, "n_frames": n_frames}


def _check(options: PreparationOptions) -> None:
    if not 64 <= options.size <= 2048 or options.size % 8:
        raise UsageError(f"`size`: expected a multiple of 8 between 64 and 2048, got {options.size}")
    if options.crop not in (FACE, NONE):
        raise UsageError(f"`crop`: expected {FACE} or {NONE}, got {options.crop!r}")
    if not 0 <= options.margin <= 2:
        raise UsageError(f"`margin`: expected 0 to 2, got {options.margin:g}")
    if options.hold_out_s < 0:
        raise UsageError(f"`hold_out_s`: expected 0 or more seconds, got {options.hold_out_s:g}")


def _is_prepared(folder: Path) -> bool:
    return all(path.name in ("train", "test") for path in folder.iterdir())


def _pieces(video: PathLike, options: PreparationOptions, report: Progress) -> Iterator[Piece]:
    """Where a video is cut, and how; only boxes are kept in memory."""
    info = probe(video)
    if options.crop == NONE:
        square, n = Square.middle(info.width, info.height), sum(1 for _ in read_frames(video))
        spans = [(start, min(start + MAX_FRAMES, n)) for start in range(0, n, MAX_FRAMES)]
        yield from (Piece(*span, square) for span in spans if span[1] - span[0] >= min(options.min_frames, n))
        return
    n_frames = n_video_frames(info.duration_s, info.fps)
    start, first, whole, number = 0, None, None, -1
    for number, box in enumerate(_face_boxes(video)):
        report("finding faces", number + 1, n_frames, Path(video).name)
        goes_on = first is not None and box is not None and overlap(first, box) > MIN_OVERLAP
        if goes_on and number - start < MAX_FRAMES:
            assert whole is not None
            assert box is not None
            whole = joined(whole, box)
            continue
        if whole is not None and number - start >= options.min_frames:
            yield Piece(start, number, Square.around(whole, info.width, info.height, options.margin))
        start, first, whole = number, box, box
    if whole is not None and number + 1 - start >= options.min_frames:
        yield Piece(start, number + 1, Square.around(whole, info.width, info.height, options.margin))


def _face_boxes(video: PathLike) -> Iterator[NDArray[np.float64] | None]:
    with LandmarkDetector() as detector:
        for frame in read_frames(video, n_threads=1):
            landmarks = detector.detect(frame.image)
            yield None if landmarks is None else bounds(landmarks)


def _write(video: PathLike, name: str, piece: Piece, folder: Path, options: PreparationOptions) -> int:
    """Write a piece's frames; how many."""
    test_from_s = probe(video).duration_s - Fraction(options.hold_out_s)
    n_written = 0
    for number, frame in enumerate(read_frames(video)):
        if number >= piece.end:
            break
        if number < piece.start:
            continue
        is_test = options.is_test or (options.hold_out_s > 0 and frame.time_s >= test_from_s)
        place = folder / ("test" if is_test else "train") / f"{name}#{piece.start:06d}-{piece.end:06d}"
        place.mkdir(parents=True, exist_ok=True)
        write_png(place / f"{number:06d}.png", piece.square.cut(frame.image, options.size))
        n_written += 1
    return n_written
