"""The videos that are learnt from: frames by number, read when they are wanted, in bounded memory.

A clip is a folder of frames (advised: any frame is one small file), a video or a GIF, or one picture with square
frames side by side.
"""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.media.images import read_still
from hygiesync.media.video import probe, read_frames

Picture = NDArray[np.uint8]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".m4v", ".mov", ".gif", ".avi", ".mkv", ".webm")
TEST_SHARE = 0.2
"""Of the videos, where there are no folders ``train`` and ``test``."""

CACHE_BYTES = 1 << 29
"""Frames that are kept in memory, in all."""

_MAX_STRIP_PX = 1 << 16


class Clip(ABC):
    """One video: `n_frames` square frames."""

    def __init__(self, path: Path, n_frames: int) -> None:
        self.path, self.n_frames = path, n_frames
        if n_frames < 2:
            raise InputError(f"{path}: has {n_frames} frame; expected a video of at least 2, to learn motion from")

    @property
    def identity(self) -> str:
        """Who is shown: the name up to its first ``#``."""
        return self.path.name.partition("#")[0]

    @abstractmethod
    def read(self, number: int) -> Picture:
        """A frame (h, w, 3), RGB, in the size that it has."""

    def frame(self, number: int, size: int) -> Picture:
        """A frame (size, size, 3), RGB: the middle square of the picture."""
        picture = square(self.read(number))
        if picture.shape[0] == size:
            return picture
        smaller = picture.shape[0] > size
        resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
        return resized.astype(np.uint8)


class _Folder(Clip):
    def __init__(self, path: Path) -> None:
        self._files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        super().__init__(path, len(self._files))
        self._shape: tuple[int, ...] = read_still(self._files[0]).shape

    def read(self, number: int) -> Picture:
        picture = read_still(self._files[number])
        if picture.shape != self._shape:
            raise InputError(
                f"{self._files[number]}: is {_size(picture.shape)}, and {self._files[0].name} beside it"
                f" {_size(self._shape)}; expected frames of one size: `hygiesync first-order prepare` makes them"
            )
        return picture


class _Strip(Clip):
    def __init__(self, path: Path) -> None:
        self._picture = read_still(path, _MAX_STRIP_PX)
        height, width = self._picture.shape[:2]
        if width % height:
            raise InputError(f"{path}: is {width}x{height}; expected square frames side by side, or a folder of frames")
        super().__init__(path, width // height)

    def read(self, number: int) -> Picture:
        side = self._picture.shape[0]
        return self._picture[:, number * side : (number + 1) * side]


class _Video(Clip):
    _times: list[Fraction]

    def __init__(self, path: Path) -> None:
        self.path, self._times = path, []
        # a header may promise no frames, or one, where there are more
        stated = probe(path).n_frames
        super().__init__(path, stated if stated > 1 else len(self._all_times()))

    def _all_times(self) -> list[Fraction]:
        if not self._times:
            self._times = [frame.time_s for frame in read_frames(self.path)]
            self.n_frames = len(self._times)
        return self._times

    def read(self, number: int) -> Picture:
        times = self._all_times()
        with contextlib.closing(read_frames(self.path, times[min(number, len(times) - 1)])) as frames:  # type: ignore[type-var]
            return next(iter(frames)).image


class FrameCache:
    """Frames of clips in one size, the last used within `CACHE_BYTES`; threads may share it."""

    def __init__(self, size: int, max_bytes: int = CACHE_BYTES) -> None:
        self.size = size
        self._max_frames = max(2, max_bytes // (3 * size * size))
        self._frames: OrderedDict[tuple[Path, int], Picture] = OrderedDict()
        self._lock = threading.Lock()

    def frame(self, clip: Clip, number: int) -> Picture:
        """A frame (size, size, 3); not to be written into."""
        key = (clip.path, number)
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
                return self._frames[key]
        picture = clip.frame(number, self.size)
        with self._lock:
            self._frames[key] = picture
            while len(self._frames) > self._max_frames:
                self._frames.popitem(last=False)
        return picture


def open_clip(path: Path) -> Clip:
    """A clip of any kind.

    Raises
    ------
    InputError
        When it can't be read, or has a single frame.
    """
    if path.is_dir():
        return _Folder(path)
    return _Strip(path) if path.suffix.lower() in PICTURES else _Video(path)


def find_clips(folder: Path) -> tuple[list[Clip], list[Clip]]:
    """The clips of a data folder to learn from, and those to test on.

    They lie in ``train`` and ``test``; without these, one in five of all, drawn with a fixed seed, is for testing.

    Raises
    ------
    InputError
        When there are none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected videos to learn from; `first-order prepare` makes them")
    parts = [folder / "train", folder / "test"]
    if any(part.is_dir() for part in parts):
        train, test = (_clips_in(part) if part.is_dir() else [] for part in parts)
        return train, test
    clips = _clips_in(folder)
    order = np.random.default_rng(0).permutation(len(clips))
    n_test = round(len(clips) * TEST_SHARE)
    return [clips[k] for k in sorted(order[n_test:])], [clips[k] for k in sorted(order[:n_test])]


def _clips_in(folder: Path) -> list[Clip]:
    paths = sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() in PICTURES + VIDEOS)
    )
    if not paths:
        raise InputError(f"{folder}: is empty; expected videos, or folders of frames")
    return [open_clip(path) for path in paths]


def square(picture: Picture) -> Picture:
    """The middle square of a picture: stretched, it would show another shape."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
