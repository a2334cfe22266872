"""Other ways to have heard the same words: augmentation of log-mel frames in training.

Each window gets a loudness of its own, sometimes a narrow band (a telephone, a soft microphone) and sometimes a noise
beneath it, so that the network hears words and not this room, this microphone and this distance from it. What it sees
of the lips stays as it is: none of these moves a sound in time.

References
----------
Park et al., *SpecAugment*, 2019, for working on the mel frames rather than on the samples: what is lost (phase, and
bands within a filter) the network never hears.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.speech.mel import N_MELS, POWER_FLOOR, hz_to_mel
from hygiesync.timing import MEL_RATE, SAMPLE_RATE

_FLOOR = float(np.log10(POWER_FLOOR))
_LOWEST_CUTOFF_HZ = 3200.0
_HIGHEST_LOW_CUT_HZ = 350.0
_EDGE_BANDS = 0.7
"""Steepness of a band's edge, in mel bands."""

_CUT_DEPTH = (1.0, 5.0)
"""How far beyond the edge the bands sink, log10 of power: 10 to 50 decibels."""

_NOISE_RIPPLE, _NOISE_GRAIN, _N_RIPPLES = 0.4, 0.25, 4

_N_ROOMS, _REVERBERATION_S, _DIRECT_TO_REVERBERANT = 4, (0.15, 0.7), (0.3, 2.0)
"""Rooms in a batch; their reverberation times; how far what they give back lies below the voice, log10 of power."""


@dataclass(frozen=True)
class Augmentation:
    """How much training varies what is heard.

    Attributes
    ----------
    grain : float
        Standard deviation of noise on each band of each frame, in standard deviations of the band.
    gain : float
        Standard deviation of a window's loudness, log10 of power (0.1 is one decibel).
    narrow_share : float
        Share of windows without their highest bands; half as many lose the lowest.
    noise_share : float
        Share of windows with a steady noise beneath.
    noise_below : (float, float)
        How far the noise lies under the window's strongest band, least and most, log10 of power.
    """

    grain: float = 0.3
    gain: float = 0.4
    narrow_share: float = 0.2
    noise_share: float = 0.05
    noise_below: tuple[float, float] = (2.5, 6.0)

    def apply(self, mel: NDArray[np.float32], std: FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
        """Windows as they might have been heard.

        Parameters
        ----------
        mel : ndarray, shape (n_windows, n_frames, n_mels), float32, log10 of power
        std : ndarray, shape (n_mels,)
            Standard deviation of each band.
        rng : Generator

        Returns
        -------
        ndarray, like `mel`
        """
        n_windows = len(mel)
        heard = mel + self.gain * _normal(rng, n_windows, 1, 1)
        heard = _narrowed(heard, self.narrow_share, rng)
        heard = _with_noise(heard, self.noise_share, self.noise_below, rng)
        return heard + self.grain * std.astype(np.float32) * _normal(rng, *mel.shape)


def _narrowed(mel: FloatArray, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    bands = np.arange(N_MELS)
    upper = _uniform(rng, len(mel), _band_of(_LOWEST_CUTOFF_HZ), N_MELS)
    lower = _uniform(rng, len(mel), 0, _band_of(_HIGHEST_LOW_CUT_HZ))
    depth = _uniform(rng, len(mel), *_CUT_DEPTH)
    above, below = _step((bands - upper) / _EDGE_BANDS), _step((lower - bands) / _EDGE_BANDS)
    has_top, has_bottom = _chosen(rng, len(mel), share), _chosen(rng, len(mel), share / 2)
    return np.maximum(mel - depth * (has_top * above + has_bottom * below), _FLOOR).astype(np.float32)


def _with_noise(
    mel: FloatArray, share: float, below: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float32]:
    """`mel` with noise in place: powers add, so that it fills the gaps and leaves the loud parts as they are."""
    loudest = mel.max((1, 2))[:, None, None]
    colour = random_colour(len(mel), _NOISE_RIPPLE, _N_RIPPLES, rng)
    level = loudest - _uniform(rng, len(mel), *below) + colour
    is_noisy = _chosen(rng, len(mel), share)[:, 0, 0] > 0
    noise = level[is_noisy] + _NOISE_GRAIN * _normal(rng, int(is_noisy.sum()), *mel.shape[1:])
    mel[is_noisy] = np.log10(10.0 ** mel[is_noisy] + 10.0**noise)
    return mel


def random_colour(n_windows: int, strength: float, n_ripples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random spectra (n_windows, 1, n_mels), log10 of power: a few slow cosines over the bands."""
    ripples = np.cos(np.pi * np.arange(1, n_ripples + 1)[:, None] * (np.arange(N_MELS) + 0.5) / N_MELS)
    return strength * _normal(rng, n_windows, 1, n_ripples) @ ripples.astype(np.float32)


def other_tract(mel: FloatArray, std: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Windows (n_windows, n_frames, n_mels) stretched along frequency: the same words out of another throat.

    `std` is the standard deviation of the logarithm of its length (Jaitly & Hinton, 2013).
    """
    stretch = np.exp(std * rng.standard_normal((len(mel), 1), np.float32))
    position = np.clip(np.arange(N_MELS) * stretch, 0, N_MELS - 1.001)
    below = position.astype(np.int64)
    share = (position - below)[:, None].astype(np.float32)
    lower, upper = (np.take_along_axis(mel, (below + step)[:, None], axis=2) for step in (0, 1))
    return (1 - share) * lower + share * upper


def in_rooms(mel: FloatArray, share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Windows (n_windows, n_frames, n_mels) of which a share is heard in rooms whose walls give some of the power back.

    Each frame's power lasts on and decays; how long (reverberation time) and how loud (direct to reverberant power) are
    the room's own.
    """
    from scipy.signal import lfilter

    heard = mel.copy()
    for windows in np.array_split(np.flatnonzero(rng.random(len(mel)) < share), _N_ROOMS):
        # 60 decibels are a factor of a million in power
        decay = 10 ** (-6 / (rng.uniform(*_REVERBERATION_S) * float(MEL_RATE)))
        given_back = 10 ** -rng.uniform(*_DIRECT_TO_REVERBERANT)
        power = 10.0 ** mel[windows].astype(np.float64)
        reverberation = lfilter([0, given_back * (1 - decay)], [1, -decay], power, axis=1)
        heard[windows] = np.log10(power + reverberation)
    return heard


def _band_of(frequency_hz: float) -> float:
    """Mel band (a fraction) whose middle is at `frequency_hz`."""
    return float(hz_to_mel(frequency_hz) / hz_to_mel(SAMPLE_RATE / 2)) * (N_MELS + 1) - 1


def _step(x: FloatArray) -> NDArray[np.float32]:
    return (0.5 + 0.5 * np.tanh(x / 2)).astype(np.float32)


def _normal(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.standard_normal(shape, np.float32)


def _uniform(rng: np.random.Generator, n: int, low: float, high: float) -> NDArray[np.float32]:
    return rng.uniform(low, high, (n, 1, 1)).astype(np.float32)


def _chosen(rng: np.random.Generator, n: int, share: float) -> NDArray[np.float32]:
    return (rng.random((n, 1, 1)) < share).astype(np.float32)
