"""Reading ahead in a thread: the same items, the same errors, and no thread left behind."""

import threading
from collections.abc import Iterator
from threading import Thread

import pytest

from hygiesync.concurrency.prefetch import prefetched


class Source:
    """A generator that tells when it is closed, and whose items can be counted."""

    def __init__(self, n_items: int, error: Exception | None = None) -> None:
        self.n_made, self.is_closed, self._n_items, self._error = 0, False, n_items, error

    def items(self) -> Iterator[int]:
        try:
            for number in range(self._n_items):
                self.n_made += 1
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.is_closed = True


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("depth", [1, 3, 100])
@pytest.mark.parametrize("n_items", [0, 1, 50])
def test_items_come_in_order(n_items: int, depth: int) -> None:
    source = Source(n_items)
    assert list(prefetched(source.items(), depth)) == list(range(n_items))
    assert source.is_closed


def test_items_may_be_none_or_errors() -> None:
    items = [None, ValueError("not raised"), None]
    assert list(prefetched(iter(items), 2)) == items


def test_an_error_comes_at_its_place() -> None:
    ahead = prefetched(Source(3, KeyError("here")).items(), 8)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="here"):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)


@pytest.mark.parametrize("n_taken", [1, 7])
def test_closing_early_ends_the_thread_and_closes_the_source(n_taken: int) -> None:
    source = Source(10**9)
    items = source.items()  # held here, so that nothing but closing can end it
    ahead = prefetched(items, 2)
    for _ in range(n_taken):
        next(ahead)
    ahead.close()
    assert source.is_closed
    assert source.n_made <= n_taken + 4


def test_dropping_the_iterator_closes_the_source() -> None:
    source = Source(10**9)
    ahead = prefetched(source.items(), 2)
    next(ahead)
    del ahead
    assert source.is_closed


def test_no_more_than_the_depth_is_made_ahead() -> None:
    source, may_check = Source(10**9), threading.Event()
    ahead = prefetched(source.items(), 3)
    next(ahead)
    may_check.wait(0.3)  # long enough for a source without bounds to run away
    assert source.n_made <= 1 + 3 + 1
    ahead.close()


def test_items_are_made_in_another_thread() -> None:
    def threads() -> Iterator[Thread]:
        while True:
            yield threading.current_thread()

    ahead = prefetched(threads(), 2)
    assert next(ahead) is not threading.current_thread()
    ahead.close()
