r"""Voice or silence, from the mel frames as they come.

::

    mel frame -> 20 bands -> over the background? -> evidence, mean of 3 frames -> enough, long enough, loud enough?
                     \-> background (follows) -^                                        |
                                                          voice  0000111111111111111110000  (held a little)

*Evidence* is the log-likelihood ratio of voice and noise against noise alone [1]_. In a band whose power is `g` times
the background's it is, with the greatest-likelihood estimate ``g - 1`` of the voice's power in the noise's,

    log L = g - 1 - log g,        0 for g <= 1,

bounded so that no band decides alone; the evidence is its weighted mean over the bands.

*Breath and clicks* stand out too. They are refused by being far softer than the voice heard so far, and by being short;
a sound with most of its power low, as only voiced ones have it, needs less.

Levels are in bel, log10 of power: 0.1 is a decibel. What other detectors do on the same sounds is in
docs/speech_to_shape.md.

References
----------
.. [1] J. Sohn, N. S. Kim, W. Sung, *A statistical model-based voice activity detection*, IEEE Signal Processing
   Letters 6, 1999.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from hygiesync.speech.background import FLOOR, Background
from hygiesync.speech.bands import N_BANDS, band_levels
from hygiesync.timing import time_to_mel_frames

# --- what stands out

USUAL_BACKGROUND = -5.0
"""Level of the pauses in a quiet room with a usual microphone, bel."""

_NOTHING = -7.6
"""Level that all bands of digital silence are below, bel."""

_MAX_ABOVE = 3.0
"""How far over the background a band counts, bel: what is beyond changes no evidence and overflows no number."""

_MAX_EVIDENCE = 10.0
"""Most that one band gives: what 11 decibels over the background have."""

_WEIGHTS = np.array([0.3] + [1.0] * (N_BANDS - 1)) / N_BANDS
"""Share of each band in the evidence: rumble and hum live in the lowest."""

_SMOOTHED = 3
"""Frames of which evidence is the mean."""

ENTER, LEAVE = 0.4, 0.18
"""Evidence above which voice begins, and goes on: all bands 3.5 decibels over the background, or 2.4."""

_SURE = 2 * ENTER
"""Evidence of a frame that can't be background."""

# --- how long

CONFIRM_VOICED, CONFIRM = 2, 4
"""Frames in a row that must stand out before voice begins: when most power is low, and in general."""

HOLD = time_to_mel_frames(0.05)
"""Frames that voice outlasts its last loud one."""

_BEYOND = 1.5
"""The background's power is taken off a band this many times: it fluctuates."""

_LEAST_POWER = 1e-9
"""Power that nothing is less than, so that it has a logarithm."""

_RANGES = np.array([[low <= band < high for band in range(N_BANDS)] for low, high in ((1, N_BANDS), (1, 5), (10, 16))])
_RANGES = _RANGES / _RANGES.sum(axis=1, keepdims=True)
"""Means over all but rumble (from 150 Hz), over 150 to 750 Hz, and over 1.7 to 4.3 kHz: (3, N_BANDS)."""

_VOICED_TILT = 10**0.6
"""Power of 150 to 750 Hz over that of 1.7 to 4.3 kHz in voiced sounds, at least: 6 decibels."""

# --- how loud

_VOICE_ABOVE, _LOUDEST_EXPECTED = 4.3, -1.5
"""What voice is expected to be before any was heard, bel: so far over a quiet room's pauses, but a noisy room makes no
louder speakers."""

_SOFTEST_VOICED, _SOFTEST, _SOFTEST_FIRST, _SOFTEST_LAST = 2.7, 2.2, 1.4, 3.2
"""How far below its usual level voice may begin, voiced and not; begin for the first time; and go on, bel.

What comes before the first word is a breath more often than not, and the voice's level is only a guess then.
"""

_RATE_UP, _RATE_DOWN_FIRST, _RATE_DOWN, _FIRST_FRAMES = 0.2, 0.05, 0.008, time_to_mel_frames(0.4)
"""Share of the way to each voiced frame's level that the voice's level goes: up (a time constant of 45 ms), down in its
first 0.4 s (0.2 s), and down later (1.2 s)."""

_UNHEARD_FALL = 0.001
"""How fast the expected level falls while something softer stands out, bel in a frame: a decibel a second, so that a
recording softer than expected is understood in the end."""

# --- pauses as the training video has them

_FAMILIAR = (-1.0, 1.3)
"""How far the background may lie from the training video's pauses, bel, to be taken for the same room: they are told by
their softest twentieth, above which their usual level lies."""

_LOUD_FOR_A_PAUSE, _LOUD_FRAMES = 1.5, time_to_mel_frames(0.06)
"""What stands out of the background by more (bel), and for so long without being voice, is a noise and no pause."""


class VoiceActivity:
    """Streaming voice detector; causal.

    Not thread-safe: it has the state of one stream.

    Parameters
    ----------
    background : float, bel, optional
        Level of the training video's pauses (:func:`hygiesync.speech.bands.loudness`): what to expect of the room and
        of the voice, until they have been heard. Without such a video no room is familiar, and a usual one is expected.
    """

    def __init__(self, background: float | None = None) -> None:
        self._knows_a_room = background is not None
        self._initial_background = USUAL_BACKGROUND if background is None else background
        self.reset()

    def reset(self) -> None:
        """Start again from the initial background."""
        self._background = Background(self._initial_background)
        self._evidence: deque[float] = deque(maxlen=_SMOOTHED)
        self._is_voice = False
        self._n_quiet = self._n_voiced = self._run = self._voiced_run = self._n_loud = 0
        self._voice_level = min(self._initial_background + _VOICE_ABOVE, _LOUDEST_EXPECTED)

    def push(self, mel: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each of some mel frames holds voice.

        Parameters
        ----------
        mel : ndarray, shape (n_frames, n_mels), float32, bel

        Returns
        -------
        ndarray, shape (n_frames,), bool
        """
        return self.listen(mel)[0]

    def listen(self, mel: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each frame holds voice, and whether what is heard is a pause as the training video has them.

        Parameters
        ----------
        mel : ndarray, shape (n_frames, n_mels), float32, bel

        Returns
        -------
        is_voice : ndarray, shape (n_frames,), bool
        is_familiar : ndarray, shape (n_frames,), bool
            The background is about as loud as the training video's pauses, there is no digital silence, and nothing
            but voice stands far out of it for long. Of frames with voice it says nothing.
        """
        frames = zip(band_levels(mel), mel, strict=True)
        heard = [(self._step(bands, frame), self._is_familiar(bands)) for bands, frame in frames]
        is_voice, is_familiar = np.array(heard, bool).reshape(-1, 2).T
        return is_voice, is_familiar

    def _is_familiar(self, bands: NDArray[np.float64]) -> bool:
        background = float(self._background.level.mean())
        is_loud = float(bands.mean()) > background + _LOUD_FOR_A_PAUSE
        self._n_loud = self._n_loud + 1 if is_loud and not self._is_voice else 0
        low, high = _FAMILIAR
        return (
            self._knows_a_room
            and low < background - self._initial_background < high
            and bool(bands.max() >= _NOTHING)
            and self._n_loud < _LOUD_FRAMES
        )

    def _step(self, bands: NDArray[np.float64], mel: NDArray[np.float32]) -> bool:
        background = self._background
        if bands.max() < _NOTHING:
            background.hear_nothing()
            self._evidence.append(0.0)
            self._run = self._voiced_run = 0
            return self._hold()
        bands = np.maximum(bands, FLOOR)
        is_loud = bool(self._evidence) and self._evidence[-1] >= _SURE
        if background.hear(bands, mel, is_voice=self._is_voice, is_loud=is_loud):
            self._evidence.clear()
        self._evidence.append(likelihood_ratio(bands - background.level - background.allowance))
        return self._decide(sum(self._evidence) / _SMOOTHED, bands)

    def _decide(self, evidence: float, bands: NDArray[np.float64]) -> bool:
        beyond = np.maximum(10.0**bands - _BEYOND * 10.0**self._background.level, 0) + _LEAST_POWER
        overall, low, high = (float(power) for power in _RANGES @ beyond)
        level, is_voiced = math.log10(overall), low > _VOICED_TILT * high
        stands_out = evidence > ENTER and not self._background.is_starting
        softest = _SOFTEST if self._n_voiced else _SOFTEST_FIRST
        self._run = self._run + 1 if stands_out and level > self._voice_level - softest else 0
        is_soft = level <= self._voice_level - _SOFTEST_VOICED
        self._voiced_run = self._voiced_run + 1 if stands_out and is_voiced and not is_soft else 0
        if self._is_voice:
            goes_on = evidence > LEAVE and level > self._voice_level - _SOFTEST_LAST
        else:
            goes_on = self._voiced_run >= CONFIRM_VOICED or self._run >= CONFIRM
        if not goes_on:
            if stands_out and not self._is_voice:
                self._voice_level -= _UNHEARD_FALL
            return self._hold()
        self._is_voice, self._n_quiet = True, 0
        if is_voiced and evidence > ENTER:
            self._follow_voice(level)
        return True

    def _follow_voice(self, level: float) -> None:
        self._n_voiced += 1
        rate_down = _RATE_DOWN_FIRST if self._n_voiced < _FIRST_FRAMES else _RATE_DOWN
        self._voice_level += (_RATE_UP if level > self._voice_level else rate_down) * (level - self._voice_level)

    def _hold(self) -> bool:
        """Whether voice is held through a frame without it."""
        self._n_quiet += 1
        self._is_voice = self._is_voice and self._n_quiet <= HOLD
        return self._is_voice


def likelihood_ratio(above: NDArray[np.float64]) -> float:
    """Evidence for voice: the weighted mean over the bands of ``min(g - 1 - log g, 10)``.

    Parameters
    ----------
    above : ndarray, shape (N_BANDS,), float64, bel
        How far each band lies above the background, ``log10 g``; nothing below 0 counts.

    Examples
    --------
    >>> round(likelihood_ratio(np.full(N_BANDS, 0.3)), 2)
    0.29
    """
    g = 10.0 ** np.minimum(np.maximum(above, 0), _MAX_ABOVE)
    return float(np.minimum(g - 1 - np.log(g), _MAX_EVIDENCE) @ _WEIGHTS)
