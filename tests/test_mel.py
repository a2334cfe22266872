"""The streaming log-mel spectrogram against librosa's, in any blocks."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.speech.mel import N_FFT, N_MELS, POWER_FLOOR, MelSpectrogram, mel_filterbank, mel_spectrogram
from hygiesync.timing import HOP_LENGTH, SAMPLE_RATE, WIN_LENGTH


def voice_like(n_samples: int, seed: int = 0) -> np.ndarray:
    """Harmonics under a slow envelope, with a little noise."""
    seconds = np.arange(n_samples) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 130 * k * seconds) / k for k in range(1, 20))
    noise = np.random.default_rng(seed).normal(0, 0.01, n_samples)
    return (0.1 * tone * (1 + np.sin(2 * np.pi * 3 * seconds)) + noise).astype(np.float32)


SIGNAL = voice_like(6_000)
WHOLE = mel_spectrogram(SIGNAL)


def in_blocks(samples: np.ndarray, cuts: list[int]) -> np.ndarray:
    spectrogram = MelSpectrogram()
    return np.concatenate([spectrogram.push(block) for block in np.split(samples, sorted(cuts))])


def test_filterbank_is_librosas() -> None:
    expected = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    np.testing.assert_allclose(mel_filterbank(), expected, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("loudness", [1.0, 1e-3, 0.0])
def test_spectrogram_is_librosas(loudness: float) -> None:
    samples = loudness * voice_like(20_000)
    # librosa centres the window within the transform: 56 zeros on either side make its frames begin at ours
    padding = (N_FFT - WIN_LENGTH) // 2
    power = librosa.feature.melspectrogram(
        y=np.pad(samples, padding), sr=SAMPLE_RATE, n_fft=N_FFT, win_length=WIN_LENGTH, hop_length=HOP_LENGTH,
        center=False, n_mels=N_MELS,
    )  # fmt: skip
    np.testing.assert_allclose(mel_spectrogram(samples), np.log10(np.maximum(power.T, POWER_FLOOR)), atol=1e-5)


def test_digital_silence_is_the_floor() -> None:
    assert (mel_spectrogram(np.zeros(1000, np.float32)) == np.log10(np.float32(POWER_FLOOR))).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, len(SIGNAL)), max_size=30))
def test_any_blocks_give_the_same_frames(cuts: list[int]) -> None:
    frames = in_blocks(SIGNAL, cuts)
    assert frames.shape == WHOLE.shape
    np.testing.assert_allclose(frames, WHOLE, atol=2e-6)


def test_single_samples_give_the_same_frames() -> None:
    short = SIGNAL[:1500]
    np.testing.assert_allclose(in_blocks(short, list(range(1, 1500))), mel_spectrogram(short), atol=2e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5_000))
def test_more_sound_never_changes_earlier_frames(n_samples: int) -> None:
    before = mel_spectrogram(SIGNAL[:n_samples])
    np.testing.assert_allclose(WHOLE[: len(before)], before, atol=2e-6)


def test_samples_that_are_pushed_may_be_written_over_afterwards() -> None:
    spectrogram, block = MelSpectrogram(), SIGNAL[:500].copy()
    first = spectrogram.push(block)
    block[:] = 7
    np.testing.assert_allclose(np.concatenate([first, spectrogram.push(SIGNAL[500:])]), WHOLE, atol=2e-6)


def test_reset_forgets_all_samples() -> None:
    spectrogram = MelSpectrogram()
    spectrogram.push(np.ones(777, np.float32))
    spectrogram.reset()
    np.testing.assert_array_equal(spectrogram.push(SIGNAL), WHOLE)
