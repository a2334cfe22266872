"""Augmentation: the same words otherwise heard. Nothing moves in time, nothing is louder or softer than it is meant."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.learning.augment import Augmentation
from hygiesync.speech.mel import N_MELS, POWER_FLOOR

FLOOR = np.log10(POWER_FLOOR)
NOTHING = Augmentation(grain=0.0, gain=0.0, narrow_share=0.0, noise_share=0.0, noise_below=(1.0, 3.5))
DEVIATION = np.linspace(0.5, 1.2, N_MELS)


def windows(n_windows: int = 6, n_frames: int = 50, seed: int = 0) -> np.ndarray:
    """Mel frames between -7 and -1, whose loudness comes and goes."""
    rng = np.random.default_rng(seed)
    loudness = rng.uniform(-6, -2, (n_windows, n_frames, 1))
    return (loudness + rng.uniform(-1, 1, (n_windows, n_frames, N_MELS))).astype(np.float32)


def heard(augmentation: Augmentation, mel: np.ndarray, seed: int = 0) -> np.ndarray:
    return augmentation.apply(mel, DEVIATION, np.random.default_rng(seed))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 30),
    st.integers(0, 1000),
    st.builds(Augmentation, *[st.sampled_from([0.0, 0.3, 1.0])] * 4),
)
def test_shape_and_kind_stay_and_all_is_finite(
    n_windows: int, n_frames: int, seed: int, augmentation: Augmentation
) -> None:
    mel = windows(n_windows, n_frames, seed)
    before = mel.copy()
    result = heard(augmentation, mel, seed)
    assert result.shape == mel.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(mel, before, "what was handed in was written to")


def test_digital_silence_stays_finite() -> None:
    mel = np.full((8, 20, N_MELS), FLOOR, np.float32)
    assert np.isfinite(heard(Augmentation(narrow_share=1.0, noise_share=1.0), mel)).all()


def test_the_same_generator_gives_the_same_bits() -> None:
    mel = windows()
    np.testing.assert_array_equal(heard(Augmentation(), mel, 5), heard(Augmentation(), mel, 5))
    assert (heard(Augmentation(), mel, 5) != heard(Augmentation(), mel, 6)).mean() > 0.9


def test_without_any_variation_the_input_comes_back_exactly() -> None:
    mel = windows()
    mel[0, :5] = FLOOR
    np.testing.assert_array_equal(heard(NOTHING, mel), mel)


@pytest.mark.parametrize("augmentation", [Augmentation(grain=0.0, noise_share=0.0, narrow_share=1.0, gain=1.0)])
def test_each_frame_is_changed_alike_so_that_no_sound_moves(augmentation: Augmentation) -> None:
    mel = windows()
    order = np.random.default_rng(1).permutation(mel.shape[1])
    np.testing.assert_array_equal(heard(augmentation, mel[:, order]), heard(augmentation, mel)[:, order])


def test_a_click_stays_where_it_was() -> None:
    mel = np.full((200, 40, N_MELS), -6.0, np.float32)
    places = np.arange(200) % 40
    mel[np.arange(200), places] = -1.0
    strong = replace(NOTHING, grain=0.3, gain=0.5, narrow_share=0.5, noise_share=1.0)
    np.testing.assert_array_equal(heard(strong, mel).mean(2).argmax(1), places)


def test_gain_shifts_each_window_by_a_constant_of_its_own() -> None:
    mel = windows(400)
    shift = heard(replace(NOTHING, gain=0.2), mel) - mel
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1], shift.shape), atol=2e-6)
    assert shift[:, 0, 0].std() == pytest.approx(0.2, rel=0.15)
    assert abs(shift[:, 0, 0].mean()) < 0.05


def test_grain_is_measured_in_each_bands_own_deviation() -> None:
    mel = windows(60)
    noise = (heard(replace(NOTHING, grain=0.3), mel) - mel).reshape(-1, N_MELS)
    np.testing.assert_allclose(noise.std(0), 0.3 * DEVIATION, rtol=0.1)
    assert np.abs(noise.mean(0)).max() < 0.03


def test_narrow_bands_lose_the_top_and_leave_the_middle() -> None:
    mel = np.full((300, 4, N_MELS), -2.0, np.float32)
    change = (heard(replace(NOTHING, narrow_share=1.0), mel) - mel)[:, 0]
    assert (change <= 0).all()
    assert np.median(change[:, -1]) < -0.8
    assert change[:, 16:40].min() > -0.05, "what tells the vowels is always there"
    has_bottom = change[:, 0] > -0.1
    assert 0.4 < has_bottom.mean() < 0.85, "half lose the lowest, some of them hardly any"
    assert (change[:, 16] >= change[:, 0] - 1e-6).all()
    assert (np.diff(change[:, 40:], axis=1) < 1e-6).all(), "the edge falls all the way"


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_shares_are_shares_of_windows(share: float) -> None:
    mel = np.full((1000, 2, N_MELS), -2.0, np.float32)
    narrow = (heard(replace(NOTHING, narrow_share=share), mel) < mel - 1e-3)[:, 0, -1].mean()
    noisy = (heard(replace(NOTHING, noise_share=share), mel) > mel)[:, 0].any(1).mean()
    assert noisy == pytest.approx(share, abs=0.05)
    assert narrow == pytest.approx(share, abs=0.1)


def test_noise_fills_the_gaps_and_leaves_what_is_loud() -> None:
    mel = np.full((200, 60, N_MELS), -7.5, np.float32)
    mel[:, 20:30] = -1.0
    result = heard(replace(NOTHING, noise_share=1.0), mel)
    assert (result >= mel - 1e-5).all(), "powers add"
    loud, gap = result[:, 20:30], np.delete(result, np.s_[20:30], axis=1)
    assert np.median(loud - mel[:, 20:30]) < 0.05
    halves = gap[:, :25].mean((1, 2)) - gap[:, 25:].mean((1, 2))
    assert np.abs(halves).max() < 0.1, "it is steady"


@pytest.mark.parametrize("below", [1.0, 2.5, 4.0])
def test_noise_lies_as_far_under_the_loudest_moment_as_it_says(below: float) -> None:
    mel = np.full((300, 60, N_MELS), -7.9, np.float32)
    mel[:, 20:30] = np.linspace(-2, 0, 300)[:, None, None]
    gap = heard(replace(NOTHING, noise_share=1.0, noise_below=(below, below)), mel)[:, 35:].mean((1, 2))
    np.testing.assert_allclose(mel[:, 25, 0] - gap, below, atol=0.2)
    spread = heard(replace(NOTHING, noise_share=1.0, noise_below=(below, below + 1)), mel)[:, 35:].mean((1, 2))
    assert np.ptp(mel[:, 25, 0] - spread) == pytest.approx(1, abs=0.3)


def test_the_power_of_noise_is_what_the_generator_drew_for_any_sound() -> None:
    """10 ** mel grows by the same power wherever the noise is drawn alike: no other way of mixing does that."""
    mel = np.full((50, 30, N_MELS), -3.0, np.float32)
    mel[:, :10] = -1.0
    softer = mel.copy()
    softer[:, 20:] = -4.0
    added, added_to_softer = (
        10.0 ** heard(replace(NOTHING, noise_share=1.0), m).astype(float) - 10.0 ** m.astype(float)
        for m in (mel, softer)
    )
    np.testing.assert_allclose(added[:, 20:], added_to_softer[:, 20:], rtol=1e-2, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_only_grain_goes_below_the_floor(seed: int) -> None:
    mel = windows() - 2
    strong = Augmentation(grain=0.0, gain=2.0, narrow_share=1.0, noise_share=0.5)
    result = heard(strong, mel, seed)
    assert result.min() == FLOOR
    assert heard(replace(strong, grain=0.3), mel, seed).min() < FLOOR
