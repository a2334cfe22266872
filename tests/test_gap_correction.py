"""What early blocks prove about holes that were filled before them."""

import pytest

from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.gap_correction import CORRECTED_WITHIN_S, GapCorrection

RATE = 16_000
START_S = 500.0


@pytest.fixture
def holes() -> GapCorrection:
    """A second of sound came in time; then 1600 samples were filled."""
    clock, holes = StreamClock(RATE), GapCorrection(RATE)
    clock.observe(RATE, START_S + 1)
    holes.add(1600, clock, START_S + 1.2)
    return holes


def in_time(end: int) -> float:
    return START_S + end / RATE


def test_nothing_was_filled_nothing_is_taken_back() -> None:
    assert GapCorrection(RATE).take_back(RATE, 0.0) == 0


def test_block_in_time_or_late_proves_nothing(holes: GapCorrection) -> None:
    assert holes.take_back(20_000, in_time(20_000)) == 0
    assert holes.take_back(20_000, in_time(20_000) + 0.05) == 0


def test_early_block_proves_as_much_as_it_is_early(holes: GapCorrection) -> None:
    assert holes.take_back(20_000, in_time(20_000) - 0.05) == pytest.approx(800, abs=1)


def test_never_more_than_was_filled(holes: GapCorrection) -> None:
    assert holes.take_back(20_000, in_time(20_000) - 0.0625) == pytest.approx(1000, abs=1)
    assert holes.take_back(20_000, in_time(20_000) - 0.0625) == pytest.approx(600, abs=1)
    assert holes.take_back(20_000, in_time(20_000) - 0.0625) == 0


def test_holes_add_up(holes: GapCorrection) -> None:
    clock = StreamClock(RATE)
    clock.observe(RATE, START_S + 1)
    holes.add(400, clock, START_S + 1.4)
    assert holes.take_back(24_000, in_time(24_000) - 0.2) == 2000


def test_doubt_ends(holes: GapCorrection) -> None:
    end = round((1.2 + CORRECTED_WITHIN_S + 0.2) * RATE)
    assert holes.take_back(end, in_time(end) - 0.1) == 0
    assert holes.take_back(20_000, in_time(20_000) - 0.1) == 0  # for good
