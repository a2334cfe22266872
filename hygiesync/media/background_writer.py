"""Encoding beside other work: a thread that writes what it is handed, in order.

A picture takes the encoder some milliseconds, and a slow disk may take a second. Meanwhile up to two seconds of
pictures wait here. Beyond that a caller who may wait does, and for one who may not, pictures are left out.
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
    """A :class:`VideoWriter` that is written to by a thread of its own; a context manager, or `start` and `end`.

    Thread-safe. What it is handed must not be changed afterwards.

    Parameters
    ----------
    writer : VideoWriter
        Not yet entered.
    may_wait : bool
        Whether callers wait for room, and hear of errors: from the next call, or from leaving the context. Without it
        no call waits or raises: pictures without room are left out, and what went wrong stands in `error`.

    Attributes
    ----------
    n_left_out : int
        Pictures that there was no room for.
    error : BaseException or None
        What ended the writing.
    """

    def __init__(self, writer: VideoWriter, *, may_wait: bool = True) -> None:
        self._writer, self._may_wait = writer, may_wait
        self.n_left_out = 0
        self.error: BaseException | None = None
        self._condition = threading.Condition()
        self._jobs: deque[tuple[int, Callable[[], None]]] = deque()
        self._n_bytes = 0
        self._is_ending = False
        self._ends_with: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    def start(self) -> None:
        """Open the file, and begin.

        Raises
        ------
        InputError
            When the file can't be written.
        """
        self._writer.__enter__()
        self._thread.start()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; the file is finished in the background, or given up for an `error` of the caller's."""
        with self._condition:
            self._is_ending, self._ends_with = True, error
            self._condition.notify_all()

    def join(self) -> None:
        """Wait until the file is finished; after `end`."""
        self._thread.join()

    def __enter__(self) -> BackgroundWriter:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.end(error)
        self.join()
        if error is None and self.error is not None:
            raise self.error

    def write(self, image: NDArray[np.uint8], time_s: Fraction, *, is_keyframe: bool = False) -> bool:
        """See :meth:`VideoWriter.write`; False when the picture was left out, since too much waits."""
        return self._put(
            image.nbytes, lambda: self._writer.write(image, time_s, is_keyframe=is_keyframe), may_be_left_out=True
        )

    def write_audio(self, samples: NDArray[np.float32]) -> None:
        """See :meth:`VideoWriter.write_audio`."""
        self._put(samples.nbytes, lambda: self._writer.write_audio(samples), may_be_left_out=False)

    def _put(self, n_bytes: int, job: Callable[[], None], *, may_be_left_out: bool) -> bool:
        with self._condition:
            if self._may_wait:
                self._condition.wait_for(lambda: self._n_bytes < MAX_WAITING_BYTES or self.error is not None)
                if self.error is not None:
                    raise self.error
            elif may_be_left_out and self._n_bytes + n_bytes > MAX_WAITING_BYTES:
                self.n_left_out += 1
                return False
            if self._is_ending or self.error is not None:
                return False
            self._jobs.append((n_bytes, job))
            self._n_bytes += n_bytes
            self._condition.notify_all()
        return True

    def _run(self) -> None:
        try:
            self._do_jobs()
            failure = self._ends_with
        except BaseException as error:  # whatever it is, it is the caller's
            self._fail(error)
            failure = error
        try:
            self._writer.__exit__(None if failure is None else type(failure), failure, None)
        except BaseException as error:
            self._fail(error)

    def _do_jobs(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._jobs or self._is_ending)
                if not self._jobs:
                    return
                n_bytes, job = self._jobs.popleft()
            job()
            with self._condition:
                self._n_bytes -= n_bytes
                self._condition.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._condition:
            if self.error is None:
                self.error = error
            self._jobs.clear()
            self._n_bytes = 0
            self._condition.notify_all()
