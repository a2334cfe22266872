"""A session's feed as a source of live sound: what :class:`~hygiesync.live.session.LiveSession` listens to."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque

import numpy as np
from numpy.typing import NDArray

from hygiesync.devices.sound.clock import SampleClock, StreamClock
from hygiesync.devices.sound.engine_rate import first_block_length
from hygiesync.devices.sound.source import SoundHealth
from hygiesync.server.sessions.feed import FEED_RATE, Feed, Mark

_TICK_S = 0.01
"""The engine hears so often while no live sound comes (seconds): a hop of its mel frames. Time itself is sound here, a
sample each 20 us: to hear it as it comes would keep a core busy with nothing."""

_N_ARRIVALS = 4096


class IncomingSound:
    """A :class:`~hygiesync.devices.sound.source.SoundSource` that is told what is heard.

    Any thread may tell; one thread reads.
    """

    def __init__(self) -> None:
        self.name, self.sample_rate = "a session's sound", FEED_RATE
        self._clock = StreamClock(FEED_RATE)
        self._feed = Feed()
        self._changed = threading.Condition()
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=_N_ARRIVALS)
        self._is_closed = False
        self._next_s = 0.0
        self._n_first = first_block_length(FEED_RATE)

    @property
    def clock(self) -> SampleClock:
        """Between the timeline's samples and host time."""
        return self._clock

    def start(self) -> None:
        """Time begins to run."""
        now_s = time.perf_counter()
        with self._changed:
            self._feed.take(now_s - self._n_first / FEED_RATE)
            self._clock.observe(0, now_s)

    def hear(self, samples: NDArray[np.float32]) -> None:
        """A microphone's sound, as it comes."""
        with self._changed:
            self._feed.hear(samples)
            self._changed.notify()

    def say(self, samples: NDArray[np.float32]) -> bool:
        """Sound to be said; False where too much waits already."""
        with self._changed:
            return self._feed.say(samples)

    def flush(self) -> None:
        """See :meth:`Feed.flush`."""
        with self._changed:
            self._feed.flush()

    def drop(self) -> int:
        """Forget what was not heard; returns how many samples were heard."""
        with self._changed:
            self._feed.drop()
            return self._feed.n_heard

    def marks_until(self, sample: float) -> list[Mark]:
        """What began up to a moment of the timeline; each is told once."""
        with self._changed:
            told = []
            while self._feed.marks and self._feed.marks[0].sample <= sample:
                told.append(self._feed.marks.popleft())
            return told

    @property
    def said_s(self) -> float:
        """Spoken sound that was heard, seconds."""
        return self._feed.n_said / FEED_RATE

    @property
    def waiting_s(self) -> float:
        """Spoken sound that waits, seconds."""
        return self._feed.waiting_s

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        """See :meth:`SoundSource.read`."""
        deadline_s = time.perf_counter() + timeout_s
        with self._changed:
            while not self._is_closed:
                now_s = time.perf_counter()
                samples = self._take(now_s)
                if len(samples) or now_s >= deadline_s:
                    return samples
                self._changed.wait(max(0.0, min(self._next_s, deadline_s) - now_s))
            return None

    def _take(self, now_s: float) -> NDArray[np.float32]:
        """What is to be heard at a tick, or as soon as live sound is there."""
        if now_s >= self._next_s:
            n_late = int((now_s - self._next_s) / _TICK_S) if self._next_s else 0
            self._next_s = (self._next_s or now_s) + (1 + n_late) * _TICK_S
        elif not self._feed.has_live:
            return np.zeros(0, np.float32)
        samples = self._feed.take(now_s)
        if len(samples):
            self._clock.observe(self._feed.n_heard, now_s)
            self._arrivals.append((self._feed.n_heard, now_s))
        return samples

    def arrival_of(self, sample: int) -> float:
        """See :meth:`SoundSource.arrival_of`."""
        arrivals = list(self._arrivals)
        at = bisect_left(arrivals, (sample + 1, 0.0))
        return arrivals[at][1] if at < len(arrivals) else time.perf_counter()

    def health(self) -> SoundHealth:
        """See :meth:`SoundSource.health`."""
        return SoundHealth(is_alive=not self._is_closed, n_blocks_lost=self._feed.n_dropped)

    def close(self) -> None:
        """No more is heard."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
