"""The sound that goes out with the pictures, when its pictures do."""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.server.sessions.feed import FEED_RATE

BLOCK_LENGTH = 960
"""Samples that go out at once: 20 ms, a packet of Opus."""

FADE_LENGTH = 240
"""Samples in which sound fades when it is interrupted: 5 ms, too short to be heard as speech and long enough not to
click."""

_MAX_WAITING = FEED_RATE * 2


class OutgoingSound:
    """A sink that keeps the sound until it is due. The engine's worker puts in, another thread takes out.

    Attributes
    ----------
    n_taken, n_waiting : int
        Samples that were taken, and that may be.
    """

    def __init__(self) -> None:
        self._waiting: deque[NDArray[Any]] = deque()
        self.n_waiting = 0
        self._lock = threading.Lock()
        self._n_written = self._silent_until = 0
        self.n_taken = 0

    def write_audio(self, samples: NDArray[Any]) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        with self._lock:
            n_silent = min(max(0, self._silent_until - self._n_written), len(samples))
            if n_silent:
                samples = np.concatenate([np.zeros(n_silent, np.float32), samples[n_silent:]])
            self._n_written += len(samples)
            self._waiting.append(samples)
            self.n_waiting += len(samples)
            while self.n_waiting > _MAX_WAITING:  # nobody takes: the timeline goes on all the same
                dropped = self._waiting.popleft()
                self.n_waiting -= len(dropped)
                self.n_taken += len(dropped)

    def write_frame(self, picture: NDArray[Any], time_s: Fraction) -> None:
        """Pictures go another way."""

    @property
    def next_block(self) -> int | None:
        """First sample's number of the next block; None while it has not come whole."""
        with self._lock:
            return self.n_taken if self.n_waiting >= BLOCK_LENGTH else None

    def take(self, until: float) -> list[tuple[int, NDArray[Any]]]:
        """All whole blocks that begin before sample `until`: their first sample's number, and samples (n,), float32."""
        blocks = []
        with self._lock:
            while self.n_taken < until and self.n_waiting >= BLOCK_LENGTH:
                blocks.append((self.n_taken, self._take_block()))
                self.n_taken += BLOCK_LENGTH
        return blocks

    def _take_block(self) -> NDArray[Any]:
        pieces, n_wanted = [], BLOCK_LENGTH
        while n_wanted:
            piece = self._waiting.popleft()
            if len(piece) > n_wanted:
                self._waiting.appendleft(piece[n_wanted:])
                piece = piece[:n_wanted]
            pieces.append(piece)
            n_wanted -= len(piece)
        self.n_waiting -= BLOCK_LENGTH
        return np.concatenate(pieces)

    def silence(self, until: int) -> None:
        """What was not taken yet is silent, after a fade, up to sample `until`, which may still have to come."""
        with self._lock:
            self._silent_until = until
            if not self.n_waiting:
                return
            waiting = np.concatenate(list(self._waiting))
            n_fade = min(FADE_LENGTH, len(waiting))
            silent = np.zeros_like(waiting)
            silent[:n_fade] = waiting[:n_fade] * np.linspace(1, 0, n_fade, dtype=np.float32)
            self._waiting = deque([silent])
