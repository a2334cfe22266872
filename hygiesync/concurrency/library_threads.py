"""How many threads the libraries underneath may start, and how promptly Python's own take turns."""

from __future__ import annotations

import sys
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


SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter while another waits for it; Python's own 5 ms are a third of a picture."""


@contextmanager
def prompt_threads() -> Iterator[None]:
    """Let threads that wait for a moment, such as a sound card's callback, have the interpreter soon."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
