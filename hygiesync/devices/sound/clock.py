"""Between a sound card's samples and the host's clock, which run at slightly different rates.

A block can only be seen *late*: the callback thread may have waited, never run ahead. So the truth is the lower edge of
what is observed, followed over a short window::

    lateness   .      .                      . .         .  x = arrival - samples / rate
               . .  ...  . .  .    . . .    ...  .  .  ...
    edge       ______________________________________________

Drift between the clocks tilts the edge; at 100 ppm it moves a tenth of a millisecond a second, far less than is heard,
so the window's minimum follows it without a model of drift. An earlier block is a proof, and moves the edge at once. A
later edge may be chance until the window has passed, and is then approached slowly, so that pictures that are timed
by it neither jump nor stand still.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

BIN_S = 0.5
"""Observations are kept as one minimum for each of these spans (seconds)."""

N_BINS = 10
"""Spans looked back: 5 s, in which 500 ppm of drift make 2.5 ms, and in which a busy machine has been on time once."""

SLEW = 0.02
"""How much later the edge may move, seconds a second: twenty times the drift of a poor sound card."""

RESTART_S = 1.0
"""A block that is so much later than expected, or so long after the last one, begins the clock anew (seconds)."""


class SampleClock(ABC):
    """Which sample of a stream is complete when. Any thread may ask.

    Attributes
    ----------
    sample_rate : int
        Samples a second (Hz).
    """

    sample_rate: int

    def time_of(self, sample: int) -> float:
        """Host time at which a count of samples was, or would be, complete.

        Parameters
        ----------
        sample : int
            Samples of the timeline; may lie in the future.

        Returns
        -------
        float
            Seconds of host time; grows with `sample`.

        Raises
        ------
        RuntimeError
            Before anything was observed.
        """
        return self._origin() + sample / self.sample_rate

    def sample_at(self, host_s: float) -> float:
        """Count of samples that are, or would be, complete at a host time; the inverse of `time_of`."""
        return (host_s - self._origin()) * self.sample_rate

    def at_rate(self, sample_rate: int) -> SampleClock:
        """The same clock for the same sound at another rate; sample 0 is at the same time."""
        return _AtRate(self, sample_rate)

    @abstractmethod
    def _origin(self) -> float:
        """Host time of sample 0."""


class StreamClock(SampleClock):
    """Follows when samples arrive. Knows no time by itself: it is fed with counts and host times.

    One thread observes; any thread may ask.

    Parameters
    ----------
    sample_rate : int
        The stream's nominal rate (Hz).

    Examples
    --------
    >>> clock = StreamClock(16_000)
    >>> clock.observe(160, 100.010)
    >>> clock.observe(320, 100.025)
    >>> round(clock.time_of(320), 3)
    100.02
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._bins: deque[tuple[int, float]] = deque(maxlen=N_BINS)
        self._last_s = 0.0
        # host time of sample 0 as it seems now; one assignment, so that other threads see all of a change or nothing
        self._origin_s: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether anything has been observed."""
        return self._origin_s is not None

    def observe(self, n_samples: int, host_s: float) -> None:
        """Take note of a block.

        Parameters
        ----------
        n_samples : int
            Samples of the timeline up to the block's end.
        host_s : float
            Host time at which it was seen (seconds).
        """
        origin_s = host_s - n_samples / self.sample_rate
        edge_s = self._origin_s
        if edge_s is None or origin_s - edge_s > RESTART_S or host_s - self._last_s > RESTART_S:
            self._bins.clear()
            edge_s = origin_s
        bin_index = int(host_s // BIN_S)
        if self._bins and self._bins[-1][0] == bin_index:
            self._bins[-1] = (bin_index, min(self._bins[-1][1], origin_s))
        else:
            self._bins.append((bin_index, origin_s))
        target_s = min(least_s for _, least_s in self._bins)
        later_s = SLEW * max(0.0, host_s - self._last_s)
        self._last_s = host_s
        self._origin_s = min(target_s, edge_s + later_s)

    def _origin(self) -> float:
        origin_s = self._origin_s
        if origin_s is None:
            raise RuntimeError("the clock was asked before it was fed")
        return origin_s


class _AtRate(SampleClock):
    def __init__(self, clock: SampleClock, sample_rate: int) -> None:
        self._clock, self.sample_rate = clock, sample_rate

    def _origin(self) -> float:
        return self._clock._origin()
