"""A driving video, or a folder of frames that stands for one, cut by one square."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.first_order.animation import SquarePicture
from hygiesync.first_order.clips import PICTURES, open_clip
from hygiesync.first_order.face_crop import chosen_square
from hygiesync.media.container import PathLike
from hygiesync.media.images import read_still
from hygiesync.media.video import probe, read_frames
from hygiesync.timing import n_video_frames, video_frame_time

FOLDER_FPS = Fraction(25)
"""Pictures a second of a folder of frames, which has no times."""


class DrivingVideo:
    """What leads.

    Parameters
    ----------
    path : path
        A video, or a folder of frames.
    crop : str
        Which square the model sees; see :func:`hygiesync.first_order.face_crop.chosen_square`.
    size : int
        Side of the model's pictures, pixels.

    Attributes
    ----------
    square : Square
        Chosen in the first frame.
    fps : Fraction
    has_audio : bool
    n_frames : int
    """

    def __init__(self, path: PathLike, crop: str, size: int) -> None:
        self._path, self._size = Path(path), size
        self._clip = open_clip(self._path) if self._path.is_dir() else None
        if self._clip is not None:
            self.fps, self.has_audio, self.n_frames = FOLDER_FPS, False, self._clip.n_frames
        else:
            info = probe(path)
            self.fps, self.has_audio = info.fps, info.has_audio
            self.n_frames = n_video_frames(info.duration_s, info.fps)
        with closing(self.frames()) as frames:
            self.square = chosen_square(next(frames)[0], crop, str(path))

    def frames(self) -> Generator[tuple[NDArray[np.uint8], Fraction]]:
        """Whole frames (h, w, 3) and their times, seconds."""
        if self._clip is None:
            for frame in read_frames(self._path, n_threads=1):
                yield frame.image, frame.time_s
            return
        for number in range(self._clip.n_frames):
            yield self._clip.read(number), video_frame_time(number, FOLDER_FPS)

    def squares(self, count: Callable[[int], None] | None = None) -> Iterator[SquarePicture]:
        """What the model sees of them; `count` is told how many there were so far."""
        for number, (image, time_s) in enumerate(self.frames(), 1):
            if count is not None:
                count(number)
            yield SquarePicture(self.square.cut(image, self._size), time_s)


def first_picture(path: PathLike) -> NDArray[np.uint8]:
    """A picture (h, w, 3); of a video or a folder of frames the first one."""
    if Path(path).is_dir():
        return open_clip(Path(path)).read(0)
    if Path(path).suffix.lower() in PICTURES:
        return read_still(path)
    with closing(read_frames(path, n_threads=1)) as frames:  # type: ignore[type-var]
        return next(iter(frames)).image
