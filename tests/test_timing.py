"""Counts and times: exact, inverse to each other, and without drift over hours."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync import timing
from hygiesync.errors import UsageError
from hygiesync.speech.mel import MelSpectrogram

EIGHT_HOURS_S = 8 * 3600
NTSC = Fraction(30_000, 1001)
RATES = [Fraction(24_000, 1001), Fraction(24), Fraction(25), NTSC, Fraction(30), Fraction(60_000, 1001), Fraction(60)]


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("23.976", Fraction(24_000, 1001)),
        ("23.98", Fraction(24_000, 1001)),
        ("29.97", NTSC),
        ("29.970", NTSC),
        (29.97, NTSC),
        ("59.94", Fraction(60_000, 1001)),
        ("119.88", Fraction(120_000, 1001)),
        ("30000/1001", NTSC),
        (NTSC, NTSC),
        ("25", Fraction(25)),
        (25, Fraction(25)),
        (12.5, Fraction(25, 2)),
        ("1", Fraction(1)),
        (240, Fraction(240)),
    ],
)
def test_frame_rates_mean_what_people_mean(text: float | Fraction | str, fps: Fraction) -> None:
    assert timing.parse_fps(text) == fps


@pytest.mark.parametrize(
    "text", ["", "fast", "25 fps", "30/0", "nan", "inf", "-25", "0", "0.5", "241", "29,97", None, float("nan"), [25]]
)
def test_nonsense_is_no_frame_rate(text: Any) -> None:
    with pytest.raises(UsageError, match="frame rate"):
        timing.parse_fps(text)


@given(st.text(alphabet="0123456789./-+ x", max_size=8))
def test_any_text_is_a_frame_rate_in_range_or_refused(text: str) -> None:
    try:
        fps = timing.parse_fps(text)
    except UsageError:
        return
    assert 1 <= fps <= 240


@given(st.integers(0, 10**9), st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]))
def test_sample_and_time_round_trip(index: int, sample_rate: int) -> None:
    assert timing.time_to_samples(timing.sample_time(index, sample_rate), sample_rate) == index


@given(st.integers(0, 10**7), st.sampled_from(RATES))
def test_frames_before_a_frames_time_are_counted_by_its_index(index: int, fps: Fraction) -> None:
    time_s = timing.video_frame_time(index, fps)
    assert timing.n_video_frames(time_s, fps) == index
    assert timing.n_video_frames(time_s + Fraction(1, 10**6), fps) == index + 1


def test_no_drift_over_eight_hours_at_29_97() -> None:
    n_frames = timing.n_video_frames(EIGHT_HOURS_S, NTSC)
    assert n_frames == 863_137  # 8 h * 30000 / 1001 = 863136.86
    last = timing.video_frame_time(n_frames - 1, NTSC)
    assert last == Fraction((n_frames - 1) * 1001, 30_000)
    assert 0 < EIGHT_HOURS_S - last <= 1 / NTSC
    # seen from the mel clock, the same instant: less than a hundredth of a microsecond off after eight hours
    assert float(timing.mel_position(last, 8) / timing.MEL_RATE) == pytest.approx(float(last) + 0.055, abs=1e-8)


@given(st.integers(-10, 10**8), st.integers(0, 20))
def test_mel_position_undoes_described_time(index: int, lookahead: int) -> None:
    assert timing.mel_position(timing.described_time(index, lookahead), lookahead) == index


@given(st.integers(0, 10**8), st.integers(0, 20))
def test_a_frame_describes_the_time_the_lookahead_before_it_is_known(index: int, lookahead: int) -> None:
    waited = timing.mel_frame_known_at(index) - timing.described_time(index, lookahead)
    assert waited == timing.mel_frames_to_time(lookahead)


@given(st.integers(0, 10**6))
def test_a_mel_frame_is_known_with_its_last_sample_and_not_before(index: int) -> None:
    n_samples = timing.time_to_samples(timing.mel_frame_known_at(index))
    assert timing.n_mel_frames(n_samples) == index + 1
    assert timing.n_mel_frames(n_samples - 1) == index


@pytest.mark.parametrize("n_samples", [0, 1, 399, 400, 401, 559, 560, 561, 719, 720, 16_000])
def test_mel_frames_are_counted_as_the_spectrogram_makes_them(n_samples: int) -> None:
    frames = MelSpectrogram().push(np.zeros(n_samples, np.float32))
    assert len(frames) == timing.n_mel_frames(n_samples)


@pytest.mark.parametrize(("ms", "frames"), [(0, 0), (9.99, 0), (10, 1), (80, 8), (89.9, 8), (200, 20)])
def test_a_lookahead_is_never_longer_than_asked_for(ms: float, frames: int) -> None:
    assert timing.lookahead_frames(ms) == frames
