"""Smoothing of tracks: without lag, within shots, and around frames that are missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.face.smoothing import find_shots, gaussian_smooth

SIGMA_S = 0.05
ONE_SHOT = np.zeros(61, int)
REGULAR = np.arange(61) / 25
SQUEEZED = np.sign(REGULAR - REGULAR[30]) * np.abs(REGULAR - REGULAR[30]) ** 1.3 + 2
"""Irregular times, the same before and after the middle one."""


def plain_smooth(values: np.ndarray, times_s: np.ndarray, shots: np.ndarray, sigma_s: float) -> np.ndarray:
    """The definition, one frame at a time: a Gaussian, cut off at two and a half deviations."""
    smooth = np.full_like(values, np.nan)
    for here in range(len(values)):
        if np.isnan(values[here]).any():
            continue
        near = (np.abs(times_s - times_s[here]) <= 2.5 * sigma_s) & (shots == shots[here])
        near &= ~np.isnan(values).any(axis=1)
        weight = np.exp(-0.5 * ((times_s[near] - times_s[here]) / sigma_s) ** 2)
        smooth[here] = (weight[:, None] * values[near]).sum(0) / weight.sum()
    return smooth


@pytest.mark.parametrize("times_s", [REGULAR, SQUEEZED], ids=["regular", "irregular"])
def test_a_symmetric_pulse_stays_where_it_is(times_s: np.ndarray) -> None:
    pulse = np.exp(-0.5 * ((times_s - times_s[30]) / 0.15) ** 2)[:, None]
    smooth = gaussian_smooth(pulse, times_s, ONE_SHOT, SIGMA_S)[:, 0]
    assert smooth.argmax() == 30
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-12)
    assert smooth[30] < 1


def test_a_steady_move_is_not_delayed() -> None:
    ramp = REGULAR[:, None] * [1.0, -3.0]
    smooth = gaussian_smooth(ramp, REGULAR, ONE_SHOT, SIGMA_S)
    np.testing.assert_allclose(smooth[5:-5], ramp[5:-5], atol=1e-12)


def test_jitter_shrinks() -> None:
    jitter = np.random.default_rng(0).normal(0, 1, (500, 1))
    smooth = gaussian_smooth(jitter, np.arange(500) / 25, np.zeros(500, int), SIGMA_S)
    assert smooth.std() < 0.6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.floats(0.005, 0.3))
def test_it_equals_its_definition(seed: int, n_frames: int, sigma_s: float) -> None:
    rng = np.random.default_rng(seed)
    times_s, shots = np.cumsum(rng.uniform(0.005, 0.1, n_frames)), np.sort(rng.integers(0, 3, n_frames))
    values = rng.normal(0, 1, (n_frames, 2))
    values[rng.random(n_frames) < 0.1] = np.nan
    expected = plain_smooth(values, times_s, shots, sigma_s)
    np.testing.assert_allclose(gaussian_smooth(values, times_s, shots, sigma_s), expected, atol=1e-9)


def test_nothing_leaks_across_a_cut() -> None:
    values = np.where(np.arange(61) < 30, 0.0, 100.0)[:, None]
    shots = (np.arange(61) >= 30).astype(int)
    np.testing.assert_allclose(gaussian_smooth(values, REGULAR, shots, SIGMA_S), values, atol=1e-12)


def test_missing_frames_stay_missing_and_do_not_spread() -> None:
    values = np.ones((61, 3, 2))
    values[20] = np.nan
    values[40, 1, 0] = np.nan
    smooth = gaussian_smooth(values, REGULAR, ONE_SHOT, SIGMA_S)
    assert np.flatnonzero(np.isnan(smooth).any(axis=(1, 2))).tolist() == [20, 40]
    np.testing.assert_allclose(smooth[~np.isnan(smooth)], 1)


def test_no_smoothing_gives_a_copy() -> None:
    values = np.random.default_rng(0).normal(0, 1, (61, 2))
    smooth = gaussian_smooth(values, REGULAR, ONE_SHOT, 0)
    np.testing.assert_array_equal(smooth, values)
    assert not np.shares_memory(smooth, values)


def test_the_track_that_is_handed_in_is_left_alone() -> None:
    values = np.random.default_rng(0).normal(0, 1, (61, 2))
    before = values.copy()
    gaussian_smooth(values, REGULAR, ONE_SHOT, SIGMA_S)
    np.testing.assert_array_equal(values, before)


def head(n_frames: int) -> np.ndarray:
    """Rigid points of a head 100 pixels wide that sways gently."""
    points = np.random.default_rng(0).uniform(0, 100, (14, 2))
    points[:2, 0] = 0, 100
    return points + np.sin(np.arange(n_frames) / 5)[:, None, None] * 4


def test_a_head_that_sways_is_one_shot() -> None:
    assert not find_shots(head(50)).any()


def test_a_cut_begins_a_shot() -> None:
    rigid = head(50)
    rigid[20:] += 30
    rigid[35:] = rigid[35:] * 1.5
    assert find_shots(rigid).tolist() == [0] * 20 + [1] * 15 + [2] * 15


def test_frames_on_both_sides_of_a_missing_face_are_different_shots() -> None:
    rigid = head(30)
    rigid[10:13] = np.nan
    shots = find_shots(rigid)
    assert len(set(shots[:10])) == len(set(shots[13:])) == 1
    assert not set(shots[:10]) & set(shots[10:13])
    assert not set(shots[13:]) & set(shots[:13])


@pytest.mark.parametrize("n_frames", [0, 1, 5])
def test_videos_without_any_face_have_shots_too(n_frames: int) -> None:
    assert len(find_shots(np.full((n_frames, 14, 2), np.nan))) == n_frames


def test_a_head_that_moves_fast_is_no_series_of_cuts() -> None:
    """A man who paces: every frame jumps as cuts do, and so do its neighbours. A real cut among them is still found."""
    rigid = head(60)
    rigid += np.arange(60)[:, None, None] * 0.08 * np.ptp(rigid[0, :, 0])
    assert not find_shots(rigid).any()
    rigid[30:] += 0.4 * np.ptp(rigid[0, :, 0])
    assert find_shots(rigid).tolist() == [0] * 30 + [1] * 30
