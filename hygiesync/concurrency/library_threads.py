"""How many threads the libraries underneath may start, and how promptly Python's own take turns.

Both are settings of the whole process, and several sessions may want them at once, leaving in any order. So each is
counted: who comes first changes it, who leaves last puts it back.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import cv2

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter while another waits for it; Python's own 5 ms are a third of a picture."""

_PROCESS_WIDE, _BY_CALLING_THREAD = "pthreads", ["openmp", "intel", "gnu", "tbb"]
"""What threads matrix libraries are built on: those whose number is the whole process's, and those where each thread
that calls has a number of its own."""


class SharedChange:
    """A change of something that has several users, for as long as at least one of them wants it.

    Parameters
    ----------
    apply : callable
        Makes the change and puts on the stack what undoes it; called for each user who comes, one at a time.
    in_own_thread : bool
        Change and undo in one and the same thread, whoever comes first and leaves last: threadpoolctl lets only the
        thread that changed a number of threads change it again, and silently does nothing for others.

    Notes
    -----
    Any number of threads may hold it at once.
    """

    def __init__(self, apply: Callable[[ExitStack], None], *, in_own_thread: bool) -> None:
        self._apply, self._in_own_thread = apply, in_own_thread
        self._lock = threading.Lock()
        self._n_users = 0
        self._undo = ExitStack()
        self._thread: Executor | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the change until the context ends."""
        with self._lock:
            if self._in_own_thread and self._thread is None:
                self._thread = ThreadPoolExecutor(1, "library threads")
            self._do(self._apply, self._undo)
            self._n_users += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_users -= 1
                if self._n_users == 0:
                    self._do(self._undo.close)
                    if self._thread is not None:
                        self._thread.shutdown()
                        self._thread = None

    def _do(self, work: Callable[..., None], *arguments: ExitStack) -> None:
        if self._thread is None:
            work(*arguments)
        else:
            self._thread.submit(work, *arguments).result()


def _one_thread(undo: ExitStack) -> None:
    """One thread for OpenCV and for each matrix library that is loaded; a later user may find more of them loaded."""
    n_threads = cv2.getNumThreads()
    if n_threads != 1:
        undo.callback(cv2.setNumThreads, n_threads)
        cv2.setNumThreads(1)
    _limit(undo, threading_layer=_PROCESS_WIDE)


def _one_openmp_thread(undo: ExitStack) -> None:
    """One thread for OpenMP and the matrix libraries upon it, as far as the calling thread is concerned."""
    _limit(undo, user_api="openmp", threading_layer=_BY_CALLING_THREAD)


def _limit(undo: ExitStack, **which: str | list[str]) -> None:
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(**which)
    if any(library.num_threads != 1 for library in libraries.lib_controllers):
        undo.enter_context(libraries.limit(limits=1))


def _short_turns(undo: ExitStack) -> None:
    interval_s = sys.getswitchinterval()
    if interval_s > SWITCH_INTERVAL_S:
        undo.callback(sys.setswitchinterval, interval_s)
        sys.setswitchinterval(SWITCH_INTERVAL_S)


class _OfThisThread(threading.local):
    """What is counted for each thread by itself."""

    def __init__(self) -> None:
        self.openmp = SharedChange(_one_openmp_thread, in_own_thread=False)


_libraries = SharedChange(_one_thread, in_own_thread=True)
_turns = SharedChange(_short_turns, in_own_thread=False)
_of_this_thread = _OfThisThread()


@contextmanager
def single_threaded_libraries() -> Iterator[None]:
    """Keep OpenCV and the matrix libraries to the thread that calls them, until the last such context ends.

    A mouth is small: its matrices and pictures gain nothing from a second thread, and threads that wait for the next
    one spin. Rendering a minute took 42 s of processor time with them and 24 s without.

    To be left by the thread that entered.
    """
    with _libraries.held(), _of_this_thread.openmp.held():
        yield


@contextmanager
def prompt_threads() -> Iterator[None]:
    """Let threads that wait for a moment, such as a sound card's callback, have the interpreter soon."""
    with _turns.held():
        yield
