"""Watching the face beside the preview: a thread that looks at the newest picture a few times a second.

Finding a face takes longer than showing a picture, so the preview never waits for it: pictures are offered, and the
thread takes one when it is due.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.apps.record.face_advice import FaceAdviser, Sighting
from hygiesync.building.video_quality import Advice
from hygiesync.errors import HygieSyncError
from hygiesync.face.following import FollowerOfFirst
from hygiesync.face.landmarks import FaceCounter
from hygiesync.face.target import MAX_FACES, FaceChoice
from hygiesync.face.track import FaceObserver

EVERY_S = 0.2


class FaceWatch:
    """A thread that looks for faces in the pictures that it is offered; a context manager.

    Parameters
    ----------
    face : int or str, optional
        Whose face, where several are seen; see :mod:`hygiesync.face.target`.
    """

    def __init__(self, face: FaceChoice = None) -> None:
        self._follower = FollowerOfFirst(face)
        self._adviser = FaceAdviser()
        self._condition = threading.Condition()
        self._offered: tuple[NDArray[Any], float] | None = None
        self._is_ready = threading.Event()
        self._is_stopping = False
        self._error: HygieSyncError | None = None
        self._advice: tuple[Advice, ...] = ()
        self.n_seen = 0
        """Pictures that were looked at."""
        self._thread = threading.Thread(target=self._run, name="face watch", daemon=True)

    def offer(self, image: NDArray[np.uint8], time_s: float) -> None:
        """Hand over a picture (H, W, 3), uint8, RGB, taken at `time_s`; it must not be changed afterwards."""
        with self._condition:
            self._adviser.count_picture(time_s)
            self._offered = image, time_s
            self._condition.notify()

    def advice(self) -> tuple[Advice, ...]:
        """What should change now, most pressing first.

        Raises
        ------
        HygieSyncError
            When looking for faces failed.
        """
        with self._condition:
            if self._error is not None:
                raise self._error
            return self._advice

    def __enter__(self) -> FaceWatch:
        """Start; gives when it is ready to look, which may take seconds."""
        self._thread.start()
        self._is_ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._watch()
        except HygieSyncError as error:
            self._fail(error)
        except Exception as error:  # a thread's fault must not go unheard, whatever it is
            self._fail(HygieSyncError(f"looking for faces failed: {type(error).__name__}: {error}"))
        finally:
            self._is_ready.set()

    def _fail(self, error: HygieSyncError) -> None:
        with self._condition:
            self._error = error

    def _watch(self) -> None:
        with FaceObserver(MAX_FACES, self._follower.choose) as observer, FaceCounter() as counter:
            self._is_ready.set()
            while (offered := self._take()) is not None:
                began_s = time.perf_counter()
                image, time_s = offered
                face, n_faces = observer.observe(image), counter.count(image)
                height, width = image.shape[:2]
                with self._condition:
                    self._adviser.see(Sighting(time_s, (width, height), n_faces, face))
                    self._advice = tuple(self._adviser.advice())
                    self.n_seen += 1
                    self._condition.wait_for(
                        lambda: self._is_stopping, max(0.0, EVERY_S - (time.perf_counter() - began_s))
                    )

    def _take(self) -> tuple[NDArray[np.uint8], float] | None:
        """The newest picture, once there is one; None when it is time to stop."""
        with self._condition:
            self._condition.wait_for(lambda: self._offered is not None or self._is_stopping)
            offered, self._offered = self._offered, None
            return None if self._is_stopping else offered
