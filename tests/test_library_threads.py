"""Settings of the whole process that several sessions change at once: all as before once the last one has left."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress

import cv2
import faiss  # noqa: F401 - brings a matrix library and an OpenMP of its own
import numpy as np  # noqa: F401 - and another
import pytest
from threadpoolctl import OpenBLASController, ThreadpoolController

from hygiesync.concurrency.library_threads import SWITCH_INTERVAL_S, prompt_threads, single_threaded_libraries


def opencv() -> int:
    return cv2.getNumThreads()


def matrices() -> set[int]:
    """Numbers of threads of the matrix and OpenMP libraries, as the calling thread has them."""
    libraries = ThreadpoolController().lib_controllers
    return {one.num_threads for one in libraries if getattr(one, "threading_layer", "") != "disabled"}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """More than one of everything, whatever the machine has."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    with ThreadpoolController().limit(limits=2):
        OpenBLASController.clear_controlling_thread(force=True)  # as if it had always been so
        yield
    cv2.setNumThreads(before)


SETTINGS = [
    (single_threaded_libraries, opencv, 1),
    (single_threaded_libraries, matrices, {1}),
    (prompt_threads, sys.getswitchinterval, SWITCH_INTERVAL_S),
]


@pytest.mark.parametrize("leaves_first", [0, 1])
@pytest.mark.parametrize(("context", "setting", "within"), SETTINGS)
def test_overlapping_users_may_leave_in_any_order(
    context: Callable[[], AbstractContextManager[None]],
    setting: Callable[[], float | set[int]],
    within: float | set[int],
    leaves_first: int,
) -> None:
    before = setting()
    assert before != within
    users = [ExitStack(), ExitStack()]
    for user in users:
        user.enter_context(context())
        assert setting() == within
    users.pop(leaves_first).close()
    assert setting() == within
    users.pop().close()
    assert setting() == before


@pytest.mark.parametrize(("context", "setting", "within"), SETTINGS)
def test_a_user_that_fails_takes_nothing_from_the_other(
    context: Callable[[], AbstractContextManager[None]],
    setting: Callable[[], float | set[int]],
    within: float | set[int],
) -> None:
    before = setting()
    with context():
        with suppress(ZeroDivisionError), context():
            1 / 0  # noqa: B018
        assert setting() == within
    assert setting() == before


@pytest.mark.parametrize(("setting", "within"), [(opencv, 1), (matrices, {1})])
def test_the_last_to_leave_may_be_another_thread_than_the_first_to_come(
    setting: Callable[[], float | set[int]], within: int | set[int]
) -> None:
    before, is_in, may_leave, seen = setting(), threading.Event(), threading.Event(), []

    def use() -> None:
        with single_threaded_libraries():
            is_in.set()
            may_leave.wait(10)
            seen.append(setting())

    with single_threaded_libraries():
        other = threading.Thread(target=use)
        other.start()
        assert is_in.wait(10)
    may_leave.set()
    other.join()
    assert (seen, setting()) == ([within], before)


@pytest.mark.slow
def test_users_in_threads_of_their_own() -> None:
    """Eight that come and go at random moments; while one is in, there is one thread."""
    before, failures = (opencv(), matrices()), []

    def use() -> None:
        for _ in range(20):
            with single_threaded_libraries():
                if opencv() != 1 or matrices() != {1}:
                    failures.append((opencv(), matrices()))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert (opencv(), matrices()) == before
