"""Causal log-mel spectrogram, computed as the samples come.

No frame is padded or centred, and nothing depends on the rest of the file, so live and offline hear the same. The
numbers equal ``librosa.feature.melspectrogram(center=False)`` with Slaney's scale, then log10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.timing import HOP_LENGTH, SAMPLE_RATE, WIN_LENGTH

N_MELS = 80
"""Mel bands from 0 Hz to half the sample rate."""

N_FFT = 512
"""Transform length: the window of 400 samples, with zeros behind it, so that low bands get bins of their own."""

POWER_FLOOR = 1e-8
"""Power below which nothing is told apart: digital silence becomes log10 = -8, not minus infinity."""

_BLOCK_LENGTH = 60 * SAMPLE_RATE
"""Samples of a whole signal that are taken at a time, so that an hour needs no more memory than a minute."""


def hz_to_mel(frequency_hz: FloatArray | float) -> NDArray[np.float64]:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    frequency_hz = np.asarray(frequency_hz, np.float64)
    linear = frequency_hz * 3 / 200
    return np.where(frequency_hz < 1000, linear, 15 + np.log(np.maximum(frequency_hz, 1000) / 1000) * 27 / np.log(6.4))


def mel_to_hz(mel: FloatArray | float) -> NDArray[np.float64]:
    """Inverse of :func:`hz_to_mel`."""
    mel = np.asarray(mel, np.float64)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.maximum(mel - 15, 0) * np.log(6.4) / 27))


def mel_filterbank() -> NDArray[np.float32]:
    """Triangular, area-normalised mel filters.

    Returns
    -------
    ndarray, shape (N_MELS, N_FFT // 2 + 1), float32
        Equal to ``librosa.filters.mel(sr=16000, n_fft=512, n_mels=80)``.
    """
    bins_hz = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
    edges_hz = mel_to_hz(np.linspace(0, float(hz_to_mel(SAMPLE_RATE / 2)), N_MELS + 2))
    lower, centre, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising, falling = (bins_hz - lower) / (centre - lower), (upper - bins_hz) / (upper - centre)
    return (np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)).astype(np.float32)


_FILTERBANK = mel_filterbank()
_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WIN_LENGTH) / WIN_LENGTH)).astype(np.float32)


def log_mel(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-mel spectra of frames of samples.

    Parameters
    ----------
    frames : ndarray, shape (n_frames, WIN_LENGTH), float32

    Returns
    -------
    ndarray, shape (n_frames, N_MELS), float32, log10 of power
    """
    power = np.abs(np.fft.rfft(frames * _WINDOW, n=N_FFT, axis=1)).astype(np.float32) ** 2
    return np.log10(np.maximum(power @ _FILTERBANK.T, POWER_FLOOR))


class MelSpectrogram:
    """Streaming log-mel: push blocks of any size, get the frames that became complete.

    Not thread-safe: it has the state of one stream.

    Examples
    --------
    >>> spectrogram = MelSpectrogram()
    >>> spectrogram.push(np.zeros(399, np.float32)).shape
    (0, 80)
    >>> spectrogram.push(np.zeros(161, np.float32)).shape
    (2, 80)
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._pending = np.zeros(0, np.float32)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mel frames completed by `samples`.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32, at 16 kHz

        Returns
        -------
        ndarray, shape (n_frames, N_MELS), float32, log10 of power
        """
        self._pending = np.concatenate([self._pending, np.asarray(samples, np.float32)])
        if len(self._pending) < WIN_LENGTH:
            return np.zeros((0, N_MELS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._pending, WIN_LENGTH)[::HOP_LENGTH]
        spectra = log_mel(frames)
        self._pending = self._pending[len(frames) * HOP_LENGTH :].copy()
        return spectra


def mel_spectrogram(samples: FloatArray) -> NDArray[np.float32]:
    """Log-mel spectrogram (n_frames, N_MELS) of a whole signal (n,): the streaming one, a minute at a time."""
    spectrogram = MelSpectrogram()
    blocks = range(0, max(len(samples), 1), _BLOCK_LENGTH)
    return np.concatenate([spectrogram.push(samples[begin : begin + _BLOCK_LENGTH]) for begin in blocks])
