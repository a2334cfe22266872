"""Sound laid on the clock of its file: every frame at its stamp, whatever came before."""

from fractions import Fraction

import numpy as np
import pytest
from av.audio.frame import AudioFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.errors import InputError
from hygiesync.media.audio_timeline import MAX_JITTER_S, AudioTimeline


class Frame:
    """A frame of sound as the timeline sees it, at a time stamp of its own."""

    def __init__(self, begin: int, samples: np.ndarray) -> None:
        self.value = AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
        self.value.sample_rate, self.value.pts, self.value.time_base = 16_000, begin, Fraction(1, 16_000)


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 1500), st.one_of(st.just(0), st.integers(-900, 3000))), min_size=1, max_size=12
    ),
    start=st.integers(-500, 3000),
)
def test_every_frame_lands_on_its_time_stamp(steps: list[tuple[int, int]], start: int) -> None:
    """Against the plain way: write each frame into one long array, unless the step is mere jitter."""
    tolerance = int(MAX_JITTER_S * 16_000)
    timeline = AudioTimeline(16_000, 1, Fraction(0), "test")
    pieces: list[np.ndarray] = []
    expected, n_known, position = np.zeros(60_000, np.float32), 0, start
    for number, (length, step) in enumerate(steps):
        stamp = position + (step if number else 0)
        begin = stamp if number == 0 or abs(stamp - position) > tolerance else position
        values = np.arange(1, length + 1, dtype=np.float32) / 2048 + number
        pieces += timeline.push(Frame(stamp, values).value)
        first = max(begin, n_known)
        if begin + length > first:
            expected[first : begin + length] = values[first - begin :]
            n_known = begin + length
        position = begin + length
    pieces += timeline.flush()
    samples = np.concatenate([np.zeros((0, 1), np.float32), *pieces])[:, 0]
    assert np.array_equal(samples[:n_known], expected[:n_known])
    assert not samples[n_known:].any()


def test_time_stamps_that_leap_are_refused() -> None:
    timeline = AudioTimeline(16_000, 1, Fraction(0), "leap.mkv")
    list(timeline.push(Frame(0, np.ones(160, np.float32)).value))
    with pytest.raises(InputError, match=r"leap\.mkv: its sound stops from 0\.0 s to 700\.0 s"):
        list(timeline.push(Frame(700 * 16_000, np.ones(160, np.float32)).value))
