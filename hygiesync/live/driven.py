"""A still picture moved by a camera as it films: the newest frame first, and none that would come late.

Frames are moved by a few workers side by side and come out in their order. When all are busy, frames that nobody has
looked at yet are left out in favour of the newest one, so that the picture never falls behind.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.camera.camera import Camera, CameraFrame
from hygiesync.live.histogram import Histogram

_WAIT_S = 0.005
"""Longest wait for a frame between two looks at the workers."""


class Mover(Protocol):
    """Moves a picture.

    Attributes
    ----------
    size : tuple of int
        (width, height) of what it makes.
    n_workers : int
        How many threads may call it at a time.
    """

    size: tuple[int, int]
    n_workers: int

    def __call__(self, image: NDArray[np.uint8], time_s: float) -> NDArray[Any] | None:
        """The picture as a frame (h, w, 3), uint8, RGB, moves it; None as long as there is nothing to be moved by."""

    def begin_anew(self) -> None:
        """The next frame stands for the picture as it is."""

    def close(self) -> None:
        """Free what it holds; it is not called any more."""


@dataclass(frozen=True, slots=True)
class MovedPicture:
    """A picture (h, w, 3), uint8, RGB, and when the frame that moved it was taken (host time, seconds)."""

    picture: NDArray[Any]
    taken_s: float


class DrivenSession:
    """Runs a mover on a camera in threads of its own, from `start` to `stop`.

    Parameters
    ----------
    camera : Camera
        Started, and closed by whoever opened it.
    mover : Mover
    """

    def __init__(self, camera: Camera, mover: Mover) -> None:
        self._camera, self._mover = camera, mover
        self._newest: MovedPicture | None = None
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="driven picture", daemon=True)
        self._latency = Histogram()
        self._n_moved = self._n_skipped = 0
        self.is_finished = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def take(self, timeout_s: float) -> MovedPicture | None:
        """The newest picture that nobody has taken yet; None when none comes in time.

        Raises whatever went wrong in the threads.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self.is_finished, timeout_s)
            if self._newest is None and self._error is not None:
                raise self._error
            newest, self._newest = self._newest, None
        return newest

    def shown(self, moved: MovedPicture) -> None:
        """A picture has come to the screen."""
        self._latency.add(perf_counter() - moved.taken_s)

    def result(self) -> dict[str, Any]:
        """``n_pictures``, ``n_frames_skipped`` and ``latency_ms`` (from filming to showing: p50, p95)."""
        latency = {f"p{share}": round(self._latency.quantile_ms(share / 100), 1) for share in (50, 95)}
        n_skipped = self._n_skipped + self._camera.n_dropped
        return {"n_pictures": self._n_moved, "n_frames_skipped": n_skipped, "latency_ms": latency}

    def _guarded(self) -> None:
        try:
            with ThreadPoolExecutor(self._mover.n_workers, "mover") as pool:
                self._run(pool)
        except BaseException as error:  # a thread's fault must not go unheard, whatever it is
            self._error = error
        with self._changed:
            self.is_finished = True
            self._changed.notify_all()

    def _run(self, pool: ThreadPoolExecutor) -> None:
        under_way: deque[tuple[Future[NDArray[Any] | None], float]] = deque()
        waiting: CameraFrame | None = None
        while not self._stop.is_set() and not (self._camera.has_ended and waiting is None and not under_way):
            frame = self._camera.read(_WAIT_S)
            while frame is not None:
                self._n_skipped += waiting is not None
                waiting, frame = frame, self._camera.read(0)
            if under_way and self._camera.has_ended and waiting is None:
                wait([under_way[0][0]], _WAIT_S)  # a camera that is over doesn't make its reader wait
            while under_way and under_way[0][0].done():
                future, taken_s = under_way.popleft()
                self._publish(future.result(), taken_s)
            if waiting is not None and len(under_way) < self._mover.n_workers:
                work = pool.submit(self._mover, waiting.image, waiting.host_s)
                under_way.append((work, waiting.host_s))
                waiting = None

    def _publish(self, picture: NDArray[Any] | None, taken_s: float) -> None:
        if picture is None:
            return
        with self._changed:
            self._n_moved += 1
            self._newest = MovedPicture(picture, taken_s)
            self._changed.notify_all()
