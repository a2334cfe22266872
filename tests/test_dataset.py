"""Training sequences: labels at the right times, known only where they are, and parts that never overlap."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.errors import InputError
from hygiesync.learning.dataset import GUARD_S, MAX_LABEL_GAP_S, LabelledClip, align, batches, splice, split
from hygiesync.timing import described_time, n_mel_frames, time_to_mel_frames

DURATION_S, LOOKAHEAD = 4.0, 8
N_MEL = n_mel_frames(round(DURATION_S * 16_000))


def motion(time_s: np.ndarray) -> np.ndarray:
    """Two coefficients that swing slowly, so that straight lines between frames are near."""
    time_s = np.asarray(time_s, float)
    return np.stack([np.sin(2 * time_s), np.cos(3 * time_s)], -1)


def frame_times(kind: str) -> np.ndarray:
    if kind == "irregular":
        return np.cumsum(np.random.default_rng(0).uniform(0.01, 0.07, 95)) + 0.02
    fps = {"25": Fraction(25), "29.97": Fraction(30_000, 1001)}[kind]
    return np.array([float(index / fps) for index in range(int(DURATION_S * fps))])


def aligned(
    times_s: np.ndarray,
    shots: np.ndarray | None = None,
    is_usable: np.ndarray | None = None,
    lookahead: int = LOOKAHEAD,
    coefficients: np.ndarray | None = None,
) -> LabelledClip:
    n = len(times_s)
    return align(
        np.zeros((N_MEL, 80), np.float32),
        motion(times_s) if coefficients is None else coefficients,
        times_s,
        np.zeros(n, int) if shots is None else shots,
        np.ones(n, bool) if is_usable is None else is_usable,
        lookahead,
    )


def mel_times(lookahead: int = LOOKAHEAD) -> np.ndarray:
    return np.array([float(described_time(index, lookahead)) for index in range(N_MEL)])


@pytest.mark.parametrize("lookahead", [0, 8])
@pytest.mark.parametrize("kind", ["25", "29.97", "irregular"])
def test_labels_are_the_motion_at_the_described_time(kind: str, lookahead: int) -> None:
    times_s = frame_times(kind)
    sequence = aligned(times_s, lookahead=lookahead)
    wanted = mel_times(lookahead)
    np.testing.assert_array_equal(sequence.is_known, (wanted >= times_s[0]) & (wanted <= times_s[-1]))
    expected = motion(wanted)[sequence.is_known]
    np.testing.assert_allclose(sequence.coefficients[sequence.is_known], expected, atol=7e-3)
    # 40 ms off would be ten times as far
    assert np.abs(sequence.coefficients[sequence.is_known] - motion(wanted + 0.04)[sequence.is_known]).max() > 0.05


def test_no_label_between_two_shots() -> None:
    times_s = frame_times("25")
    shots = (np.arange(len(times_s)) >= 50).astype(int)
    jump = motion(times_s) + 100.0 * shots[:, None]
    sequence = aligned(times_s, shots, coefficients=jump)
    labels = sequence.coefficients[sequence.is_known]
    assert ((np.abs(labels) < 2) | (labels > 90)).all()
    between = (mel_times() > times_s[49]) & (mel_times() < times_s[50])
    assert between.any()
    assert not sequence.is_known[between].any()


def test_frames_that_are_not_believed_give_no_labels_even_when_nan() -> None:
    times_s, is_usable = frame_times("25"), np.ones(100, bool)
    is_usable[30:33] = False
    coefficients = motion(times_s)
    coefficients[30:33] = np.nan
    sequence = aligned(times_s, is_usable=is_usable, coefficients=coefficients)
    beside = (mel_times() > times_s[29] + 1e-9) & (mel_times() < times_s[33] - 1e-9)
    assert not sequence.is_known[beside].any()
    assert np.isfinite(sequence.coefficients).all()
    far = (mel_times() > 0.01) & (mel_times() < times_s[-1] - 0.01) & ~(np.abs(mel_times() - times_s[31]) < 0.1)
    assert sequence.is_known[far].all()


def test_no_label_in_a_hole_of_the_video() -> None:
    times_s = frame_times("25")
    times_s = np.delete(times_s, slice(40, 44))
    hole = (mel_times() > times_s[39] + 1e-9) & (mel_times() < times_s[40] - 1e-9)
    assert times_s[40] - times_s[39] > MAX_LABEL_GAP_S
    sequence = aligned(times_s)
    assert hole.any()
    assert not sequence.is_known[hole].any()


def numbered(lengths: Sequence[int], n_unknown: int = 0) -> list[LabelledClip]:
    """Sequences whose mel and labels carry each frame's number, a million for every sequence."""
    sequences = []
    for which, length in enumerate(lengths):
        number = (np.arange(length) + 1e6 * which).astype(np.float64)
        is_known = np.arange(length) >= n_unknown
        sequences.append(LabelledClip(number[:, None].repeat(3, 1), -number[:, None], is_known))
    return sequences


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6000), min_size=1, max_size=4), st.floats(0.02, 0.4))
def test_training_and_validation_are_a_guard_apart(lengths: list[int], share: float) -> None:
    sequences = numbered(lengths)
    try:
        training, validation = split(sequences, share)
    except InputError:
        return
    for whole, train, check in zip(sequences, training, validation, strict=True):
        assert len(train) + len(check) <= len(whole)
        if len(train) and len(check):
            assert check.mel[0, 0] - train.mel[-1, 0] > time_to_mel_frames(GUARD_S)
        if len(check):
            assert check.mel[-1, 0] == whole.mel[-1, 0]
            assert len(check) == pytest.approx(share * len(whole), abs=1)


@pytest.mark.parametrize("sequences", [[], numbered([200]), numbered([6000], n_unknown=6000)])
def test_too_little_to_learn_from_is_said(sequences: list[LabelledClip]) -> None:
    with pytest.raises(InputError, match="film a longer video"):
        split(sequences)


def test_a_validation_part_without_any_face_is_said() -> None:
    sequence = numbered([6000])[0]
    sequence.is_known[5000:] = False
    with pytest.raises(InputError):
        split([sequence])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=4), st.integers(1, 300), st.integers(0, 99))
def test_windows_are_contiguous_pieces_of_one_sequence(lengths: list[int], window: int, seed: int) -> None:
    sequences = numbered(lengths, n_unknown=10)
    made = list(batches(sequences, window, 5, 3, np.random.default_rng(seed)))
    assert len(made) == 3
    for mel, coefficients, is_known in made:
        assert mel.shape == (5, min(window, max(lengths)), 3)
        assert coefficients.shape == (*mel.shape[:2], 1)
        number = mel[..., 0]
        assert (np.diff(number, axis=1) == 1).all()
        within, which = number % 1e6, (number // 1e6).astype(int)
        assert (within < np.array(lengths)[which]).all()
        np.testing.assert_array_equal(coefficients[..., 0], -number)
        np.testing.assert_array_equal(is_known, within >= 10)


def test_every_window_is_drawn_about_as_often() -> None:
    sequences = numbered([120, 220])
    mel = np.concatenate([part for part, *_ in batches(sequences, 100, 500, 4, np.random.default_rng(0))])
    first = mel[:, 0, 0]
    assert (first < 1e6).mean() == pytest.approx(21 / 142, abs=0.04)
    assert {0.0, 20.0, 1e6, 1e6 + 120} <= set(first.tolist())


def test_the_same_seed_draws_the_same_windows() -> None:
    sequences = numbered([500, 400])
    one, two, other = (next(batches(sequences, 50, 8, 1, np.random.default_rng(seed)))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def numbered_windows(n_windows: int = 64, n_frames: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows whose every mel value and coefficient tells window and frame."""
    number = (1000 * np.arange(n_windows)[:, None] + np.arange(n_frames)).astype(np.float32)
    is_known = np.random.default_rng(3).random((n_windows, n_frames)) < 0.9
    return np.repeat(number[..., None], 80, 2), np.repeat(number[..., None], 3, 2), is_known


def test_a_spliced_window_goes_on_as_another_and_is_unsure_after_the_splice() -> None:
    windows, unsure = numbered_windows(), 9
    mel, coefficients, is_known = splice(*windows, 1.0, unsure, np.random.default_rng(0))
    cuts = []
    for row in range(len(mel)):
        own = mel[row, :, 0] == windows[0][row, :, 0]
        cut = len(own) if own.all() else int(np.argmin(own))
        other = int(mel[row, -1, 0]) // 1000
        np.testing.assert_array_equal(mel[row, :cut], windows[0][row, :cut])
        np.testing.assert_array_equal(mel[row, cut:], windows[0][other, cut:])
        np.testing.assert_array_equal(coefficients[row, :, 0], mel[row, :, 0])
        np.testing.assert_array_equal(is_known[row, :cut], windows[2][row, :cut])
        np.testing.assert_array_equal(is_known[row, cut + unsure :], windows[2][other, cut + unsure :])
        if other != row:
            assert not is_known[row, cut : cut + unsure].any()
            cuts.append(cut)
    assert min(cuts) >= 20 and max(cuts) <= 60 and len(set(cuts)) > 20
    assert windows[2].any()


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_so_many_windows_are_spliced(share: float) -> None:
    windows = numbered_windows(2000, 40)
    before = [array.copy() for array in windows]
    mel, _, _ = splice(*windows, share, 5, np.random.default_rng(0))
    assert (mel != windows[0]).any((1, 2)).mean() == pytest.approx(share, abs=0.04)
    for array, kept in zip(windows, before, strict=True):
        np.testing.assert_array_equal(array, kept)
