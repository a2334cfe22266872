"""Voice and silence, told apart as the sound comes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.speech.activity import HOLD, VoiceActivity, loudness
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.timing import SAMPLE_RATE, n_mel_frames

ROOM = 1e-3
"""Amplitude of a quiet room's noise."""


def noise(duration_s: float, amplitude: float, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(0, 1, round(duration_s * SAMPLE_RATE))
    return (amplitude * samples).astype(np.float32)


def burst(duration_s: float) -> np.ndarray:
    """A vowel-like sound: harmonics of 120 Hz and breath."""
    seconds = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    vowel = sum(np.sin(2 * np.pi * 120 * k * seconds) / k for k in range(1, 30))
    return (0.1 * vowel).astype(np.float32) + noise(duration_s, 0.02, 5)


def detect(*parts: np.ndarray, background: float | None = None) -> np.ndarray:
    mel = mel_spectrogram(np.concatenate(parts))
    return VoiceActivity(room_level() if background is None else background).push(mel)


def room_level() -> float:
    return float(loudness(mel_spectrogram(noise(1, ROOM))).mean())


@pytest.mark.parametrize("amplitude", [0.0, 1e-6, ROOM])
def test_silence_stays_silence(amplitude):
    assert not detect(noise(5, amplitude)).any()


def test_bursts_are_voice_and_pauses_are_not():
    voice = detect(noise(1, ROOM), burst(0.4), noise(0.6, ROOM), burst(0.2), noise(0.8, ROOM))
    begin, end = (n_mel_frames(round(time_s * SAMPLE_RATE)) for time_s in (1.0, 1.4))
    assert voice[begin + 1 : end].all()
    assert not voice[: begin - 1].any()
    assert voice[n_mel_frames(round(2.01 * SAMPLE_RATE)) : n_mel_frames(round(2.2 * SAMPLE_RATE))].all()
    assert not voice[end + HOLD + 4 : n_mel_frames(round(1.99 * SAMPLE_RATE))].any()
    assert not voice[n_mel_frames(round(2.2 * SAMPLE_RATE)) + HOLD + 4 :].any()


def test_voice_is_held_for_its_hold_and_no_longer():
    levels = np.full((40, 80), -5.0, np.float32)
    levels[10] = -2
    assert np.flatnonzero(VoiceActivity(-5.0).push(levels)).tolist() == list(range(10, 10 + HOLD + 1))


def test_soft_ends_of_words_stay_voice():
    levels = np.full((40, 80), -5.0, np.float32)
    levels[10:20], levels[20:30] = -3, -4.5  # 5 dB over the background: too little to begin with, enough to go on
    voice = VoiceActivity(-5.0).push(levels)
    assert voice[10:30].all()
    levels[10:20] = -5
    assert not VoiceActivity(-5.0).push(levels).any()


def test_a_noise_that_goes_on_becomes_background():
    voice = detect(noise(1, ROOM), noise(20, 10 * ROOM))
    assert voice[110:140].all(), "a sudden noise may be voice at first"
    assert not voice[-500:].any()


def test_voice_is_still_found_over_a_noise_that_became_background():
    voice = detect(noise(20, 10 * ROOM), 3 * burst(0.5), noise(1, 10 * ROOM))
    begin = n_mel_frames(20 * SAMPLE_RATE)
    assert not voice[begin - 200 : begin - 1].any()
    assert voice[begin + 1 : begin + 45].all()


def test_digital_silence_does_not_pull_the_background_down():
    muted = detect(noise(2, ROOM), noise(3, 0.0), noise(2, ROOM))
    assert not muted.any()


def test_windows_half_in_digital_silence_do_not_pull_it_down_either():
    levels = [-5.0] * 20 + ([-6.9, -6.9] + [-8.0] * 5 + [-6.9, -6.9] + [-5.0] * 3) * 5
    assert not VoiceActivity(-5.0).push(np.repeat(np.array(levels, np.float32)[:, None], 80, axis=1)).any()


def test_a_room_that_becomes_quieter_lets_softer_voice_through():
    levels = np.repeat(np.array([-4.0] * 50 + [-6.0] * 20 + [-4.5] * 10, np.float32)[:, None], 80, axis=1)
    voice = VoiceActivity(-4.0).push(levels)
    assert not voice[:70].any()
    assert voice[70:].all()


def test_speech_is_no_background_however_long_its_sentences():
    voice = detect(noise(1, ROOM), *[part for _ in range(20) for part in (burst(0.25), noise(0.05, ROOM))])
    assert voice[102:-HOLD].all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=10), st.integers(0, 1000))
def test_any_blocks_give_the_same_answer(cuts, seed):
    levels = np.random.default_rng(seed).uniform(-8, -2, (300, 1)).astype(np.float32).repeat(80, axis=1)
    detector = VoiceActivity(-5.0)
    pieces = [detector.push(block) for block in np.split(levels, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), VoiceActivity(-5.0).push(levels))


def test_reset_forgets_the_background():
    levels = np.full((3000, 80), -3.5, np.float32)
    detector = VoiceActivity(-5.0)
    first = detector.push(levels)
    assert first[0]
    assert not first[-1]
    detector.reset()
    np.testing.assert_array_equal(detector.push(levels), first)
