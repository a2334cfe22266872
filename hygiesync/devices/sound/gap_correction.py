"""Holes that were filled, and may yet prove to have been shorter; pure, time is an argument.

Lateness that stays looks like lost samples. But it also stays while a callback is kept waiting again before it has
caught up. Only one thing is certain: no block can come before its time. A block that is earlier than the clock allowed
before the hole was filled proves that less was lost, by as much as it is early::

    lateness, ms   0 0 0 110 | 90 80 70 ... 10 0 -10 -20 ... -100 -110 -110     110 ms were filled, nothing was lost
    lateness, ms   0 0 0 110 |  0  0  0 ...  0 0   0   0 ...    0    0    0     110 ms were lost
                             ^ filled

Later on, an early block proves nothing about the hole: the two clocks have drifted, or the device has become quicker.
"""

from __future__ import annotations

from hygiesync.devices.sound.clock import StreamClock

CORRECTED_WITHIN_S = 5.0
"""How long after a hole was filled early blocks still count (seconds): at 500 ppm the clocks drift by 2.5 ms in it."""


class GapCorrection:
    """Remembers what was filled lately, and how much of it turned out to be too much.

    Parameters
    ----------
    sample_rate : int
        Of the timeline (Hz).
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._n_samples = 0
        self._origin_s = 0.0  # host time of sample 0, by the clock that the last hole was measured by
        self._until_s = 0.0

    def add(self, n_samples: int, clock: StreamClock, host_s: float) -> None:
        """A hole of `n_samples` is being filled at a host time (seconds); `clock` has not seen what comes after it."""
        self._n_samples += n_samples
        self._origin_s = clock.time_of(0)
        self._until_s = host_s + CORRECTED_WITHIN_S

    def take_back(self, end: int, host_s: float) -> int:
        """How much too long the holes were; what is taken back once is settled.

        Parameters
        ----------
        end : int
            Where on the timeline a block would end, as it seems.
        host_s : float
            When that block came (seconds).

        Returns
        -------
        int
            Samples by which it belongs further ahead; never more than were filled.
        """
        if host_s > self._until_s:
            self._n_samples = 0
        early_s = self._origin_s + end / self._sample_rate - host_s
        n_back = min(max(0, int(early_s * self._sample_rate)), self._n_samples)
        self._n_samples -= n_back
        return n_back
