"""What a face does while nobody tells it anything: it sways, breathes, looks about and blinks.

Everything is a function of the time alone, for hours and without a state: slow waves whose frequencies have no common
multiple, and events (blinks, glances) of which each stretch of time has its own, drawn from its number.

References
----------
Bentivoglio et al., *Analysis of blink rate patterns in normal subjects*, 1997 (17 blinks a minute at rest, 26 in
conversation); VanderWerf et al., *Eyelid movements*, 2003 (lids close in some 80 ms and open in two to three times
that).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.interpolation import smoothstep

_SWAY_DEG = np.array([2.6, 1.4, 1.1])
"""How far a head at rest sways to the side, up and down, and over, degrees."""

_SWAY_HZ = np.array([[0.071, 0.113, 0.193], [0.089, 0.151, 0.237], [0.059, 0.127, 0.211]])
_SWAY_SHARES = np.array([0.5, 0.3, 0.2])
_SHIFT, _SHIFT_HZ = np.array([0.012, 0.006]), np.array([0.067, 0.103])
"""How far it shifts aside and down, in outer-eye distances."""

_BREATH, _BREATH_HZ = 0.008, 0.23
"""How far the chest lifts the head, in outer-eye distances; 14 breaths a minute."""

_BREATH_WANDERS_HZ, _BREATH_VARIES, _INHALED = 0.043, 0.4, 0.4
"""How slowly breaths change, by which part of their depth, and the part of a breath in which it is drawn."""

_BLINK_EVERY_S, _CLOSING_S, _CLOSED_S, _OPENING_S = 3.6, 0.08, 0.04, 0.2
_DOUBLE_BLINKS = 0.12
_DOUBLE_AFTER_S = 0.42

_GAZE_EVERY_S, _SACCADE_S = 1.7, 0.05
_GAZE = np.array([0.05, 0.022])
"""Spread of where the eyes look, in widths of an eye: small, or nobody feels looked at."""

_BLINKS, _GAZES, _WAVES = 1, 2, 3
"""What random numbers are for."""


LIVELINESS = {"calm": 1.0, "lively": 1.7, "still": 0.0}
"""Manners of life by name: what the head's turning is multiplied with; in the last, nothing moves but the mouth."""


@dataclass(frozen=True)
class IdlePose:
    """A moment.

    Attributes
    ----------
    turn_deg : ndarray, shape (3,)
        Yaw, pitch and roll against the picture, degrees.
    shift : ndarray, shape (2,)
        Of the head to the right and down, in outer-eye distances.
    openness : float
        Of the eyes: 1 as in the picture, 0 shut.
    gaze : ndarray, shape (2,)
        Of the eyes to the right and down, in widths of an eye.
    breath : float
        How far the chest is lifted, 0 to 1.
    lean : float
        Of the shoulders to the right, -1 to 1.
    brow : float
        How far the brows are raised, in outer-eye distances.
    """

    turn_deg: NDArray[np.float64]
    shift: NDArray[np.float64]
    openness: float
    gaze: NDArray[np.float64]
    breath: float = 0.0
    lean: float = 0.0
    brow: float = 0.0

    @classmethod
    def none(cls) -> IdlePose:
        """As in the picture."""
        return cls(np.zeros(3), np.zeros(2), 1.0, np.zeros(2))


class IdleMotion:
    """The life of one face, from the picture itself at time 0 on.

    Parameters
    ----------
    seed : int
        The same seed gives the same life.
    liveliness : float
        What the head's turning is multiplied with.

    Attributes
    ----------
    liveliness : float
    """

    def __init__(self, seed: int = 0, liveliness: float = 1.0) -> None:
        self._seed, self.liveliness = seed, liveliness
        rng = np.random.default_rng((seed, _WAVES))
        self._phases = rng.uniform(0, 2 * np.pi, _SWAY_HZ.shape)
        self._shift_phases = rng.uniform(0, 2 * np.pi, 2)

    def at(self, time_s: float) -> IdlePose:
        """The moment `time_s`, 0 or more, seconds."""
        begun = smoothstep(time_s / 1.5)
        sway = np.sin(2 * np.pi * _SWAY_HZ * time_s + self._phases) @ _SWAY_SHARES
        waves = np.sin(2 * np.pi * _SHIFT_HZ * time_s + self._shift_phases)
        shift, breath = _SHIFT * waves, self._breath(time_s)
        shift[1] -= _BREATH * breath
        turn_deg, shift = self.liveliness * begun * _SWAY_DEG * sway, begun * shift
        return IdlePose(turn_deg, shift, self._openness(time_s), self._look(time_s), begun * breath, begun * waves[0])

    def _breath(self, time_s: float) -> float:
        """How far the chest is lifted, 0 to 1: no two breaths are as long or as deep."""
        place = time_s * _BREATH_HZ + 0.25 * np.sin(2 * np.pi * _BREATH_WANDERS_HZ * time_s)
        wander = np.sin(2 * np.pi * 1.7 * _BREATH_WANDERS_HZ * time_s + self._phases[0, 0])
        depth = 1 - _BREATH_VARIES * (0.5 + 0.5 * wander)
        # in is quicker than out
        share = place - np.floor(place)
        lifted = smoothstep(share / _INHALED) if share < _INHALED else smoothstep((1 - share) / (1 - _INHALED))
        return float(depth * lifted)

    def _openness(self, time_s: float) -> float:
        stretch = int(time_s // _BLINK_EVERY_S)
        shut = max(self._shut(number, time_s) for number in (stretch - 1, stretch))
        return 1 - shut

    def _shut(self, stretch: int, time_s: float) -> float:
        """How far shut, 0 to 1, the blinks of one stretch of time have the eyes."""
        if stretch < 0:
            return 0.0
        place, chance = np.random.default_rng((self._seed, _BLINKS, stretch)).uniform(size=2)
        since_s = time_s - (stretch + 0.15 + 0.7 * place) * _BLINK_EVERY_S
        second = blink(since_s - _DOUBLE_AFTER_S) if chance < _DOUBLE_BLINKS else 0.0
        return max(blink(since_s), second)

    def _look(self, time_s: float) -> NDArray[np.float64]:
        stretch = int(time_s // _GAZE_EVERY_S)
        moved = smoothstep((time_s - stretch * _GAZE_EVERY_S) / _SACCADE_S)
        before, after = self._looked_at(stretch - 1), self._looked_at(stretch)
        return before + moved * (after - before)

    def _looked_at(self, stretch: int) -> NDArray[np.float64]:
        if stretch <= 0:
            return np.zeros(2)
        drawn: NDArray[np.float64] = np.random.default_rng((self._seed, _GAZES, stretch)).standard_normal(2)
        return np.multiply(_GAZE, np.clip(drawn, -2, 2))


def blink(since_s: float) -> float:
    """How far shut, 0 to 1, lids are `since_s` after they began to close."""
    opened = (since_s - _CLOSING_S - _CLOSED_S) / _OPENING_S
    return smoothstep(since_s / _CLOSING_S if since_s < _CLOSING_S else 1 - opened)
