"""How many threads the libraries underneath may start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def single_threaded_libraries() -> Iterator[None]:
    """Keep OpenCV and the matrix libraries to the thread that calls them, until the context ends.

    A mouth is small: its matrices and pictures gain nothing from a second thread, and threads that wait for the next
    one spin. Rendering a minute took 42 s of processor time with them and 24 s without.
    """
    from threadpoolctl import threadpool_limits

    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(n_threads)
