"""A driving video's learnt motion on a still picture, as an mp4 and, where they are wanted, lossless pictures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError, UsageError
from hygiesync.first_order.animation import MovingPicture, Square, best_reference
from hygiesync.first_order.clips import PICTURES, find_clips, open_clip
from hygiesync.first_order.face_crop import AUTO, chosen_square, shown
from hygiesync.first_order.keypoints import CarryOptions
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.pasting import Pasting
from hygiesync.media.atomic_folder import atomic_folder, check_place
from hygiesync.media.container import PathLike
from hygiesync.media.images import read_still, write_png
from hygiesync.media.video import probe, read_frames
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.progress import Progress
from hygiesync.timing import n_video_frames, video_frame_time

FOLDER_FPS = Fraction(25)
"""Pictures a second of a folder of frames, which has no times."""

_READ_AHEAD = 3


@dataclass(frozen=True, kw_only=True)
class FirstOrderOptions(EncodingOptions):
    """What may be asked of an animation.

    Attributes
    ----------
    carry : CarryOptions
    uses_best_frame : bool
        Motion is measured from the driving frame whose points are most like the picture's, not from the first.
    crop, driving_crop : str
        Which square of picture and video the model sees: ``auto``, ``face``, ``none`` or ``LEFT,TOP,SIDE``.
    pastes : bool
        Put the moved square back into the whole picture.
    frames : Path, optional
        Folder for lossless pictures, 000000.png and so on.
    crop_shown : Path, optional
        PNG that shows what of the picture is used.
    """

    carry: CarryOptions = field(default_factory=CarryOptions)
    uses_best_frame: bool = False
    crop: str = AUTO
    driving_crop: str = AUTO
    pastes: bool = False
    frames: Path | None = None
    crop_shown: Path | None = None


def animate_first_order(
    model: FirstOrderModel,
    image: PathLike,
    driving: PathLike,
    out: PathLike,
    options: FirstOrderOptions | None = None,
    *,
    has_consent: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write an mp4 in which a picture moves as a video does, with the video's sound.

    Parameters
    ----------
    model : FirstOrderModel
    image : path
        A picture; of a video or a folder of frames the first.
    driving : path
        A video, or a folder of frames (25 a second).
    out : path
        The mp4 to write. After an error it is gone.
    options : FirstOrderOptions, optional
    has_consent : bool
        Whether those shown agreed; recorded in the file.
    progress : callable, optional

    Returns
    -------
    dict
        ``n_frames``, ``size``, ``reference_s``, ``crop`` and ``driving_crop`` (left, top, side).

    Raises
    ------
    InputError
        When a file can't be used.
    UsageError
        When an option asks for what there isn't.
    """
    options = options or FirstOrderOptions()
    check_not_same(out, image, driving)
    report = progress or (lambda *_: None)
    picture = _first_picture(image)
    square = chosen_square(picture, options.crop, str(image))
    video = _Driving(driving, options.driving_crop, model.size)
    if options.crop_shown is not None:
        write_png(options.crop_shown, shown(picture, square))
    cut, reference, reference_s = square.cut(picture, model.size), None, Fraction(0)
    if options.uses_best_frame:
        reference, reference_s = best_reference(
            model, model.points(cut), video.squares(partial(_count, report, "choosing a frame", video.n_frames))
        )
    moving = MovingPicture(model, cut, options.carry, reference)
    pasting = Pasting(picture, square) if options.pastes else None
    n_drawn = 0

    def pictures() -> Generator[VideoFrame]:
        nonlocal n_drawn
        with closing(prefetched(video.squares(None), _READ_AHEAD)) as squares:
            for made in moving.pictures(squares):
                whole = made.image if pasting is None else pasting.paste(made.image)
                if options.frames is not None:
                    write_png(options.frames / f"{n_drawn:06d}.png", whole)
                n_drawn += 1
                report("animating", n_drawn, video.n_frames, "")
                yield VideoFrame(whole, made.time_s)

    if options.frames is not None:
        _make_folder(options.frames)
    tags = Provenance(Method.VIDEO_DRIVEN, Path(image).name, has_consent).tags()
    size = (model.size, model.size) if pasting is None else (picture.shape[1], picture.shape[0])
    sound = Soundtrack(driving, is_heard=False) if video.has_audio else None
    with closing(pictures()) as drawn:
        write_pictures(drawn, out, size, video.fps, tags, sound=sound, encoding=options)
    return {
        "n_frames": n_drawn,
        "size": list(size),
        "reference_s": float(reference_s),
        "crop": [square.left, square.top, square.side],
        "driving_crop": [video.square.left, video.square.top, video.square.side],
    }


def animate_pairs(
    model: FirstOrderModel,
    pairs: list[tuple[Path, Path]],
    out: Path,
    options: FirstOrderOptions | None = None,
    *,
    has_consent: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write one mp4 for each pair of source and driving video into a folder, named ``SOURCE-DRIVING.mp4``."""
    check_place(
        out, lambda place: all(p.suffix == ".mp4" for p in place.iterdir()), "folder of videos", "recordings/fox"
    )
    results = {}
    with atomic_folder(out) as folder:
        for source, driving in pairs:
            name = f"{source.stem}-{driving.stem}.mp4"
            results[name] = animate_first_order(
                model, source, driving, folder / name, options, has_consent=has_consent, progress=progress
            )
    return results


def pairs_of_folder(folder: Path, driving: Path) -> list[tuple[Path, Path]]:
    """Each picture of a folder, with one driving video."""
    sources = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not sources:
        raise InputError(f"{folder}: has no pictures; expected PNG, JPEG, WebP, BMP or TIFF files")
    return [(source, driving) for source in sources]


def pairs_of_csv(path: Path) -> list[tuple[Path, Path]]:
    """Pairs of a csv file with columns source and driving, whose names are relative to its folder.

    Raises
    ------
    InputError
        When it can't be read, or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: can't be read ({error}); expected lines of source,driving") from error
    if not rows or not all(row.get("source") and row.get("driving") for row in rows):
        raise InputError(f"{path}: expected columns source and driving, and a line for each pair")
    return [(path.parent / row["source"], path.parent / row["driving"]) for row in rows]


def pairs_of_data(data: Path, n_pairs: int) -> list[tuple[Path, Path]]:
    """Pairs of a data folder's test videos, drawn from min(n_pairs, n)^2 without replacement, with seed 0."""
    clips = find_clips(data)[1]
    if not clips:
        raise InputError(f"{data}: has no videos to test on; put some into {data / 'test'}")
    n = min(n_pairs, len(clips))
    grid = [(clips[k].path, clips[j].path) for k in range(n) for j in range(n)]
    chosen = np.random.default_rng(0).permutation(len(grid))[:n_pairs]
    return [grid[k] for k in chosen]


class _Driving:
    """A driving video or folder, cut by one square."""

    def __init__(self, path: PathLike, crop: str, size: int) -> None:
        self._path, self._size = Path(path), size
        self._clip = open_clip(self._path) if self._path.is_dir() else None
        if self._clip is not None:
            self.fps, self.has_audio, self.n_frames = FOLDER_FPS, False, self._clip.n_frames
        else:
            info = probe(path)
            self.fps, self.has_audio = info.fps, info.has_audio
            self.n_frames = n_video_frames(info.duration_s, info.fps)
        with closing(self._frames()) as frames:
            self.square = chosen_square(next(frames)[0], crop, str(path))

    def _frames(self) -> Generator[tuple[NDArray[np.uint8], Fraction]]:
        if self._clip is None:
            for frame in read_frames(self._path, n_threads=1):
                yield frame.image, frame.time_s
            return
        for number in range(self._clip.n_frames):
            yield self._clip.read(number), video_frame_time(number, FOLDER_FPS)

    def squares(self, count: Callable[[int], None] | None) -> Iterator[Square]:
        for number, (image, time_s) in enumerate(self._frames(), 1):
            if count is not None:
                count(number)
            yield Square(self.square.cut(image, self._size), time_s)


def _first_picture(path: PathLike) -> NDArray[np.uint8]:
    if Path(path).is_dir():
        return open_clip(Path(path)).read(0)
    if Path(path).suffix.lower() in PICTURES:
        return read_still(path)
    with closing(read_frames(path, n_threads=1)) as frames:  # type: ignore[type-var]
        return next(iter(frames)).image


def _count(report: Progress, stage: str, total: int, done: int) -> None:
    report(stage, done, total, "")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: is not empty; choose another `frames`")
    except OSError as error:
        raise InputError(f"{folder}: can't be made ({error.strerror}); choose another `frames`") from error
