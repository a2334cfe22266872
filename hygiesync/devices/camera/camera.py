"""Pictures as they come: from a webcam, or from a video file that stands in for one.

A camera is read by a thread of its own, so that neither drawing nor encoding makes it wait; what it has seen waits in
a short, bounded queue. Each picture carries the *host time* (`time.perf_counter`) at which it was taken, the clock that
the microphone's samples are on too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.camera.listing import CameraDevice, find_camera, is_linux, list_cameras, quiet_opencv
from hygiesync.errors import HygieSyncError, InputError, MissingDependencyError
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe, read_frames

__all__ = ["Camera", "CameraFrame", "FileCamera", "Webcam", "find_camera", "list_cameras", "open_camera"]

WANTED_SIZE = (1280, 720)
"""Width and height asked of a webcam: a face that fills half of the height has the pixels that training wants."""

WANTED_FPS = 30

MAX_WAITING = 24
"""Pictures that may wait to be read: most of a second, some 66 MB at 1280x720."""

MAX_STAMP_AGE_S = 0.5
"""A driver's time stamp further back than this is on some other clock."""

LOST_AFTER_S = 3.0
"""A webcam that has given no picture for so long is gone."""


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One picture of a camera.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
        The reader's own.
    host_s : float
        When it was taken, in seconds of `time.perf_counter`.
    """

    image: NDArray[np.uint8]
    host_s: float


class Camera(Protocol):
    """Where pictures come from.

    Attributes
    ----------
    name : str
        For people: the device's name, or the file's.
    size : tuple of int
        Width and height in pixels; known once it is started.
    fps : Fraction
        Pictures a second, about; known once it is started.
    has_ended : bool
        Whether nothing more will come: a file is over.
    n_dropped : int
        Pictures lost since the reader was late.
    """

    name: str
    size: tuple[int, int]
    fps: Fraction

    @property
    def has_ended(self) -> bool:
        """Whether all pictures have been read and no more will come."""

    @property
    def n_dropped(self) -> int:
        """Pictures that were dropped since nobody had read the ones before."""

    def start(self) -> None:
        """Open it; MissingDependencyError when there is no such device."""

    def read(self, timeout_s: float) -> CameraFrame | None:
        """The next picture; None when none comes within `timeout_s`, or when it `has_ended`.

        MissingDependencyError when the camera is gone.
        """

    def close(self) -> None:
        """Stop and free it; may be called again."""


class _Queue:
    """Bounded queue between a camera's thread and its reader; the oldest picture makes room for the newest."""

    def __init__(self) -> None:
        self._frames: deque[CameraFrame] = deque()
        self._changed = threading.Condition()
        self._is_over = False
        self._error: Exception | None = None
        self.n_dropped = 0

    def put(self, frame: CameraFrame) -> None:
        with self._changed:
            if len(self._frames) == MAX_WAITING:
                self._frames.popleft()
                self.n_dropped += 1
            self._frames.append(frame)
            self._changed.notify()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will come; `error` is raised by the reader once it has read what there is."""
        with self._changed:
            self._is_over, self._error = True, error
            self._changed.notify()

    def get(self, timeout_s: float) -> CameraFrame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_over, timeout_s)
            if self._frames:
                return self._frames.popleft()
            if self._error is not None:
                raise self._error
            return None

    @property
    def has_ended(self) -> bool:
        with self._changed:
            return self._is_over and not self._frames


class _ThreadedCamera:
    """What webcam and file share: a thread that fills a queue until it is told to stop."""

    name: str

    def __init__(self) -> None:
        self.size = (0, 0)
        self.fps = Fraction(WANTED_FPS)
        self._queue = _Queue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def has_ended(self) -> bool:
        return self._queue.has_ended

    @property
    def n_dropped(self) -> int:
        return self._queue.n_dropped

    def read(self, timeout_s: float) -> CameraFrame | None:
        return self._queue.get(timeout_s)

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LOST_AFTER_S)  # a driver may hang; the thread is a daemon and ends with the program
            self._thread = None
        self._queue.end()

    def _run(self, work: Callable[[], None]) -> None:
        """Do `work` in a thread; what it raises comes out of the reader's next read."""

        def guarded() -> None:
            try:
                work()
            except HygieSyncError as error:
                self._queue.end(error)
            except Exception as error:  # a thread's fault must not go unheard, whatever it is
                self._queue.end(HygieSyncError(f"{self.name}: {type(error).__name__}: {error}"))
            else:
                self._queue.end()

        self._thread = threading.Thread(target=guarded, name=f"camera {self.name}", daemon=True)
        self._thread.start()


class Webcam(_ThreadedCamera):
    """A camera of this machine, through OpenCV.

    Parameters
    ----------
    device : CameraDevice
    """

    def __init__(self, device: CameraDevice) -> None:
        super().__init__()
        self.name = device.name
        self._index = device.index
        self._capture: Any = None

    def start(self) -> None:
        """Open the camera at 1280x720 and 30 pictures a second, or what it has instead.

        Raises
        ------
        MissingDependencyError
            When it can't be opened, or opens and gives no picture.
        """
        with quiet_opencv():
            capture = cv2.VideoCapture(self._index, cv2.CAP_V4L2 if is_linux() else cv2.CAP_ANY)
            # uncompressed pictures of this size do not fit through USB 2 at 30 a second
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            for setting, value in zip(
                (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS),
                (*WANTED_SIZE, WANTED_FPS),
                strict=True,
            ):
                capture.set(setting, value)
            is_there, picture = capture.read() if capture.isOpened() else (False, None)
        if not is_there or picture is None:
            capture.release()
            raise MissingDependencyError(
                f"camera {self.name} (number {self._index}) gives no picture; close other programs that use it, check"
                " its plug, or choose another `camera` (`hygiesync devices` lists them)"
            )
        self._capture = capture
        height, width = picture.shape[:2]
        self.size = (width, height)
        self.fps = _sensible_fps(capture.get(cv2.CAP_PROP_FPS))
        self._run(self._watch)

    def _watch(self) -> None:
        last_s = time.perf_counter()
        try:
            while not self._stop.is_set():
                is_there, picture = self._capture.read()
                now_s = time.perf_counter()
                if is_there and picture.shape[1::-1] == self.size:
                    last_s = now_s
                    host_s = taken_at(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, now_s)
                    self._queue.put(CameraFrame(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), host_s))
                elif now_s - last_s > LOST_AFTER_S:
                    raise MissingDependencyError(f"camera {self.name} is gone; plug it in again")
                else:
                    self._stop.wait(0.02)
        finally:
            self._capture.release()


class FileCamera(_ThreadedCamera):
    """A video file played in real time, in place of a webcam: for tests, and for showing things without one.

    Parameters
    ----------
    path : str or os.PathLike
    """

    def __init__(self, path: PathLike) -> None:
        super().__init__()
        self._path = Path(path)
        self.name = self._path.name
        self.begins_s: float | None = None
        """Host time of the video's time zero: that of its start unless set before, so that it can be in time with a
        sound file."""

    def start(self) -> None:
        """Begin to play; the first picture is due at once.

        Raises
        ------
        InputError
            When the file can't be read as a video.
        """
        info = probe(self._path)
        self.size, self.fps = (info.width, info.height), info.fps
        frames = read_frames(self._path, n_threads=1)
        first = next(frames)  # opening a file takes a while, which must not count as playing
        if self.begins_s is None:
            self.begins_s = time.perf_counter()
        self._run(lambda: self._play(chain([first], frames)))

    def _play(self, frames: Iterator[Any]) -> None:
        assert self.begins_s is not None
        for frame in frames:
            due_s = self.begins_s + float(frame.time_s)
            if self._stop.wait(max(0.0, due_s - time.perf_counter())):
                return
            self._queue.put(CameraFrame(frame.image, due_s))


def open_camera(text: str | None) -> Camera:
    """A camera, not yet started: the file of that name where there is one, else the webcam that is meant.

    Raises
    ------
    InputError
        When `text` looks like a file that isn't there.
    MissingDependencyError, UsageError
        As for :func:`find_camera`.
    """
    if text is not None and not text.isdecimal():
        path = Path(text)
        if path.is_file():
            return FileCamera(path)
        is_a_name = any(text.casefold() in camera.name.casefold() for camera in list_cameras())
        if not is_a_name and (path.suffix or path.parent != Path()):
            raise InputError(f"{text}: no such video file, and no camera has that name; check the path")
    return Webcam(find_camera(text))


def taken_at(stamp_s: float, now_s: float) -> float:
    """Host time of a picture with the driver's time stamp `stamp_s`, received at `now_s`.

    Video4Linux stamps pictures with the clock that `time.perf_counter` reads on Linux, before they travel and are
    decoded. A stamp that lies in the future or long ago is on another clock, and of no use.
    """
    return stamp_s if 0 <= now_s - stamp_s <= MAX_STAMP_AGE_S else now_s


def _sensible_fps(stated: float) -> Fraction:
    """What drivers state may be zero or nonsense."""
    return Fraction(stated).limit_denominator(1001) if 5 <= stated <= 240 else Fraction(WANTED_FPS)
