r"""The background noise of a sound, followed: its level in each coarse band, known without waiting for a pause.

::

    start            follow                                  recognise
    mean of all  ->  between words: a slow mean         ->   0.4 s that fluctuate as noise does: take their mean
    so far           always: not far above what is heard      1 s that is never soft: many voices, take their mean
                     always: up to the minimum of 1.6 s

Noise is told by its fluctuation. The power of a band of noise that holds `n` independent values is a chi-square of 2n
degrees of freedom, so its logarithm has the standard deviation

    std(log10 power) = sqrt(trigamma(n)) / ln 10,     0.23 for n = 4, 0.20 for n = 5,

whatever the noise's level and colour. Speech fluctuates more, a held vowel less, and vowels show the ripple of their
harmonics (:func:`hygiesync.speech.bands.ripple`). So a fan that starts becomes background within half a second, and a
vowel sung for five seconds does not. Many voices in a room fluctuate as one does; they are told by the small range
between their loud and soft moments. What a file begins with is taken for noise, until that range or ripple says
otherwise.

Levels are in bel, log10 of power.

References
----------
.. [1] R. Martin, *Noise power spectral density estimation based on optimal smoothing and minimum statistics*, IEEE
   Transactions on Speech and Audio Processing 9, 2001: the smoothed power's minimum over some 1.5 s is noise, and lies
   below its mean by a bias that depends on the smoothing.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.speech.bands import N_BANDS, ripple
from hygiesync.timing import time_to_mel_frames

FLOOR = -7.4
"""Level that no background is below, bel."""

_SILENCE_MARGIN, _SILENCE_FRAMES = 0.3, time_to_mel_frames(0.1)
"""A file that begins with so much digital silence has a background of no more than this above the floor, bel."""

_SMOOTHING = 0.3
"""Share of each new frame in the smoothed levels: ``smooth += 0.3 * (level - smooth)``, a time constant of 28 ms."""

_SOUNDING = slice(1, 14)
"""Bands that the overall loudness is the sum of: 150 Hz to 3.2 kHz, without rumble and hiss."""

_STEADY_FRAMES, _RANGE_FRAMES = time_to_mel_frames(0.4), time_to_mel_frames(1.0)
"""Frames in which noise is recognised, and many voices."""

# --- start

_RANGE_OF_VOICES = 0.9
"""Range of the loudness within a second that noise and many voices stay in, and one voice never does, bel."""

_RIPPLE_CHECKED_AT = (15, 20, 30, 40)
"""Numbers of frames after which what a file begins with is asked for harmonics."""

_FIRST_RIPPLE, _STEADY_RIPPLE, _RIPPLE_OF_VOICES = 0.22, 0.175, 1.15 * 0.175
"""Ripple above which the mean spectrum has harmonics, bel: at a file's beginning, of 0.4 s, and where it fluctuates
more than noise."""

_USUAL_STD, _STD_FRAMES = 0.22, 10
"""Fluctuation taken for the background's until this many frames were heard: that of noise, bel."""

# --- follow

_MAX_ABOVE, _FALL = 0.6, 0.3
"""How far the level may lie above what is heard, bel, and the share of what is beyond that it falls by in a frame."""

_CHANGE_DOWN, _CHANGE_UP = -1.0, 0.6
"""Difference of one frame that the level is changed by between words, bounded to these, bel."""

_RATE_UP, _RATE_DOWN, _RATE_STD = 0.08, 0.04, 0.02
"""Shares of that difference in each frame: time constants of 120 ms up, 250 ms down; 0.5 s for the fluctuation."""

_STD_OF_MEAN_DEVIATION = 1.25
"""Standard deviation of a normal distribution by its mean absolute deviation: ``sqrt(pi / 2) = 1.253``."""

_MINIMUM_FRAMES, _MINIMUM_BLOCKS = 20, 8
"""The minimum is that of 8 blocks of 0.2 s, so that old ones are forgotten cheaply [1]_."""

_MINIMUM_BIAS = 0.15
"""How far that minimum lies below the mean level of steady noise, bel."""

_RISE = 0.003
"""How fast the level rises to the minimum, bel in a frame: 3 decibels a second."""

# --- recognise

_CHECK_EVERY = 4
"""Frames between two looks at the last moments."""

_MARGIN, _MIN_BANDS = 0.2, 3
"""A sound stands out when at least 3 bands but the lowest are so far above the background, bel."""

_LEAST_NOISE_STD, _MOST_NOISE_STD, _LEAST_VOICES_STD = 0.15, 0.27, 0.3
"""Fluctuation over 0.4 s of noise, and the least of many voices, bel."""

_STEADIEST_STD, _ALLOWED_PER_STD, _MAX_ALLOWANCE = 0.26, 1.5, 0.5
"""``allowance = min(1.5 * (std - 0.26), 0.5)`` of what fluctuates more than noise, bel."""


class Background:
    """The background's level per band, followed frame by frame; causal.

    Parameters
    ----------
    level : float, bel
        Where to begin, for as long as nothing better is known.

    Attributes
    ----------
    level : ndarray, shape (N_BANDS,), float64, bel
    std : float, bel
        Its fluctuation: the standard deviation over time, a mean over the bands.
    is_starting : bool
        Whether all heard so far is taken for background.
    """

    def __init__(self, level: float) -> None:
        self.level: NDArray[np.float64] = np.full(N_BANDS, max(level, FLOOR))
        self.std = _USUAL_STD
        self.is_starting = True
        self._initial = self.level.copy()
        self._n_frames = self._n_silent = 0
        self._smooth: NDArray[np.float64] = np.zeros(N_BANDS)
        self._bands = np.zeros((_RANGE_FRAMES, N_BANDS))
        self._mel = np.zeros((_STEADY_FRAMES, 0))
        self._loudness = np.zeros(_RANGE_FRAMES)
        self._minimum: NDArray[np.float64] = np.full(N_BANDS, np.inf)
        self._least = self._minimum
        self._minima: deque[NDArray[np.float64]] = deque(maxlen=_MINIMUM_BLOCKS)

    @property
    def allowance(self) -> float:
        """How far a background that fluctuates more than noise may rise above its level, bel."""
        return min(max(_ALLOWED_PER_STD * (self.std - _STEADIEST_STD), 0.0), _MAX_ALLOWANCE)

    def hear_nothing(self) -> None:
        """A frame of digital silence: it says nothing of the room, except that a file that begins so has none."""
        self._n_silent += 1
        if self._n_frames == 0 and self._n_silent > _SILENCE_FRAMES:
            self.is_starting = False
            self.level = np.minimum(self.level, FLOOR + _SILENCE_MARGIN)

    def hear(self, bands: NDArray[np.float64], mel: FloatArray, *, is_voice: bool, is_loud: bool) -> bool:
        """Follow a frame, given what was heard of the one before; whether a sound was found to be background.

        Parameters
        ----------
        bands : ndarray, shape (N_BANDS,), float64, bel
        mel : ndarray, shape (n_mels,), bel
        is_voice : bool
            Whether the frame before was voice.
        is_loud : bool
            Whether it stood out so far that it can't have been background.
        """
        if self._n_frames == 0:
            self._smooth, self._mel = bands.copy(), np.zeros((_STEADY_FRAMES, len(mel)))
        self._bands[self._n_frames % _RANGE_FRAMES] = bands
        self._mel[self._n_frames % _STEADY_FRAMES] = mel
        self._smooth += _SMOOTHING * (bands - self._smooth)
        self._loudness[self._n_frames % _RANGE_FRAMES] = math.log10((10.0 ** self._smooth[_SOUNDING]).sum())
        self._n_frames += 1
        if self.is_starting and self._start():
            return False
        self._fall()
        if not is_voice and not is_loud:
            self._follow(bands)
        self._rise_to_minimum()
        return self._n_frames % _CHECK_EVERY == 0 and self._recognise(is_voice)

    def _start(self) -> bool:
        """Take all heard so far for background; false once it can't be."""
        n = self._n_frames
        heard = self._bands[: min(n, _RANGE_FRAMES)]
        if n >= _RANGE_FRAMES or np.ptp(self._loudness[:n]) > _RANGE_OF_VOICES:
            self.is_starting = False
        elif n in _RIPPLE_CHECKED_AT and ripple(self._mel[:n].mean(axis=0)) > _FIRST_RIPPLE:
            self.is_starting = False
            self.level = np.minimum(self.level, self._initial)
        else:
            self.level = heard.mean(axis=0)
            if n >= _STD_FRAMES:
                self.std = float(heard.std(axis=0)[1:].mean())
        return self.is_starting

    def _fall(self) -> None:
        """``level -= 0.3 * max(level - smooth - 0.6 - 2 * allowance, 0)``."""
        beyond = np.maximum(self.level - self._smooth - _MAX_ABOVE - 2 * self.allowance, 0)
        self.level -= _FALL * beyond

    def _follow(self, bands: NDArray[np.float64]) -> None:
        """``level += rate * d`` and ``std += 0.02 * (sqrt(pi / 2) * mean(abs(d)) - std)`` with d the bounded change."""
        change = np.minimum(np.maximum(bands - self.level, _CHANGE_DOWN), _CHANGE_UP)
        self.level += np.where(change > 0, _RATE_UP, _RATE_DOWN) * change
        summed_deviation = float(np.abs(change).sum())
        self.std += _RATE_STD * (_STD_OF_MEAN_DEVIATION * summed_deviation / N_BANDS - self.std)

    def _rise_to_minimum(self) -> None:
        """``level = max(level, min(level + 0.003, minimum of 1.6 s + bias))``, once that long was heard."""
        self._minimum = np.minimum(self._minimum, self._smooth)
        if self._n_frames % _MINIMUM_FRAMES == 0:
            self._minima.append(self._minimum)
            self._minimum = np.full(N_BANDS, np.inf)
            self._least = np.min(self._minima, axis=0)
        if len(self._minima) == _MINIMUM_BLOCKS:
            least = np.minimum(self._least, self._minimum) + _MINIMUM_BIAS
            self.level = np.maximum(self.level, np.minimum(self.level + _RISE, least))

    def _recognise(self, is_voice: bool) -> bool:
        """Whether the last moments are noise or many voices, which are background from then on."""
        if self._n_frames < _STEADY_FRAMES:
            return False
        recent = self._bands[np.arange(self._n_frames - _STEADY_FRAMES, self._n_frames) % _RANGE_FRAMES]
        mean, std = recent.mean(axis=0), recent.std(axis=0)
        above = mean > self.level + _MARGIN
        above[0] = False
        stands_out = above.sum() >= _MIN_BANDS
        overall = float(std[1:].mean())
        fluctuates_as_noise = (
            stands_out
            and _LEAST_NOISE_STD < overall < _MOST_NOISE_STD
            and _LEAST_NOISE_STD < std[above].mean() < _MOST_NOISE_STD
        )
        if fluctuates_as_noise:
            most_ripple, level = _STEADY_RIPPLE, mean
        elif is_voice and overall > _LEAST_VOICES_STD and self._is_never_soft():
            most_ripple, level = _RIPPLE_OF_VOICES, self._bands.mean(axis=0)
        else:
            return False
        if ripple(self._mel.mean(axis=0)) > most_ripple:
            return False
        self.level, self.std = level, overall
        return True

    def _is_never_soft(self) -> bool:
        """Whether the loudness of the last second stayed within a range that a single voice never stays in."""
        return self._n_frames >= _RANGE_FRAMES and bool(np.ptp(self._loudness) < _RANGE_OF_VOICES)
