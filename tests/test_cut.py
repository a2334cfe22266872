"""Cutting without encoding: what stays is bit for bit the same, and sound and pictures stay together."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject

from hygiesync.errors import InputError, UsageError
from hygiesync.media.audio import read_audio
from hygiesync.media.cut import leave_out
from hygiesync.media.video import VideoWriter, probe, read_frames

FPS, RATE = Fraction(30), 48000
LENGTH_S = 6
EVENTS_S = [(8 + 15 * number) / FPS for number in range(2 * LENGTH_S)]
KEYFRAMES = (Fraction(2), Fraction(3), Fraction(16, 5), Fraction(9, 2))


def claps(n_samples: int) -> np.ndarray:
    """A click at each event, whose pitch tells them apart."""
    samples = np.zeros(n_samples, np.float32)
    for number, time_s in enumerate(EVENTS_S):
        start = round(time_s * RATE)
        samples[start : start + 480] = 0.8 * np.sin(2 * np.pi * (1000 + 200 * number) * np.arange(480) / RATE)
    return samples


@pytest.fixture(scope="module")
def clapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey levels count the pictures; the picture at each click has a white corner."""
    path = tmp_path_factory.mktemp("cut") / "whole.mp4"
    random = np.random.default_rng(0)
    sound = claps(LENGTH_S * RATE)
    with VideoWriter(path, 64, 48, FPS, audio_rate=RATE, audio_channels=1, tune="zerolatency", crf=4) as writer:
        for n in range(LENGTH_S * 30):
            writer.write_audio(sound[n * 1600 : (n + 1) * 1600])
            image = np.full((48, 64, 3), n, np.uint8)
            image[:16, :16] = 255 if n / FPS in EVENTS_S else 0
            image[32:, 32:] = random.integers(0, 255, (16, 32, 3))
            time_s = n / FPS
            writer.write(image, time_s, is_keyframe=time_s in KEYFRAMES)
    return path


def flashes_and_clicks(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times of pictures with a white corner, and of clicks."""
    flashes = [float(frame.time_s) for frame in read_frames(path) if frame.image[4:12, 4:12].mean() > 128]
    loud = np.flatnonzero(np.abs(read_audio(path, RATE)) > 0.2)
    clicks = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 10)] / RATE
    return np.array(flashes), clicks


def test_the_whole_is_in_time(clapped: Path) -> None:
    flashes, clicks = flashes_and_clicks(clapped)
    np.testing.assert_allclose(flashes, clicks, atol=0.001)


@pytest.mark.parametrize(
    "spans",
    [
        [],
        [(0.7, 2.0)],
        [(0.0, 2.0)],
        [(2.2, 3.0), (3.05, 3.2), (3.4, 4.5)],
        [(4.7, 6.0)],
        [(0, 2), (3, Fraction(16, 5)), (4.6, 100)],
        [(1.99, 2.0)],
    ],
)
def test_flash_and_click_stay_together(
    clapped: Path, tmp_path: Path, spans: list[tuple[float | Fraction, float | Fraction]]
) -> None:
    leave_out(clapped, tmp_path / "cut.mp4", spans)
    flashes, clicks = flashes_and_clicks(tmp_path / "cut.mp4")
    kept = [time_s for time_s in EVENTS_S if not any(start <= time_s < end for start, end in spans)]
    assert len(flashes) == len(clicks) == len(kept)
    np.testing.assert_allclose(flashes, clicks, atol=0.001)
    left_s = sum(max(0.0, min(float(end), LENGTH_S) - float(start)) for start, end in spans)
    duration_s = float(probe(tmp_path / "cut.mp4").duration_s)
    assert LENGTH_S - left_s - 0.01 < duration_s < LENGTH_S - left_s + 0.08 * len(spans) + 0.01


def test_pictures_are_the_same_and_in_order(clapped: Path, tmp_path: Path) -> None:
    spans = [(0.7, 2.0), (3.05, 3.2)]
    left_out = leave_out(clapped, tmp_path / "cut.mp4", spans)
    whole = [f for f in read_frames(clapped) if not any(start <= f.time_s + 1e-6 < end for start, end in spans)]
    cut = list(read_frames(tmp_path / "cut.mp4"))
    assert len(cut) == len(whole)
    for ours, theirs in zip(cut, whole, strict=True):
        np.testing.assert_array_equal(ours.image, theirs.image)
        gone_s = sum(one.gone_s for one in left_out if one.start_s <= theirs.time_s)
        assert float(ours.time_s) == pytest.approx(float(theirs.time_s - gone_s), abs=1e-4)
    gaps = np.diff([float(frame.time_s) for frame in cut])
    assert gaps.min() > 0.033
    assert gaps.max() < 0.034 + 0.043


def test_an_end_just_after_a_picture_is_that_of_the_keyframe_after_it(tmp_path: Path) -> None:
    """Somebody presses a key .4 ms after a picture: the keyframe that is asked for then is the picture after it."""
    path = tmp_path / "whole.mp4"
    with VideoWriter(path, 64, 48, FPS, audio_rate=RATE, audio_channels=1, tune="zerolatency") as writer:
        writer.write_audio(np.zeros(2 * RATE, np.float32))
        for n in range(60):
            writer.write(np.full((48, 64, 3), n, np.uint8), n / FPS, is_keyframe=n == 26)
    (left_out,) = leave_out(
        path, tmp_path / "cut.mp4", [(8 / FPS + Fraction(4, 10_000), 25 / FPS + Fraction(4, 10_000))]
    )
    assert (left_out.start_s, left_out.end_s) == (8 / FPS, 26 / FPS)
    assert len(list(read_frames(tmp_path / "cut.mp4"))) == 60 - 18


def test_an_end_without_a_keyframe_is_refused(clapped: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no keyframe"):
        leave_out(clapped, tmp_path / "cut.mp4", [(0.5, 1.55)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spans", [[(3, 2)], [(0, 3), (2, 4.5)], [(0, 10)]])
def test_nonsense_is_refused(
    clapped: Path, tmp_path: Path, spans: list[tuple[int, float] | tuple[int, int]] | list[tuple[int, int]]
) -> None:
    with pytest.raises(UsageError):
        leave_out(clapped, tmp_path / "cut.mp4", spans)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=12, deadline=None)
@given(st.sets(st.sampled_from(KEYFRAMES), min_size=1), st.data())
def test_any_cuts_keep_the_sound_on_the_pictures(
    clapped: Path, tmp_path_factory: pytest.TempPathFactory, ends: set[Fraction], data: DataObject
) -> None:
    spans, before = [], Fraction(0)
    for end in sorted(ends):
        start = data.draw(st.fractions(before, end - Fraction(1, 100), max_denominator=1000))
        assume(min(abs(start - time_s) for time_s in EVENTS_S) > Fraction(6, 100))  # a packet may hold half a click
        spans.append((start, end))
        before = end
    path = tmp_path_factory.mktemp("any") / "cut.mp4"
    leave_out(clapped, path, spans)
    flashes, clicks = flashes_and_clicks(path)
    assert len(flashes) >= 3
    np.testing.assert_allclose(flashes, clicks, atol=0.001)
