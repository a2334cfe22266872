r"""Voice or silence, from the mel frames as they come: a background per band, and what stands out of it.

::

    mel frame -> 20 bands -> over the background? --> evidence, mean of 3 frames --> enough, long enough, loud enough?
                     \-> background (follows) -^                                        |
                                                          voice  0000111111111111111110000  (held a little)

*Evidence* is the likelihood ratio of Sohn, Kim and Sung with the greatest-likelihood estimate of the voice's power,
``g - 1 - log g`` of a band that is `g` times its background, bounded so that no band decides alone.

*The background* is the lower edge of each band in the last seconds (Martin), followed faster where a sound can be
recognised. Noise gives itself away by its *fluctuation*: the power of a band of noise has a known spread from frame to
frame. Speech spreads more and a held vowel less, and vowels show the ripple of their harmonics. So a fan that starts
becomes background within half a second, and a vowel sung for five seconds does not. Many voices in a room are neither;
they are told by the small *range* between their loud and soft moments. A file that begins with sound begins with noise,
until that range or ripple says otherwise.

*Breath and clicks* stand out too. They are refused by being far softer than the voice heard so far, and by being short;
a sound with most of its power low, as only voiced ones have it, needs less.

References
----------
J. Sohn, N. S. Kim, W. Sung: A statistical model-based voice activity detection. IEEE Signal Processing Letters 6, 1999.
R. Martin: Noise power spectral density estimation based on optimal smoothing and minimum statistics. IEEE Transactions
on Speech and Audio Processing 9, 2001.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from hygiesync.timing import time_to_mel_frames

ENTER_MARGIN = 0.7
"""How far over the pauses' loudness, in log10 of power (0.1 is one decibel), a sound in a training video is voice."""

USUAL_BACKGROUND = -5.0
"""Loudness of the pauses in a quiet room with a usual microphone, log10 of power."""

N_BANDS = 20
"""Bands of four mel bands each, 150 Hz wide below 1 kHz: wide enough that a frame's power says something."""

_FLOOR, _NOTHING = -7.4, -7.6
"""log10 power that no background is below; and that all bands of digital silence are below."""

ENTER, LEAVE = 0.4, 0.18
"""Evidence at which voice begins and ends."""

_MAX_EVIDENCE = 10.0
_WEIGHTS = np.array([0.3] + [1.0] * (N_BANDS - 1)) / N_BANDS
"""Share of each band in the evidence: rumble and hum live in the lowest."""

_SMOOTHED = 3
"""Frames of which evidence is the mean."""

CONFIRM_VOICED, CONFIRM = 2, 4
"""Frames in a row that must stand out before voice begins: when most power is low, and in general."""

_RANGES = np.array([[low <= band < high for band in range(N_BANDS)] for low, high in ((1, N_BANDS), (1, 5), (10, 16))])
_RANGES = _RANGES / _RANGES.sum(axis=1, keepdims=True)
"""Means over all but rumble, over 150 to 750 Hz, and over 2 to 5 kHz."""

_VOICED_TILT = 10**0.6
"""Power of 150 to 750 Hz over that of 2 to 5 kHz in voiced sounds, at least."""

_SOFTEST_VOICED, _SOFTEST, _SOFTEST_FIRST, _SOFTEST_LAST = 2.7, 2.2, 1.4, 3.2
"""How far below its usual level voice may begin, voiced and not; begin for the first time; and go on (log10 of power).

What comes before the first word is a breath more often than not, and the voice's level is only a guess then.
"""

_FAMILIAR = (-1.0, 1.3)
"""How far the background may lie from the training video's pauses, log10 of power, to be taken for the same room: they
are told by their softest twentieth, above which their usual level lies."""

_LOUD_FOR_A_PAUSE, _LOUD_FRAMES = 1.5, time_to_mel_frames(0.06)
"""What stands out of the background by more, and for so long without being voice, is a noise and no pause."""

HOLD = time_to_mel_frames(0.05)
"""Frames that voice outlasts its last loud one."""

_STEADY_FRAMES, _RANGE_FRAMES = time_to_mel_frames(0.4), time_to_mel_frames(1.0)
_CHECK_EVERY = 4

_NOISE_SPREAD, _VOICES_SPREAD = (0.15, 0.27), 0.3
"""Standard deviation over time of a band's log10 power: of noise (0.21 or so), and of many voices at least."""

_NOISE_RANGE = 0.9
"""Range of log10 power within a second that many voices stay in, and one voice never does."""

_RIPPLE, _CLEAR_RIPPLE = 0.175, 0.22
"""Ripple of 0.4 s, and of the first moments, in log10 of power, above which a spectrum has harmonics."""

_MINIMUM_BLOCK, _MINIMUM_BLOCKS, _MINIMUM_BIAS = 20, 8, 0.15
_RISE = 0.003
"""How fast the background rises to the minima, log10 of power in a frame: 3 decibels a second."""


class Background:
    """The background's log10 power per band, followed.

    Parameters
    ----------
    level : float
        Where to begin, log10 of power, for as long as nothing better is known.
    """

    def __init__(self, level: float) -> None:
        self.level = np.full(N_BANDS, max(level, _FLOOR))
        self.spread = 0.22
        self.is_starting = True
        self._initial = self.level.copy()
        self._n_frames = self._n_silent = 0
        self._smooth = np.zeros(N_BANDS)
        self._bands = np.zeros((_RANGE_FRAMES, N_BANDS))
        self._mel = np.zeros((_STEADY_FRAMES, 0))
        self._loudness = np.zeros(_RANGE_FRAMES)
        self._minimum = np.full(N_BANDS, np.inf)
        self._least = self._minimum
        self._minima: deque[np.ndarray] = deque(maxlen=_MINIMUM_BLOCKS)

    @property
    def allowance(self) -> float:
        """What a background that fluctuates more than noise may do beyond its level, log10 of power."""
        return min(max(1.5 * (self.spread - 0.26), 0.0), 0.5)

    def hear_nothing(self) -> None:
        """A frame of digital silence: it says nothing of the room, except that a file that begins so has none."""
        self._n_silent += 1
        if self._n_frames == 0 and self._n_silent > time_to_mel_frames(0.1):
            self.is_starting = False
            self.level = np.minimum(self.level, _FLOOR + 0.3)

    def hear(self, bands: np.ndarray, mel: np.ndarray, is_voice: bool, evidence: float) -> bool:
        """Follow a frame, given what was heard of the one before; whether a sound was found to be background.

        Parameters
        ----------
        bands : ndarray, shape (N_BANDS,), log10 of power
        mel : ndarray, shape (n_mels,), log10 of power
        is_voice : bool
        evidence : float
        """
        if self._n_frames == 0:
            self._smooth, self._mel = bands.copy(), np.zeros((_STEADY_FRAMES, len(mel)))
        self._bands[self._n_frames % _RANGE_FRAMES] = bands
        self._mel[self._n_frames % _STEADY_FRAMES] = mel
        self._smooth += 0.3 * (bands - self._smooth)
        self._loudness[self._n_frames % _RANGE_FRAMES] = math.log10((10.0 ** self._smooth[1:14]).sum())
        self._n_frames += 1
        if self.is_starting and self._start():
            return False
        self._follow(bands, is_voice, evidence)
        return self._n_frames % _CHECK_EVERY == 0 and self._recognise(is_voice)

    def _start(self) -> bool:
        """Take all heard so far for background; false once it can't be."""
        n = self._n_frames
        heard = self._bands[: min(n, _RANGE_FRAMES)]
        if n >= _RANGE_FRAMES or np.ptp(self._loudness[:n]) > _NOISE_RANGE:
            self.is_starting = False
        elif n in (15, 20, 30, 40) and ripple(self._mel[:n].mean(axis=0)) > _CLEAR_RIPPLE:
            self.is_starting = False
            self.level = np.minimum(self.level, self._initial)
        else:
            self.level = heard.mean(axis=0)
            if n >= 10:
                self.spread = float(heard.std(axis=0)[1:].mean())
        return self.is_starting

    def _follow(self, bands: np.ndarray, is_voice: bool, evidence: float) -> None:
        self.level -= 0.3 * np.maximum(self.level - self._smooth - 0.6 - 2 * self.allowance, 0)
        if not is_voice and evidence < 2 * ENTER:
            change = np.minimum(np.maximum(bands - self.level, -1.0), 0.6)
            self.level += np.where(change > 0, 0.08, 0.04) * change
            # 1.25 makes a standard deviation of a mean deviation
            self.spread += 0.02 * (1.25 * float(np.abs(change).sum()) / N_BANDS - self.spread)
        self._minimum = np.minimum(self._minimum, self._smooth)
        if self._n_frames % _MINIMUM_BLOCK == 0:
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
        mean = recent.mean(axis=0)
        stands_out = mean > self.level + 0.2
        stands_out[0] = False
        if stands_out.sum() < 3 and not is_voice:
            return False
        spread = recent.std(axis=0)
        overall = float(spread[1:].mean())
        low, high = _NOISE_SPREAD
        if stands_out.sum() >= 3 and low < overall < high and low < spread[stands_out].mean() < high:
            if ripple(self._mel.mean(axis=0)) > _RIPPLE:
                return False
            self.level = mean
        else:
            is_narrow = self._n_frames >= _RANGE_FRAMES and np.ptp(self._loudness) < _NOISE_RANGE
            if not (is_voice and is_narrow and overall > _VOICES_SPREAD):
                return False
            if ripple(self._mel.mean(axis=0)) > 1.15 * _RIPPLE:
                return False
            self.level = self._bands.mean(axis=0)
        self.spread = overall
        return True


class VoiceActivity:
    """Streaming voice detector; causal.

    Parameters
    ----------
    background : float, optional
        Loudness of the training video's pauses (:func:`loudness`): what to expect of the room and of the voice, until
        they have been heard. Without such a video no room is familiar, and a usual one is expected.
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
        # speech is some 43 dB above a quiet room's pauses; a noisy room makes no louder speakers
        self._voice_level = min(self._initial_background + 4.3, -1.5)

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Whether each of some mel frames holds voice.

        Parameters
        ----------
        mel : ndarray, shape (n_frames, n_mels), float32, log10 of power

        Returns
        -------
        ndarray, shape (n_frames,), bool
        """
        return self.listen(mel)[0]

    def listen(self, mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether each frame holds voice, and whether what is heard is a pause as the training video has them.

        Parameters
        ----------
        mel : ndarray, shape (n_frames, n_mels), float32, log10 of power

        Returns
        -------
        is_voice : ndarray, shape (n_frames,), bool
        is_familiar : ndarray, shape (n_frames,), bool
            The background is about as loud as the training video's pauses, there is no digital silence, and nothing
            but voice stands far out of it for long. Of frames with voice it says nothing.
        """
        # float64, or sums of float32 would depend on how many frames come at a time
        bands = (10.0 ** mel.astype(np.float64)).reshape(len(mel), N_BANDS, mel.shape[1] // N_BANDS).mean(axis=2)
        heard = [(self._step(*frame), self._is_familiar(frame[0])) for frame in zip(np.log10(bands), mel, strict=True)]
        is_voice, is_familiar = np.array(heard, bool).reshape(-1, 2).T
        return is_voice, is_familiar

    def _is_familiar(self, bands: np.ndarray) -> bool:
        background = float(self._background.level.mean())
        is_loud = float(bands.mean()) > background + _LOUD_FOR_A_PAUSE
        self._n_loud = self._n_loud + 1 if is_loud and not self._is_voice else 0
        low, high = _FAMILIAR
        return (
            self._knows_a_room
            and low < background - self._initial_background < high
            and bands.max() >= _NOTHING
            and self._n_loud < _LOUD_FRAMES
        )

    def _step(self, bands: np.ndarray, mel: np.ndarray) -> bool:
        background = self._background
        if bands.max() < _NOTHING:
            background.hear_nothing()
            self._evidence.append(0.0)
            self._run = self._voiced_run = 0
            return self._hold()
        bands = np.maximum(bands, _FLOOR)
        last = self._evidence[-1] if self._evidence else 0.0
        if background.hear(bands, mel, self._is_voice, last):
            self._evidence.clear()
        ratio = 10.0 ** np.minimum(np.maximum(bands - background.level - background.allowance, 0), 3)
        evidence = np.minimum(ratio - 1 - np.log(ratio), _MAX_EVIDENCE)
        self._evidence.append(float(evidence @ _WEIGHTS))
        return self._decide(sum(self._evidence) / _SMOOTHED, bands)

    def _decide(self, evidence: float, bands: np.ndarray) -> bool:
        beyond = np.maximum(10.0**bands - 1.5 * 10.0**self._background.level, 0) + 1e-9
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
            if stands_out and not self._is_voice:  # a recording softer than expected is understood in the end
                self._voice_level -= 0.001
            return self._hold()
        self._is_voice, self._n_quiet = True, 0
        if is_voiced and evidence > ENTER:
            self._follow_voice(level)
        return True

    def _follow_voice(self, level: float) -> None:
        self._n_voiced += 1
        falling = 0.05 if self._n_voiced < time_to_mel_frames(0.4) else 0.008
        self._voice_level += (0.2 if level > self._voice_level else falling) * (level - self._voice_level)

    def _hold(self) -> bool:
        """Whether voice is held through a frame without it."""
        self._n_quiet += 1
        self._is_voice = self._is_voice and self._n_quiet <= HOLD
        return self._is_voice


def ripple(mel: np.ndarray) -> float:
    """Ripple of a log-mel spectrum (n_mels,) between 300 Hz and 1.3 kHz: what stands above and below its trend."""
    total = np.cumsum(np.concatenate([[0.0], mel[8:34]]))
    return float((mel[11:31] - (total[7:] - total[:-7]) / 7).std())


def loudness(mel: np.ndarray) -> np.ndarray:
    """Mean over the bands (n_frames,) of log-mel frames (n_frames, n_mels), log10 of power."""
    return mel.mean(axis=1)
