"""Sound that must be heard at a given time, between its writer and an output's callback; no device, no clock.

Frames of the output are numbered from its start, and the buffer is addressed by these numbers. The writer puts a block
where its time says; the callback takes the frames whose turn it is, and leaves silence behind::

    written         [block 7][block 8][block 9]
    frames     ... 9600     9760     9920     10080
    callback          ^ takes the next 160 from here

The sound's clock and the output's drift apart, so a block's place by time leaves the end of the block before it, by a
frame a second or so. Such a block is made one frame longer or shorter, which nobody hears. One that is far from the
end of what was written (the sound begins, or was interrupted) goes to its place at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

CAPACITY_S = 2.0
"""How far ahead sound may be written (seconds)."""

TOLERANCE_S = 0.0005
"""Distance from its place by time that a block may have (seconds)."""

JUMP_S = 0.02
"""Distance beyond which a block is moved, not stretched (seconds)."""

STRETCH_LENGTH = 160
"""Shortest block that is made a frame longer or shorter: 0.6 %, a tenth of a semitone for a hundredth of a second."""


class PlayoutBuffer:
    """Holds frames until their turn. One thread writes, one takes, and neither waits for the other.

    Parameters
    ----------
    rate : int
        Frames a second (Hz).

    Attributes
    ----------
    n_taken : int
        Frames that were taken, silence included; the number of the next.
    n_stretched : int
        Frames that were put in or left out to follow the clocks.
    n_jumps : int
        Times that sound was not put behind what was there, but where its time said.
    """

    def __init__(self, rate: int) -> None:
        self.n_taken = 0
        self.n_stretched = 0
        self.n_jumps = 0
        self._rate = rate
        self._frames = np.zeros(round(CAPACITY_S * rate), np.float32)  # all that is not written is silence
        self._end = 0  # of what was written

    def write(self, samples: NDArray[np.float32], due: float) -> None:
        """Put a block where it is due, or as near as is not heard. For the writing thread.

        What is due before the frames that have been taken, or farther ahead than the buffer reaches, is left out.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32
            At the output's rate.
        due : float
            Number of the frame in whose place its first sample belongs.
        """
        distance = due - self._end
        if self._end <= self.n_taken or abs(distance) > JUMP_S * self._rate:
            self.n_jumps += 1
            begin = round(due)
        else:
            begin = self._end
            if abs(distance) > TOLERANCE_S * self._rate:
                samples = self._stretch(samples, 1 if distance > 0 else -1)
        self._put(samples, begin)

    def take(self, n: int) -> NDArray[np.float32]:
        """The next `n` frames, shape (n,), float32. For the callback."""
        places = np.arange(self.n_taken, self.n_taken + n) % len(self._frames)
        frames = self._frames[places]
        self._frames[places] = 0
        self.n_taken += n
        return frames

    def _stretch(self, samples: NDArray[Any], n_more: int) -> NDArray[Any]:
        if len(samples) < STRETCH_LENGTH:
            return samples
        self.n_stretched += 1
        where = np.linspace(0, len(samples) - 1, len(samples) + n_more)
        return np.interp(where, np.arange(len(samples)), samples).astype(np.float32)

    def _put(self, samples: FloatArray, begin: int) -> None:
        # not over what is there, not before the next to be taken, not beyond the buffer
        first = max(begin, self._end, self.n_taken)
        last = min(begin + len(samples), self.n_taken + len(self._frames))
        if first >= last:
            return
        places = np.arange(first, last) % len(self._frames)
        self._frames[places] = samples[first - begin : last - begin]
        # what the callback has passed by meanwhile would be heard one round later
        self._frames[places[: max(0, self.n_taken - first)]] = 0
        self._end = last
