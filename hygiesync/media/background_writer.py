"""Encoding beside the preview: a thread that writes what it is handed, in order.

A picture takes the encoder some milliseconds, and a slow disk may take a second. Meanwhile up to two seconds of
pictures wait here; only beyond that the caller waits too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from hygiesync.media.video import VideoWriter

MAX_WAITING_BYTES = 160_000_000


class BackgroundWriter:
    """A :class:`VideoWriter` that is written to by a thread of its own; a context manager.

    What it is handed must not be changed afterwards. An error comes out of the next call, or of leaving the context.

    Parameters
    ----------
    writer : VideoWriter
        Not yet entered.
    """

    def __init__(self, writer: VideoWriter) -> None:
        self._writer = writer
        self._condition = threading.Condition()
        self._jobs: deque[tuple[int, Callable[[], None]]] = deque()
        self._n_bytes = 0
        self._is_ending = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    def __enter__(self) -> BackgroundWriter:
        self._writer.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with self._condition:
            self._is_ending = True
            self._condition.notify_all()
        self._thread.join()
        failure = error or self._error
        self._writer.__exit__(None if failure is None else type(failure), failure, where)
        if error is None and self._error is not None:
            raise self._error

    def write(self, image: NDArray[np.uint8], time_s: Fraction, *, is_keyframe: bool = False) -> None:
        """See :meth:`VideoWriter.write`."""
        self._put(image.nbytes, lambda: self._writer.write(image, time_s, is_keyframe=is_keyframe))

    def write_audio(self, samples: NDArray[np.float32]) -> None:
        """See :meth:`VideoWriter.write_audio`."""
        self._put(samples.nbytes, lambda: self._writer.write_audio(samples))

    def _put(self, n_bytes: int, job: Callable[[], None]) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._n_bytes < MAX_WAITING_BYTES or self._error is not None)
            if self._error is not None:
                raise self._error
            self._jobs.append((n_bytes, job))
            self._n_bytes += n_bytes
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._jobs or self._is_ending)
                if not self._jobs:
                    return
                n_bytes, job = self._jobs.popleft()
            try:
                job()
            except BaseException as error:  # whatever it is, it is the caller's
                with self._condition:
                    self._error = error
                    self._condition.notify_all()
                return
            with self._condition:
                self._n_bytes -= n_bytes
                self._condition.notify_all()
