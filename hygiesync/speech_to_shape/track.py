"""Answers and sound on the mel clock, asked for at any time, and forgotten once time has passed them."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.speech.mel import N_MELS, POWER_FLOOR
from hygiesync.timing import described_time, mel_position

N_SOUND_FRAMES = 16
"""Mel frames (10 ms each) that a renderer is given with a moment: 80 ms on each side of it, which is as far ahead as
the default lookahead hears."""


class CoefficientTrack:
    """Coefficients for each mel frame that was answered, and by linear interpolation for any time between.

    Parameters
    ----------
    rest : ndarray, shape (n_components,)
        Before the first frame there is nothing but rest, so that without lookahead too there is an answer at time 0.
    lookahead : int
        Mel frames between the moment that an answer describes and the frame that it was given at.
    """

    def __init__(self, rest: NDArray[Any], lookahead: int) -> None:
        self._answers, self._lookahead = deque([rest]), lookahead
        self._first = -1

    @property
    def known_until_s(self) -> Fraction:
        """Latest time that was answered, seconds; negative while nothing is."""
        return described_time(self._first + len(self._answers) - 1, self._lookahead)

    def append(self, coefficients: NDArray[Any]) -> None:
        """The answer (n_components,) given at the next mel frame."""
        self._answers.append(coefficients)

    def at(self, time_s: Fraction) -> NDArray[Any]:
        """Coefficients (n_components,) at `time_s`, which must be known; what lies before it is forgotten."""
        position = mel_position(time_s, self._lookahead)
        before = max(floor(position), -1)
        while self._first < before and len(self._answers) > 1:
            self._answers.popleft()
            self._first += 1
        share = float(position - before)
        if share <= 0 or len(self._answers) == 1:
            return self._answers[0]
        # in this order, a mouth at rest on both sides is exactly at rest
        return self._answers[0] + share * (self._answers[1] - self._answers[0])


class SoundTrack:
    """The log-mel frames around any time.

    Parameters
    ----------
    lookahead : int
        Mel frames that are heard beyond a moment before it is asked for.
    """

    def __init__(self, lookahead: int) -> None:
        self._lookahead = lookahead
        self._mel: deque[NDArray[Any]] = deque()
        self._first = 0

    def extend(self, mel: NDArray[Any]) -> None:
        """The next mel frames (n_frames, N_MELS)."""
        self._mel.extend(mel)

    def at(self, time_s: Fraction) -> NDArray[np.float32]:
        """The sound around a moment, for renderers that look at it themselves.

        Parameters
        ----------
        time_s : Fraction
            Must be known, and not lie before one that was asked for; what is no longer needed is forgotten.

        Returns
        -------
        ndarray, shape (N_SOUND_FRAMES, N_MELS), float32, log10 of power
            Half of the mel frames are those known at `time_s`, half come after. Before the first frame, and where
            less was heard than would be looked ahead, the nearest frame stands in; silence where nothing was heard.
        """
        last = floor(mel_position(time_s, 0)) + N_SOUND_FRAMES // 2
        wanted = range(last - N_SOUND_FRAMES + 1, last + 1)
        while self._first < wanted[0] and len(self._mel) > 1:
            self._mel.popleft()
            self._first += 1
        if not self._mel:
            return np.full((N_SOUND_FRAMES, N_MELS), np.log10(POWER_FLOOR), np.float32)
        # as much as was heard when the moment became known, whatever was pushed since
        heard = max(ceil(mel_position(time_s, self._lookahead)), self._first) - self._first
        newest = min(len(self._mel) - 1, heard)
        return np.stack([self._mel[min(max(index - self._first, 0), newest)] for index in wanted])
