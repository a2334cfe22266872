"""The clock between sound card and host: drift, jitter, stalls and restarts, in simulated time."""

import numpy as np
import pytest

from hygiesync.devices.sound.clock import StreamClock

RATE = 16_000
HOUR_S = 3600.0


def lateness(rng: np.random.Generator, n: int) -> np.ndarray:
    """Delays of a busy host (seconds): mostly a millisecond, at times thirty; the fastest blocks hardly any."""
    delays = rng.exponential(0.001, n)
    delays[rng.random(n) < 0.01] += rng.uniform(0, 0.03)
    return delays


def blocks(
    rng: np.random.Generator, duration_s: float, drift_ppm: int, block_s: float = 0.01, start_s: float = 1000.0
) -> tuple[list[int], list[float], list[float]]:
    """Counts and host times of the callbacks of a card that runs at RATE * (1 + drift)."""
    counts = np.arange(1, int(duration_s / block_s) + 1) * round(block_s * RATE)
    true_s = start_s + counts / (RATE * (1 + drift_ppm * 1e-6))
    seen_s = np.maximum.accumulate(true_s + lateness(rng, len(counts)))
    return counts.tolist(), true_s.tolist(), seen_s.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("drift_ppm", [100, -100])
def test_eight_hours_of_drift(drift_ppm: int) -> None:
    clock, worst_s = StreamClock(RATE), 0.0
    for count, true_s, seen_s in zip(
        *blocks(np.random.default_rng(1), 8 * HOUR_S, drift_ppm, block_s=0.02), strict=True
    ):
        clock.observe(count, seen_s)
        worst_s = max(worst_s, abs(clock.time_of(count) - true_s)) if count > 10 * RATE else worst_s
    nominal_s = 8 * HOUR_S * 100e-6
    assert nominal_s > 2.0  # what an uncorrected clock would be off by
    assert worst_s < 0.02


@pytest.mark.parametrize("drift_ppm", [500, -500, 0])
def test_poor_cards_are_followed(drift_ppm: int) -> None:
    clock, errors_s = StreamClock(RATE), []
    for count, true_s, seen_s in zip(*blocks(np.random.default_rng(2), 600, drift_ppm), strict=True):
        clock.observe(count, seen_s)
        errors_s.append(clock.time_of(count) - true_s)
    assert np.abs(errors_s[500:]).max() < 0.01


def test_time_never_runs_back() -> None:
    clock, last_s = StreamClock(RATE), -np.inf
    for count, _, seen_s in zip(*blocks(np.random.default_rng(3), 60, 100), strict=True):
        clock.observe(count, seen_s)
        assert last_s < clock.time_of(count) <= seen_s
        last_s = clock.time_of(count)


def test_blocked_callback_leaves_no_offset() -> None:
    clock = StreamClock(RATE)
    counts, true_s, seen_s = blocks(np.random.default_rng(4), 20, 100)
    released_s = true_s[1000] + 0.2
    for index, count in enumerate(counts):
        # twenty blocks wait for the callback, and then come all at once
        clock.observe(count, max(seen_s[index], released_s) if index >= 1000 else seen_s[index])
        if index >= 500:
            assert abs(clock.time_of(count) - true_s[index]) < 0.005


def test_busy_seconds_leave_no_offset() -> None:
    clock = StreamClock(RATE)
    for index in range(1, 2001):
        late_s = 0.03 if 500 < index <= 800 else 0.0  # not one block in time for three seconds
        clock.observe(index * 160, index * 0.01 + late_s)
        assert clock.time_of(index * 160) == pytest.approx(index * 0.01, abs=1e-6)


def test_lasting_delay_is_followed_without_a_jump() -> None:
    clock, last_s = StreamClock(RATE), None
    for index in range(1, 3001):
        late_s = 0.1 if index > 500 else 0.0
        clock.observe(index * 160, index * 0.01 + late_s)
        now_s = clock.time_of(index * 160)
        assert last_s is None or 0.009 < now_s - last_s < 0.0105
        last_s = now_s
    assert last_s == pytest.approx(30.1, abs=0.002)


def test_restart_after_a_long_hole() -> None:
    clock = StreamClock(RATE)
    for index in range(1, 501):
        clock.observe(index * 160, index * 0.01)
    # a minute later the count goes on where it was
    for index in range(501, 520):
        clock.observe(index * 160, 60 + index * 0.01)
        assert clock.time_of(index * 160) == pytest.approx(60 + index * 0.01, abs=1e-6)


def test_sample_at_is_the_inverse() -> None:
    clock = StreamClock(RATE)
    clock.observe(800, 7.5)
    assert clock.sample_at(clock.time_of(12_345)) == pytest.approx(12_345)
    assert clock.time_of(0) == pytest.approx(7.45)


def test_asked_too_early() -> None:
    clock = StreamClock(RATE)
    assert not clock.is_running
    with pytest.raises(RuntimeError, match="before it was fed"):
        clock.time_of(0)
    with pytest.raises(RuntimeError, match="before it was fed"):
        clock.sample_at(0.0)
