r"""What a face does while it speaks, beside its lips: the head follows the voice, brows rise, blinks wait for pauses.

It is heard as it comes, on the mel clock of 100 frames a second, and remembers::

    loudness --> stressed syllables --> nods, now and then brows
             `-> speaking or not   --> a restless head; a new bearing for each phrase; blinks

A nod is the answer of a spring that is struck (critically damped, ``t / T exp(1 - t / T)``). Restlessness is noise
between random values, in three octaves. Nothing is periodic, so nothing repeats; the same sound gives the same motion.

References
----------
Graf, Cosatto, Strom & Huang, *Visual prosody: facial movements accompanying speech*, 2002 (nods and brows at pitch
accents); Munhall et al., *Visual prosody and speech intelligibility*, 2004 (head motion follows loudness and pitch);
Nakano & Kitazawa, *Eyeblink entrainment at breakpoints of speech*, 2010 (blinks in pauses).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.interpolation import smoothstep
from hygiesync.portrait.speaking.idle_motion import IdlePose, blink

_STEP_S = 0.01
"""Mel frames are this far apart."""

_MOST_STEPS = 300
"""After a longer gap the past is forgotten."""

_RANGE = 1.5
"""Least distance of the loudest from the softest sound, log10 of power: 15 dB."""

_FLOOR_RISE, _PEAK_FALL = 0.002, 0.001
"""How fast the two are forgotten, log10 of power a frame."""

_ATTACK_S, _RELEASE_S = 0.03, 0.12
"""Smoothing of the loudness when it rises and when it falls."""

_MEAN_S = 0.35
"""Over how long the loudness around a syllable is averaged."""

_SPEAKING_S = (0.25, 0.7)
"""Time in which speaking is believed, and its end."""

_STRESS, _STRESS_EVERY_S = 0.16, 0.38
"""How much louder than what is around it a syllable is when it is stressed, 0 to 1; and how near the next may be."""

_NOD_DEG, _NOD_S = np.array([0.4, 2.6, 0.4]), 0.13
"""Yaw, pitch and roll of a nod for a syllable that is louder by all, and the time of its turning point."""

_RESTLESS_DEG = np.array([[0.6, 1.3, 0.5], [0.5, 1.1, 0.4], [0.3, 0.6, 0.2]])
_RESTLESS_HZ = np.array([1.2, 2.6, 5.0])
"""Octaves of restlessness: spread of yaw, pitch and roll, and new values a second.

With the nods, about two thirds of a newsreader's motion between 0.5 and 4 Hz; speakers on a stage move three times as
far as he does.
"""

_BEARING_DEG, _BEARING_S = np.array([1.6, 0.9, 0.9]), 0.45
"""Spread of the bearing that the head takes for a phrase, and time in which it is taken."""

_BROW, _BROW_EVERY_S, _BROW_S = 0.035, 1.6, 0.16
"""How far brows rise, in outer-eye distances; how often at most; and when they are highest."""

_BROW_FROM = 0.3
"""A syllable louder than what is around it by so much raises the brows."""

_PAUSE_S = 0.15
"""Silence that ends a phrase."""

_BLINK_AT_PAUSE, _BLINK_AFTER_S = 0.55, 1.3
"""How often the end of a phrase brings a blink, if the last one is so long ago."""

_PATIENCE_S = 1.6
"""How long a blink that is due waits for a pause."""

_SPOKEN = 0.4
"""Loudness, 0 to 1, from which there is a voice."""


_LONG_AGO_S = -1000.0


@dataclass
class _State:
    """What is remembered, at a step of the mel clock."""

    step: int
    floor: float = np.inf
    peak: float = -np.inf
    loudness: float = 0.0
    around: float = 0.0
    speaking: float = 0.0
    silence_s: float = 1.0
    stressed_s: float = _LONG_AGO_S
    strength: float = 0.0
    before: float = 0.0
    brow_s: float = _LONG_AGO_S
    blink_s: float = _LONG_AGO_S
    due_s: float | None = None
    is_held_open: bool = False
    n_phrases: int = 0
    phrase_s: float = 0.0


class SpeechMotion:
    """The motion of one face while it speaks.

    Not thread-safe; it is one renderer's.

    Parameters
    ----------
    seed : int
        The same seed, with the same sound, gives the same motion.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._state: _State | None = None
        self._bearings = np.zeros((2, 3))

    def at(self, time_s: Fraction, sound: FloatArray, idle: IdlePose) -> IdlePose:
        """What the face does at a moment; asked for in the order of time. An earlier time begins anew.

        Parameters
        ----------
        time_s : Fraction
        sound : ndarray, shape (n, n_mels), log10 of power
            The mel frames around the moment, the one known then in their middle, as renderers are given them.
        idle : IdlePose
            What it does in silence.

        Returns
        -------
        IdlePose
            With `idle`'s liveliness, which all motion is multiplied with.
        """
        state, now = self._state, int(time_s / Fraction(1, 100))
        if state is None or not 0 <= now - state.step <= _MOST_STEPS or time_s == 0:
            state = self._state = _State(now)
            self._bearings = np.zeros((2, 3))
        heard = np.log10(np.mean(10.0 ** np.asarray(sound, np.float64), axis=1) + 1e-12)
        middle = len(heard) // 2 - 1
        for step in range(state.step + 1, now + 1):
            self._hear(state, step * _STEP_S, float(heard[max(middle - (now - step), 0)]))
        state.step = now
        seconds = float(time_s)
        self._hold_blinks(state, seconds, idle)
        return self._moved(state, seconds, idle)

    def _hear(self, state: _State, time_s: float, level: float) -> None:
        """The next mel frame, of loudness `level`."""
        state.floor = min(level, state.floor + _FLOOR_RISE)
        state.peak = max(level, state.peak - _PEAK_FALL, state.floor + _RANGE)
        loudness = float(np.clip((level - state.floor) / (state.peak - state.floor), 0, 1))
        rate = _STEP_S / (_ATTACK_S if loudness > state.loudness else _RELEASE_S)
        state.loudness += min(rate, 1.0) * (loudness - state.loudness)
        state.around += _STEP_S / _MEAN_S * (state.loudness - state.around)
        is_voice = state.loudness > _SPOKEN
        rise, fall = _SPEAKING_S
        state.speaking += _STEP_S / (rise if is_voice else fall) * (is_voice - state.speaking)
        was_silent_s = state.silence_s
        state.silence_s = 0.0 if is_voice else was_silent_s + _STEP_S
        if is_voice and was_silent_s > _PAUSE_S:
            self._begin_phrase(state, time_s)
        if was_silent_s <= _PAUSE_S < state.silence_s:
            self._end_phrase(state, time_s)
        louder = state.loudness - state.around
        if is_voice and louder > _STRESS and time_s - state.stressed_s > _STRESS_EVERY_S:
            state.before = self._nod(state, time_s)
            state.stressed_s, state.strength = time_s, min(louder / 0.5, 1.0)
            if louder > _BROW_FROM and time_s - state.brow_s > _BROW_EVERY_S:
                state.brow_s = time_s

    def _begin_phrase(self, state: _State, time_s: float) -> None:
        self._bearings[0] = self._bearing(state, time_s)
        state.n_phrases += 1
        state.phrase_s = time_s
        drawn = np.random.default_rng((self._seed, 1, state.n_phrases)).standard_normal(3)
        self._bearings[1] = _BEARING_DEG * np.clip(drawn, -1.5, 1.5)

    def _end_phrase(self, state: _State, time_s: float) -> None:
        chance = float(np.random.default_rng((self._seed, 2, state.n_phrases)).uniform())
        if chance < _BLINK_AT_PAUSE and time_s - state.blink_s > _BLINK_AFTER_S:
            state.blink_s = time_s

    def _hold_blinks(self, state: _State, time_s: float, idle: IdlePose) -> None:
        """Let blinks of idle life that fall into a phrase wait for its end."""
        is_closing = idle.openness < 1
        if not is_closing:
            state.is_held_open = False
        elif not state.is_held_open and state.silence_s == 0 and state.due_s is None:
            state.is_held_open, state.due_s = True, time_s
        if state.due_s is not None and (state.silence_s > 0 or time_s - state.due_s > _PATIENCE_S):
            state.due_s = None
            if time_s - state.blink_s > _BLINK_AFTER_S:
                state.blink_s = time_s

    def _bearing(self, state: _State, time_s: float) -> NDArray[np.float64]:
        taken = smoothstep((time_s - state.phrase_s) / _BEARING_S)
        bearing: NDArray[np.float64] = self._bearings[0] + taken * (self._bearings[1] - self._bearings[0])
        return bearing

    @staticmethod
    def _nod(state: _State, time_s: float) -> float:
        """How far down, 0 to 1, the last two nods have the head."""
        return state.strength * _struck((time_s - state.stressed_s) / _NOD_S) + state.before * np.exp(
            -(time_s - state.stressed_s) / _NOD_S
        )

    def _moved(self, state: _State, time_s: float, idle: IdlePose) -> IdlePose:
        turn = idle.turn_deg + state.speaking * (self._bearing(state, time_s) + self._restlessness(time_s))
        turn = turn + self._nod(state, time_s) * _NOD_DEG
        own = 1.0 if state.is_held_open else idle.openness
        openness = min(own, 1 - blink(time_s - state.blink_s))
        brow = _BROW * _struck((time_s - state.brow_s) / _BROW_S)
        return replace(idle, turn_deg=turn, openness=openness, brow=brow)

    def _restlessness(self, time_s: float) -> NDArray[np.float64]:
        """Degrees (3,) of noise, a function of the time."""
        total = np.zeros(3)
        for octave, (rate, spread) in enumerate(zip(_RESTLESS_HZ, _RESTLESS_DEG, strict=True)):
            place = time_s * rate
            number = int(place)
            before, after = (self._drawn(octave, n) for n in (number, number + 1))
            total += spread * (before + smoothstep(place - number) * (after - before))
        return total

    def _drawn(self, octave: int, number: int) -> NDArray[np.float64]:
        return np.clip(np.random.default_rng((self._seed, 3, octave, number)).standard_normal(3), -2, 2)


def _struck(time: float) -> float:
    """A critically damped spring, 1 at its turning point at time 1."""
    return float(time * np.exp(1 - time)) if time > 0 else 0.0
