"""One thread for torch while a network learns.

Networks of half a million weights gain little from a second thread, and OpenMP's threads wait for each other by
spinning: beside one busy process the second thread is rarely there when it is waited for, and a step takes ten times
as long. How threads wait is read from the environment when torch is loaded, which a library can't rely on; how many
there are can be said at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_n_users = 0
_n_threads_before = 0
_here = threading.local()


@contextmanager
def single_threaded_torch() -> Iterator[None]:
    """Keep torch to the thread that calls it, until the context ends; contexts may overlap in threads, or be nested.

    OpenMP counts for each thread by itself, so a thread has its second thread back when the outermost of its own
    contexts ends, whatever others do. The number given back is the one that the first context of all found: a later
    one may find the first one's.
    """
    if getattr(_here, "is_inside", False):
        yield
        return
    global _n_users, _n_threads_before  # noqa: PLW0603 - torch's setting belongs to the process
    with _lock:
        # asked in every thread: one that never was takes the process's number later, over the one set here
        n_threads = torch.get_num_threads()
        if _n_users == 0:
            _n_threads_before = n_threads
        _n_users += 1
        torch.set_num_threads(1)
    _here.is_inside = True
    try:
        yield
    finally:
        _here.is_inside = False
        with _lock:
            _n_users -= 1
            torch.set_num_threads(_n_threads_before)
