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


@contextmanager
def single_threaded_torch() -> Iterator[None]:
    """Keep torch to the thread that calls it, until the context ends; contexts in several threads may overlap.

    The number that the first of them found is what each leaves behind: a later one may find the first one's.
    """
    global _n_users, _n_threads_before  # noqa: PLW0603 - torch's setting belongs to the process
    with _lock:
        # asked in every thread: one that never was takes the process's number later, over the one set here
        n_threads = torch.get_num_threads()
        if _n_users == 0:
            _n_threads_before = n_threads
        _n_users += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _n_users -= 1
            torch.set_num_threads(_n_threads_before)
