"""When each picture is shown.

Pictures become ready in bursts: the sound comes in blocks, the network steps in hundredths of a second, and drawing
takes now more, now less. Shown at once they would stutter. So each picture has a due time on the sound's own clock, a
delay behind the sample whose mouth it shows, and the delay is as small as most pictures allow: the playout buffer of
telephony [1]_. What falls behind is dropped, never queued.

.. [1] Ramjee, Kurose, Towsley, Schulzrinne, *Adaptive playout mechanisms for packetized audio applications in
   wide-area networks*, 1994.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.sound.clock import SampleClock

MAX_WAITING = 8
"""Pictures between drawing and showing; with more, the oldest is dropped."""

READY_SHARE = 0.8
"""Share of the pictures that are ready when they are due. The others are shown when they come, a few ms later: to wait
for them too would cost every picture that latency."""

MAX_SPREAD_S = 0.02
"""Pictures that take so much longer than the fastest are late, however many they are; the delay does not grow by it."""

_N_REMEMBERED = 240
"""Pictures that the delay is chosen by: four seconds at 60 a second."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A picture and what happened on its way; host times in seconds.

    Attributes
    ----------
    picture : ndarray, shape (H, W, 3), uint8, RGB
    sample : int
        Of the sound's timeline: the picture shows the mouth of this moment.
    heard_s : float
        That sample arrived.
    known_s : float
        The last sample arrived that the picture depends on.
    taken_s : float
        The engine's worker took it.
    stepped_s : float
        Mel, network and voice activity were done with it.
    ready_s : float
        The picture was drawn.
    """

    picture: NDArray[np.uint8]
    sample: int
    heard_s: float
    known_s: float
    taken_s: float
    stepped_s: float
    ready_s: float


class Playout:
    """Pictures that wait for their time. One thread puts them in, another takes them out.

    Parameters
    ----------
    clock : SampleClock
        Of the sound.
    """

    def __init__(self, clock: SampleClock) -> None:
        self._clock = clock
        self._waiting: deque[TimedFrame] = deque()
        self._changed = threading.Condition()
        self._readiness: deque[float] = deque(maxlen=_N_REMEMBERED)
        self._delay_s = 0.0
        self.n_dropped = 0

    @property
    def delay_s(self) -> float:
        """How far behind its sample a picture is due, seconds."""
        return self._delay_s

    @property
    def is_empty(self) -> bool:
        """Whether no picture waits."""
        return not self._waiting

    @property
    def has_begun(self) -> bool:
        """Whether a picture was handed in, so that there is a delay."""
        return bool(self._readiness)

    def room_in_s(self, now_s: float) -> float:
        """How long until a picture can be handed in without dropping one, seconds."""
        with self._changed:
            return 0.0 if len(self._waiting) < MAX_WAITING else max(0.0, self._due_s(self._waiting[0]) - now_s)

    def put(self, timed: TimedFrame, is_usual: bool = True) -> None:
        """Hand in a picture; never waits.

        Parameters
        ----------
        timed : TimedFrame
        is_usual : bool
            Whether pictures to come will be as late as this one; the delay is chosen by those.
        """
        if is_usual or not self._readiness:
            self._readiness.append(timed.ready_s - self._clock.time_of(timed.sample))
        usual_s = float(np.quantile(self._readiness, READY_SHARE))
        self._delay_s = min(usual_s, min(self._readiness) + MAX_SPREAD_S)
        with self._changed:
            if len(self._waiting) == MAX_WAITING:
                self._waiting.popleft()
                self.n_dropped += 1
            self._waiting.append(timed)
            self._changed.notify()

    def take(self, now_s: float) -> TimedFrame | None:
        """The newest picture that is due; those before it are dropped."""
        with self._changed:
            found = None
            while self._waiting and self._due_s(self._waiting[0]) <= now_s:
                self.n_dropped += found is not None
                found = self._waiting.popleft()
            return found

    def wait(self, now_s: float, timeout_s: float) -> None:
        """Return when a picture may be due, or after `timeout_s`."""
        with self._changed:
            if self._waiting:
                timeout_s = min(timeout_s, self._due_s(self._waiting[0]) - now_s)
            if timeout_s > 0:
                self._changed.wait(timeout_s)

    def due_sample(self, now_s: float) -> float:
        """Sample of the timeline whose picture is due now."""
        return self._clock.sample_at(now_s - self._delay_s)

    def _due_s(self, timed: TimedFrame) -> float:
        return self._clock.time_of(timed.sample) + self._delay_s
