r"""Voice or silence, from the loudness of the mel frames, as they come.

A frame is voice when it stands out of the background by a margin. The background is followed: down at once, up slowly,
so that a fan or a hiss that starts becomes background within seconds, and no single pause is needed to begin with. The
margin falls between entering and leaving speech (hysteresis), so that soft word ends are not cut.

::

    loudness  ____/~~~~\__/~~\____      background  ________________
    voice     0000111111111111 000      (held for `HOLD` frames after the last loud one)
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from hygiesync.timing import time_to_mel_frames

ENTER_MARGIN, LEAVE_MARGIN = 0.7, 0.45
"""How far over the background, in log10 of power (0.1 is one decibel), voice begins and ends."""

SILENCE_LEVEL = -7.0
"""Mean log10 power of the bands under which nothing is voice, whatever the background: -70 dB re full scale or so."""

RISE_PER_FRAME = 0.0015
"""How fast the background rises: 1.5 decibels a second."""

STEADY_FRAMES = 4
"""Frames that a quieter level must last to be the room's: fewer may be a window that is half in digital silence."""

HOLD = time_to_mel_frames(0.04)
"""Frames that voice outlasts its last loud frame."""


@dataclass
class ActivityState:
    """What the detector remembers."""

    background: float
    is_voice: bool = False
    quiet_frames: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=STEADY_FRAMES))


class VoiceActivity:
    """Streaming voice detector.

    Parameters
    ----------
    background : float
        Loudness of the training video's pauses (:func:`loudness`), where following starts.
    """

    def __init__(self, background: float) -> None:
        self._initial_background = background
        self.reset()

    def reset(self) -> None:
        """Start again from the initial background."""
        self._state = ActivityState(self._initial_background)

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Whether each of some mel frames holds voice.

        Parameters
        ----------
        mel : ndarray, shape (n_frames, n_mels), float32, log10 of power

        Returns
        -------
        ndarray, shape (n_frames,), bool
        """
        return np.array([self._step(level) for level in loudness(mel)], bool)

    def _step(self, level: float) -> bool:
        state = self._state
        if level > SILENCE_LEVEL:  # digital silence says nothing of the room
            state.recent.append(level)
            if len(state.recent) == STEADY_FRAMES:
                state.background = min(max(state.recent), state.background + RISE_PER_FRAME)
        else:
            state.recent.clear()
        margin = LEAVE_MARGIN if state.is_voice else ENTER_MARGIN
        if level > max(state.background + margin, SILENCE_LEVEL):
            state.is_voice, state.quiet_frames = True, 0
        else:
            state.quiet_frames += 1
            state.is_voice = state.is_voice and state.quiet_frames <= HOLD
        return state.is_voice


def loudness(mel: np.ndarray) -> np.ndarray:
    """Mean over the bands (n_frames,) of log-mel frames (n_frames, n_mels), log10 of power."""
    return mel.mean(axis=1)
