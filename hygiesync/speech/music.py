"""Whether a recording holds music and no voice, so that a mouth has nothing to say to it.

A voice glides: where its spectrum has peaks, it has others an eighth of a second later. Notes stand still, and hardly a
moment of music is quiet. Both are measured in windows, and only a recording in which every window is music counts as
music: one sentence over it, and it is speech. It can't be told as it is heard; whoever hears live doesn't ask.

On 290 recordings of speech in many languages none was taken for music, and all of 18 made pieces and a piece of house
were. With music as loud as the voice, a fifth of clips of 8 s were; 10 dB softer, none.

References
----------
Seyerlehner, Pohle, Schedl, Widmer, *Automatic music detection in television productions*, DAFx 2007: notes as lines
that stand still in the spectrum.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.timing import SAMPLE_RATE, time_to_samples

WINDOW_S, HOP_S, MIN_WINDOW_S = 4.0, 2.0, 2.0
"""Of what is judged at a time; a recording that is shorter than the least says nothing."""

_N_FFT, _HOP = 1024, 256
"""64 ms, every 16: long enough to part the harmonics of a voice."""

_LOW_BIN, _HIGH_BIN = 6, 256
"""94 Hz to 4 kHz."""

_TREND_BINS = 21
_PEAK = 0.25
"""How far a peak stands out of the mean around it, in log10 of amplitude: 5 dB."""

_LATER = (8, 16)
"""Frames after which a peak is looked for again: 128 and 256 ms."""

_LOUD_RANGE, _PAUSE = 2.5, 0.5
"""Frames that count, and frames that are pauses: so far (log10 of power) below the loudest, and below the mean."""

_SILENCE = 1e-3

STEADY, FEW_PAUSES, PLUCKED = 0.58, 0.18, 0.68
"""Share of the peaks that stand still for 128 ms, of notes, and of pauses among them: speech has at most 0.38, and at
least 0.19. Plucked strings pause as well, and are all the steadier."""

STEADY_LONGER, STEADY_AT_LEAST, NO_PAUSES = 0.30, 0.12, 0.05
"""The same of music with drums: the share that stands still for 256 ms, its lowest quarter, and hardly a pause."""


def is_only_music(blocks: Iterable[NDArray[np.float32]]) -> bool:
    """Whether a recording is music without a voice; read no further than to the first window that isn't.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (n,), float32
        All its samples, at 16 kHz.
    """
    length, hop = time_to_samples(WINDOW_S), time_to_samples(HOP_S)
    held, n_music = np.empty(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= length:
            verdict = _is_music(held[:length])
            if verdict is False:
                return False
            n_music += verdict is True
            held = held[hop:]
    if n_music == 0 and len(held) >= MIN_WINDOW_S * SAMPLE_RATE:
        n_music += _is_music(held) is True
    return n_music > 0


def _is_music(samples: NDArray[np.float32]) -> bool | None:
    """Whether a window is music; None where it is silent."""
    if np.abs(samples).max() < _SILENCE:
        return None
    amplitude = _spectra(samples)
    level = np.log10((amplitude**2).sum(axis=1))
    is_loud = level > np.quantile(level, 0.95) - _LOUD_RANGE
    n_pauses = float(np.mean(level < level.mean() - _PAUSE))
    is_peak = _peaks(np.log10(amplitude))
    short, longer = (_standing(amplitude, is_peak, is_loud, later) for later in _LATER)
    if not len(short) or not len(longer):
        return None
    are_notes = short.mean() >= (STEADY if n_pauses < FEW_PAUSES else PLUCKED)
    has_beat = longer.mean() >= STEADY_LONGER and np.quantile(longer, 0.25) >= STEADY_AT_LEAST
    return bool(are_notes or (has_beat and n_pauses <= NO_PAUSES))


def _spectra(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Amplitudes (n_frames, n_bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _N_FFT)[::_HOP]
    spectra: NDArray[np.float64] = np.abs(np.fft.rfft(frames * np.hanning(_N_FFT), axis=1))[:, _LOW_BIN:_HIGH_BIN]
    return spectra + 1e-9


def _peaks(level: FloatArray) -> NDArray[np.bool_]:
    """Where (n_frames, n_bins) a spectrum has its peaks."""
    beside = _TREND_BINS // 2
    total = np.cumsum(np.pad(level, ((0, 0), (beside + 1, beside)), mode="edge"), axis=1)
    trend = (total[:, _TREND_BINS:] - total[:, :-_TREND_BINS]) / _TREND_BINS
    is_highest = (level >= np.roll(level, 1, axis=1)) & (level >= np.roll(level, -1, axis=1))
    return is_highest & (level - trend > _PEAK)


def _standing(
    amplitude: FloatArray, is_peak: NDArray[np.bool_], is_loud: NDArray[np.bool_], later: int
) -> NDArray[np.float64]:
    """Share (n,) of each loud frame's peaks, by amplitude, that are peaks again so many frames later."""
    now = is_peak[:-later] & is_loud[:-later, None]
    of_all = (amplitude[:-later] * now).sum(axis=1)
    again = (amplitude[:-later] * (now & is_peak[later:])).sum(axis=1)
    return again[of_all > 0] / of_all[of_all > 0]
