"""Blocks on a timeline: what is lost becomes silence of the right length, and what is late stays in its place."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.timeline import Timeline

RATE = 16_000
BLOCK = 160
START_S = 500.0


def block_at(index: int) -> np.ndarray:
    """A block whose samples are the numbers of themselves (from 1: zero is silence)."""
    return np.arange(index * BLOCK + 1, (index + 1) * BLOCK + 1).astype(np.float32)


def due(index: int) -> float:
    """When a block is complete."""
    return START_S + (index + 1) * BLOCK / RATE


class Listener:
    """Reads every 10 ms, as the program does, and keeps what it got."""

    def __init__(self) -> None:
        self.timeline = Timeline(StreamClock(RATE))
        self.samples = np.zeros(0, np.float32)

    def hear(self, arrivals: list[tuple[float, int, bool]], until_s: float) -> Listener:
        """Blocks of (host time, index, has overflowed) arrive; reads go on until `until_s`."""
        arrivals, heard = sorted(arrivals), [self.samples]
        for now_s in np.arange(START_S, until_s + 1e-6, 0.01):
            while arrivals and arrivals[0][0] <= now_s + 1e-6:
                host_s, index, has_overflowed = arrivals.pop(0)
                self.timeline.push(block_at(index), host_s, has_overflowed)
            self.timeline.tick(now_s)
            heard.append(self.timeline.take())
        self.samples = np.concatenate(heard)
        assert len(self.samples) == self.timeline.n_samples
        return self

    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """How much later than its own time each audible sample lies on the timeline (samples), and where it lies."""
        (where,) = np.nonzero(self.samples)
        return self.samples[where].astype(int) - 1 - where, where


def in_time(indices: Iterable[int]) -> list[tuple[float, int, bool]]:
    return [(due(index), index, False) for index in indices]


def test_undisturbed_sound_is_passed_on() -> None:
    listener = Listener().hear(in_time(range(300)), START_S + 3)
    np.testing.assert_array_equal(listener.samples, np.arange(1, 300 * BLOCK + 1))
    assert listener.timeline.n_filled == listener.timeline.n_overflows == 0


def test_jitter_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    arrivals = np.maximum.accumulate([due(index) + rng.uniform(0, 0.03) for index in range(300)])
    listener = Listener().hear([(s, i, False) for i, s in enumerate(arrivals)], START_S + 3.1)
    np.testing.assert_array_equal(listener.samples, np.arange(1, 300 * BLOCK + 1))


def test_callback_blocked_briefly_loses_nothing() -> None:
    arrivals = [(max(due(i), due(100) + 0.08) if i >= 100 else due(i), i, False) for i in range(300)]
    listener = Listener().hear(arrivals, START_S + 3)
    np.testing.assert_array_equal(listener.samples, np.arange(1, 300 * BLOCK + 1))


def test_callback_blocked_for_200_ms_stays_in_sync() -> None:
    arrivals = [(max(due(i), due(100) + 0.2) if i >= 100 else due(i), i, False) for i in range(300)]
    listener = Listener().hear(arrivals, START_S + 3)
    offsets, _ = listener.offsets()
    assert not offsets.any()
    assert len(listener.samples) == 300 * BLOCK
    # silence stands for what was not there in time, and no longer
    assert 0.05 * RATE < listener.timeline.n_filled <= 0.12 * RATE
    assert listener.timeline.n_overflows == 0


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize("n_lost", [6, 20, 150])
def test_hole_becomes_silence_of_its_length(n_lost: int, is_announced: bool) -> None:
    arrivals = in_time([*range(100), *range(100 + n_lost, 400)])
    arrivals[100] = (*arrivals[100][:2], is_announced)
    listener = Listener().hear(arrivals, START_S + 4)
    offsets, where = listener.offsets()
    assert not offsets.any()
    assert (listener.samples == 0).sum() == listener.timeline.n_filled == n_lost * BLOCK
    assert len(where) == (400 - n_lost) * BLOCK  # and nothing that came was dropped
    assert listener.timeline.n_overflows == 1


def test_short_hole_is_found_where_the_device_says_so() -> None:
    arrivals = in_time([*range(100), *range(102, 300)])
    arrivals[100] = (*arrivals[100][:2], True)
    listener = Listener().hear(arrivals, START_S + 3)
    assert not listener.offsets()[0].any()
    assert listener.timeline.n_filled == 2 * BLOCK


def test_overflow_that_lost_nothing_is_only_counted() -> None:
    arrivals = in_time(range(300))
    arrivals[100] = (*arrivals[100][:2], True)
    listener = Listener().hear(arrivals, START_S + 3)
    np.testing.assert_array_equal(listener.samples, np.arange(1, 300 * BLOCK + 1))
    assert listener.timeline.n_overflows == 1


def test_slow_catching_up_is_no_hole() -> None:
    # after a stall of half a second the blocks come at twice their pace
    arrivals = [(max(due(i), due(100) + 0.5 + (i - 100) * 0.005) if i >= 100 else due(i), i, False) for i in range(300)]
    listener = Listener().hear(arrivals, START_S + 3)
    offsets, _ = listener.offsets()
    assert not offsets.any()
    assert listener.timeline.n_overflows == 0


def test_starved_callback_keeps_the_length() -> None:
    # for two seconds blocks are late by a time that does not fall: a hole, as it seems, until they come in time again
    arrivals = [due(i) + (0.15 if 100 <= i < 300 else 0) for i in range(500)]
    listener = Listener().hear([(s, i, False) for i, s in enumerate(np.maximum.accumulate(arrivals))], START_S + 5)
    offsets, where = listener.offsets()
    assert len(listener.samples) == 500 * BLOCK
    assert not offsets[where > 320 * BLOCK].any()
    assert listener.timeline.n_filled == (500 * BLOCK - len(where)) == 0.15 * RATE  # as much was dropped as was filled


def test_device_that_becomes_quicker_long_after_a_hole_loses_nothing() -> None:
    indices = [*range(100), *range(120, 1200)]
    arrivals = np.maximum.accumulate([due(i) + (0.02 if i < 800 else 0) for i in indices])
    listener = Listener().hear([(s, i, False) for s, i in zip(arrivals, indices, strict=True)], START_S + 12)
    offsets, where = listener.offsets()
    assert not offsets.any()
    assert len(where) == len(indices) * BLOCK


def test_silence_while_the_device_is_gone() -> None:
    listener = Listener().hear(in_time(range(100)), START_S + 61)
    assert len(listener.samples) == pytest.approx(61 * RATE, abs=0.11 * RATE)
    assert not listener.samples[100 * BLOCK :].any()


def test_silence_comes_as_time_goes_on() -> None:
    listener, ends = Listener(), []
    for block in range(100):
        listener.timeline.push(block_at(block), due(block))
    for now_s in START_S + 1 + np.arange(0, 2, 0.02):
        listener.timeline.tick(now_s)
        ends.append(len(listener.timeline.take()))
    assert sum(ends[1:6]) == 0  # a tenth of a second of patience
    assert max(ends[6:]) <= 0.021 * RATE


class TestDriverThatSaysWhenABlockWasCaptured:
    """Its clock began at another time than the host's."""

    def hear(self, arrivals: list[tuple[float, int]]) -> tuple[Timeline, list[np.ndarray]]:
        timeline, samples = Timeline(StreamClock(RATE)), []
        for host_s, index in arrivals:
            timeline.push(block_at(index), host_s, captured_s=due(index) - START_S + 7)
            timeline.tick(host_s)
            samples.append(timeline.take())
        return timeline, samples

    def test_a_starved_callback_is_no_hole(self) -> None:
        # for two seconds the callback is late by a time that does not fall
        arrivals = [(due(i) + (0.15 if 100 <= i < 300 else 0), i) for i in range(500)]
        timeline, samples = self.hear(np.maximum.accumulate(arrivals, axis=0).tolist())
        timeline_samples = np.concatenate(samples)
        assert np.array_equal(timeline_samples, np.arange(1, 500 * BLOCK + 1))
        assert timeline.n_overflows == timeline.n_filled == 0

    def test_what_was_captured_in_time_is_not_held(self) -> None:
        arrivals = [(max(due(i), due(100) + 0.09) if i >= 100 else due(i), i) for i in range(200)]
        _, samples = self.hear(arrivals)
        assert all(len(block) == BLOCK for block in samples)

    @pytest.mark.parametrize("n_lost", [6, 20, 250])
    def test_a_hole_is_a_hole(self, n_lost: int) -> None:
        arrivals = [(due(i), i) for i in [*range(100), *range(100 + n_lost, 500)]]
        timeline, samples = self.hear(arrivals)
        heard = np.concatenate(samples)
        (where,) = np.nonzero(heard)
        np.testing.assert_array_equal(heard[where], where + 1)
        assert timeline.n_filled == n_lost * BLOCK
        assert timeline.n_overflows == 1


@pytest.mark.parametrize("gone_s", [0.5, 5.0, 60.0])
def test_device_that_returns_stands_where_time_says(gone_s: float) -> None:
    n_gone = round(gone_s * 100)
    listener = Listener()
    arrivals = in_time(range(100))
    listener.hear(arrivals, START_S + 1)
    listener.timeline.begin_stream()
    back_s = START_S + 1 + gone_s
    for now_s in np.arange(START_S + 1, back_s, 0.01):
        listener.timeline.tick(now_s)
    for index in range(100 + n_gone, 300 + n_gone):
        # the first blocks of a stream often come in a heap
        listener.timeline.push(block_at(index), max(due(index), due(103 + n_gone)))
    listener.samples = np.concatenate([listener.samples, listener.timeline.take()])
    offsets, where = listener.offsets()
    assert np.abs(offsets).max() <= 1
    assert len(where) >= 299 * BLOCK - 10


def test_device_that_is_silent_at_first() -> None:
    listener = Listener().hear([], START_S + 2)
    assert len(listener.samples) == pytest.approx(2 * RATE, abs=0.12 * RATE)
    for index in range(200, 300):
        listener.timeline.push(block_at(index), due(index))
    assert listener.timeline.take()[-1] == 300 * BLOCK


def test_arrival_of_a_sample() -> None:
    listener = Listener().hear(in_time(range(300)), START_S + 3)
    for sample in (0, 159, 160, 20_000, 300 * BLOCK - 1):
        assert listener.timeline.arrival_of(sample) == due(sample // BLOCK)
    with pytest.raises(ValueError, match="samples up to 48000 have come"):
        listener.timeline.arrival_of(300 * BLOCK)


@settings(max_examples=60, deadline=None)
@given(
    lost=st.sets(st.integers(50, 250), max_size=60),
    stalls=st.lists(st.tuples(st.integers(20, 250), st.integers(1, 30)), max_size=3),
)
def test_any_mishap_keeps_the_length(lost: set[int], stalls: list[tuple[int, int]]) -> None:
    check_mishap(lost, stalls)


def test_a_block_alone_between_two_stalls_keeps_the_length() -> None:
    check_mishap(set(), [(21, 20), (20, 11)])


def check_mishap(lost: set[int], stalls: list[tuple[int, int]]) -> None:
    """Blocks in `lost` never come; from each of `stalls`, (block, number), all come late, when it is over."""
    indices = [index for index in range(500) if index not in lost]
    arrivals = [due(index) for index in indices]
    for first, n_blocks in stalls:
        released_s = due(first + n_blocks)
        arrivals = [max(s, released_s) if s >= due(first) else s for s in arrivals]
    listener = Listener().hear([(s, i, False) for s, i in zip(arrivals, indices, strict=True)], START_S + 5)
    # holes too short to be told from jitter may be left out until they add up
    assert len(listener.samples) == pytest.approx(500 * BLOCK, abs=0.1 * RATE)
    offsets, where = listener.offsets()
    assert np.all(np.diff(listener.samples[where]) > 0)  # nothing comes twice, nothing out of order
    assert np.abs(offsets[where > 400 * BLOCK]).max() <= 0.1 * RATE
    assert offsets[where > 400 * BLOCK].min() >= -1  # it is never longer than time
