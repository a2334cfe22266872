"""The ring between an audio callback and its reader behaves as a list that refuses what does not fit."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.devices.sound.ring import Ring
from hygiesync.devices.sound.wakeup import Wakeup

PUSH = st.tuples(st.just("push"), st.integers(0, 12))
POP = st.tuples(st.just("pop"), st.one_of(st.none(), st.integers(0, 12)))


@given(capacity=st.integers(1, 9), steps=st.lists(st.one_of(PUSH, POP), max_size=60))
def test_like_a_list(capacity: int, steps: list[tuple[str, int | None]]) -> None:
    waiting: list[int] = []
    ring, n_pushed = Ring(capacity, np.int64), 0
    for verb, n in steps:
        if verb == "push":
            assert n is not None
            items = list(range(n_pushed, n_pushed + n))
            fits = len(waiting) + n <= capacity
            assert ring.push(np.array(items, np.int64)) == fits
            if fits:
                waiting += items
                n_pushed += n
        else:
            n = len(waiting) if n is None else n
            assert ring.pop(n).tolist() == waiting[:n]
            del waiting[:n]
        assert len(ring) == len(waiting)


def test_full_takes_all_or_nothing() -> None:
    ring = Ring(4, np.float32)
    assert ring.push(np.ones(3, np.float32))
    assert not ring.push(np.full(2, 2, np.float32))
    assert ring.push(np.full(1, 3, np.float32))
    np.testing.assert_array_equal(ring.pop(), [1, 1, 1, 3])
    assert len(ring) == 0


def test_popped_items_are_a_copy() -> None:
    ring = Ring(2, np.float32)
    ring.push(np.ones(2, np.float32))
    popped = ring.pop()
    ring.push(np.zeros(2, np.float32))
    np.testing.assert_array_equal(popped, [1, 1])


def test_no_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Ring(0, np.float32)


def test_two_threads_lose_nothing() -> None:
    ring, wakeup, n_items = Ring(64, np.int64), Wakeup(), 20_000

    def write() -> None:
        sent = 0
        while sent < n_items:
            n = min(1 + sent % 17, n_items - sent)
            if ring.push(np.arange(sent, sent + n)):
                sent += n
                wakeup.set()

    writer = threading.Thread(target=write)
    writer.start()
    received: list[int] = []
    while len(received) < n_items and (writer.is_alive() or len(ring)):
        wakeup.wait(0.01)
        received.extend(ring.pop().tolist())
    writer.join()
    assert received == list(range(n_items))


def test_wakeup_is_remembered_once() -> None:
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()
    wakeup.wait(60)  # returns at once: it was set before
    waiter = threading.Thread(target=wakeup.wait, args=(60,))
    waiter.start()
    waiter.join(0.05)
    assert waiter.is_alive()  # two sets are one
    wakeup.set()
    waiter.join(30)
    assert not waiter.is_alive()
