"""Laying a device's blocks on a timeline without holes; pure, time is an argument.

Two things look alike when a block comes late. The callback may only have been kept waiting: then the blocks that piled
up follow at once, and nothing is missing. Or samples were lost: then all that follows stays as late, and silence must
take their place, or the sound would run ahead of its time for ever::

    lateness, ms   0 0 0 190 180 170 ... 10 0 0      kept waiting: deliver as it is
    lateness, ms   0 0 0 190 190 190 190 190 190     a hole of 190 ms: fill it

So blocks that are late are held until it is clear which it is, a tenth of a second at most while nothing catches up.
Most drivers also say when a block was captured, however late it is handed over: a block that was captured in time is
delivered at once.

That judgement may be wrong. Where a block soon proves it by coming too early (gap_correction.py), what follows goes
back to where it belongs: the silence stays, and as much sound as now overlaps it is dropped. So the timeline never
stays longer than time.

While no block comes at all, silence is delivered as time goes on, a little behind; what comes late after all and
lies where silence has been delivered already is dropped.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.devices.sound.clock import StreamClock
from hygiesync.devices.sound.gap_correction import GapCorrection

GRACE_S = 0.1
"""Without a block for this long, silence is delivered for what should have come before (seconds)."""

START_S = 0.5
"""Without a block for this long after the start, the timeline begins with silence (seconds)."""

LATE_S, LATE_AFTER_OVERFLOW_S = 0.04, 0.005
"""Lateness beyond which samples may be missing (seconds); less where the device said that it lost some."""

SETTLE_S = 0.1
"""Lateness that did not fall in this time is a hole (seconds)."""

CATCH_UP_S = 0.02
"""How far lateness falls in that time, at least, while blocks that piled up are worked off (seconds)."""

N_ARRIVALS = 4096
"""Arrival times that are remembered: some 40 s of blocks of 10 ms."""


class Timeline:
    """Collects a device's blocks and gives samples without holes.

    One thread pushes and takes; `arrival_of` may be asked by any.

    Parameters
    ----------
    clock : StreamClock
        Is fed with what is placed.
    first_block : int, optional
        Samples to keep of the very first block: its last ones; see :data:`hygiesync.devices.sound.source.FIRST_BLOCK`.

    Attributes
    ----------
    n_samples : int
        Samples of the timeline so far.
    n_filled : int
        Of these, silence that stands for what was lost, or was not there in time.
    n_overflows : int
        Holes that the device reported, or that were found by time.
    """

    def __init__(self, clock: StreamClock, first_block: int | None = None) -> None:
        self.clock = clock
        self._first_block = first_block
        self.n_samples = 0
        self.n_filled = 0
        self.n_overflows = 0
        self._sample_rate = clock.sample_rate
        self._ready: list[NDArray[Any]] = []
        self._held: list[tuple[NDArray[Any], float, float | None]] = []
        self._capture_clock = StreamClock(clock.sample_rate)  # of the driver's own times
        self._is_new_stream = True
        self._position = 0  # of the next sample of the device, if none is missing before it
        self._late_limit_s = LATE_S
        self._least_late_s = self._settle_from_late_s = 0.0
        self._settle_from_s = 0.0
        self._gap_correction = GapCorrection(clock.sample_rate)
        self._last_s: float | None = None
        self._lock = threading.Lock()
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=N_ARRIVALS)

    def begin_stream(self) -> None:
        """The next block is the first of a newly opened device: time tells where it belongs."""
        self._release_held()
        self._is_new_stream = True
        self._capture_clock = StreamClock(self._sample_rate)

    def push(
        self, samples: NDArray[np.float32], host_s: float, has_overflowed: bool = False, captured_s: float | None = None
    ) -> None:
        """Add a block.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32
        host_s : float
            When the callback saw it (seconds).
        has_overflowed : bool
            Whether the device said that samples before this block were lost.
        captured_s : float, optional
            When the driver says that the block was captured, on any clock that runs evenly (seconds).
        """
        self._last_s = host_s
        if has_overflowed:
            self.n_overflows += 1
        if not self.clock.is_running:
            self._is_new_stream = False
            kept = samples if self._first_block is None else samples[-self._first_block :]
            self._place(kept, host_s, captured_s)
            return
        end = self._position + sum(len(held) for held, _, _ in self._held) + len(samples)
        n_back = self._gap_correction.take_back(end, host_s)
        self._position -= n_back
        late_s = self._lateness(end - n_back, host_s, captured_s)
        if not self._held:
            if has_overflowed or self._is_new_stream:
                self._late_limit_s = LATE_AFTER_OVERFLOW_S
            if late_s < self._late_limit_s and not self._is_new_stream:
                self._late_limit_s = LATE_S
                self._place(samples, host_s, captured_s)
                return
            self._settle_from_s, self._settle_from_late_s, self._least_late_s = host_s, late_s, late_s
        self._held.append((samples, host_s, captured_s))
        self._least_late_s = min(self._least_late_s, late_s)
        if late_s < self._late_limit_s and not self._is_new_stream:
            self._release_held()  # it has caught up: nothing was missing
        elif host_s - self._settle_from_s >= SETTLE_S:
            self._settle(host_s)

    def tick(self, now_s: float) -> None:
        """Deliver silence if nothing has come for a while.

        Parameters
        ----------
        now_s : float
            Host time (seconds).
        """
        if self._last_s is None:
            self._last_s = now_s
        if not self.clock.is_running:
            if now_s - self._last_s < START_S:
                return
            self.clock.observe(0, now_s - START_S)
        if now_s - self._last_s < GRACE_S:
            return
        self._release_held()
        n_missing = int(self.clock.sample_at(now_s - GRACE_S)) - self.n_samples
        if n_missing > 0:
            self._fill(n_missing, now_s)

    def take(self) -> NDArray[np.float32]:
        """The samples that are ready, shape (n,), float32."""
        ready, self._ready = self._ready, []
        return np.concatenate(ready) if ready else np.zeros(0, np.float32)

    def arrival_of(self, sample: int) -> float:
        """Host time at which the block with this sample came; for silence, when it was put in.

        Raises
        ------
        ValueError
            When the sample has not been delivered, or was delivered too long ago.
        """
        with self._lock:
            index = bisect_right(self._arrivals, (sample, math.inf))
            if index == len(self._arrivals) or (index == 0 and len(self._arrivals) == N_ARRIVALS):
                raise ValueError(f"sample {sample}: its arrival is not known; samples up to {self.n_samples} have come")
            return self._arrivals[index][1]

    def _settle(self, host_s: float) -> None:
        """A while after the first late block, see whether it catches up."""
        if self._is_new_stream or self._least_late_s > self._settle_from_late_s - CATCH_UP_S:
            self._release_held()
        else:
            self._settle_from_s, self._settle_from_late_s = host_s, self._least_late_s

    def _release_held(self) -> None:
        """Place the held blocks, behind a hole as long as the least of them was late."""
        if not self._held:
            return
        if self._least_late_s >= self._late_limit_s or self._is_new_stream:
            n_missing = max(0, round(self._least_late_s * self._sample_rate))
            self._position += n_missing
            self._gap_correction.add(n_missing, self.clock, self._held[-1][1])
            if not self._is_new_stream and self._late_limit_s == LATE_S:
                self.n_overflows += 1  # found by time only
        self._is_new_stream, self._late_limit_s = False, LATE_S
        held, self._held = self._held, []
        for block in held:
            self._place(*block)

    def _lateness(self, end: int, host_s: float, captured_s: float | None) -> float:
        """How much later than expected a block came that ends there (seconds)."""
        late_s = host_s - self.clock.time_of(end)
        if captured_s is not None and self._capture_clock.is_running:
            late_s = min(late_s, captured_s - self._capture_clock.time_of(end))
        return late_s

    def _place(self, samples: FloatArray, host_s: float, captured_s: float | None) -> None:
        end = self._position + len(samples)
        if self._position > self.n_samples:
            self._fill(self._position - self.n_samples, host_s)
        new = samples[max(0, self.n_samples - self._position) :]
        self._position = end
        self.clock.observe(end, host_s)
        if captured_s is not None:
            self._capture_clock.observe(end, captured_s)
        if len(new):
            self._deliver(new, host_s)

    def _fill(self, n_missing: int, host_s: float) -> None:
        self.n_filled += n_missing
        self._deliver(np.zeros(n_missing, np.float32), host_s)

    def _deliver(self, samples: FloatArray, host_s: float) -> None:
        self._ready.append(samples)
        with self._lock:
            self.n_samples += len(samples)
            self._arrivals.append((self.n_samples, host_s))
