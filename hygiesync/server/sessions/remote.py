"""A session as the server has it: its process, and all who look on.

::

    hear, say, commands --> queue --> sending thread --> pipe --> the session's process
    viewers <------------------- listening thread <----- pipe, and the pictures' memory

Nothing here waits for the process but its start and its end, so that one that hangs holds up nobody else.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.server.faults import LOG
from hygiesync.server.sessions import pipe as wire
from hygiesync.server.sessions.feed import FEED_RATE, MAX_SPOKEN_S
from hygiesync.server.sessions.process import SessionProcess
from hygiesync.server.sessions.session import ENDED, FAULT, OVER, Viewer

_MAX_QUEUED = 500
"""Messages that may wait for a process that does not read: ten seconds of a microphone; then its sound is dropped."""

_PIECE = FEED_RATE
"""Samples to be said that go at once, so that a command never waits long behind them."""


class RemoteSession:
    """See the module's description. Its methods may be called from any thread.

    Parameters
    ----------
    order : SessionOrder
    context : BaseContext
        How processes are started.

    Attributes
    ----------
    failure : BaseException or None
        What ended it, if that was a fault.
    last_used_s, last_said_s : float
        When somebody was connected last, and when anything was said (seconds of ``time.monotonic``).
    """

    def __init__(self, order: wire.SessionOrder, context: BaseContext) -> None:
        self.id, self.avatar_name = order.id, Path(order.directory).name
        self.size, self.fps = order.size, order.settings.fps
        self._process = SessionProcess(order, context, self._take, self._over)
        self._viewers: tuple[Viewer, ...] = ()
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {}
        self._n_to_say = 0
        self._is_muted, self._is_marked = False, order.is_marked
        self._is_closing = self._has_told_end = False
        self.failure: BaseException | None = None
        self.last_used_s = self.last_said_s = time.monotonic()

    def start(self) -> None:
        """Begin, and wait until it has begun.

        Raises
        ------
        HygieSyncError
            Whatever the process stumbled over.
        """
        self._state = self._process.start()

    def close(self) -> None:
        """End it, and wait for that; again does nothing more."""
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
        self._process.end()

    @property
    def pid(self) -> int:
        """Its process's number."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self._process.has_ended

    @property
    def cost(self) -> float | None:
        """Processor time a second of hearing and drawing, as it is measured."""
        cost: float | None = self._state["cost"]
        return cost

    @property
    def n_shown(self) -> int:
        """Pictures that were shown."""
        return int(self._state["measures"]["pictures_shown"])

    @property
    def n_missed(self) -> int:
        """Pictures that were not drawn, or not in time."""
        return int(self._state["measures"]["pictures_missed"])

    @property
    def latency_ms(self) -> Mapping[str, float]:
        """Quantiles of the latency in the server, by their shares, such as ``0.95``."""
        quantiles: dict[str, float] = self._state["quantiles_ms"]
        return quantiles

    @property
    def n_viewers(self) -> int:
        """How many look on."""
        return len(self._viewers)

    def add_viewer(self, viewer: Viewer) -> None:
        """Somebody looks on from now."""
        with self._lock:
            self._viewers = (*self._viewers, viewer)
            self._command(wire.LOOK, True)

    def remove_viewer(self, viewer: Viewer) -> None:
        """Somebody doesn't any more."""
        with self._lock:
            self._viewers = tuple(one for one in self._viewers if one is not viewer)
            self._command(wire.LOOK, bool(self._viewers))
        self.last_used_s = time.monotonic()

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Live sound (n,), at `FEED_RATE`, as it comes."""
        self.last_said_s = time.monotonic()
        if self._process.n_queued < _MAX_QUEUED:
            self._process.send(wire.samples_message(wire.HEAR, samples))

    def say(self, samples: NDArray[np.float32]) -> bool:
        """Sound (n,), at `FEED_RATE`, to be said after what waits; False where too much waits already."""
        self.last_said_s = time.monotonic()
        with self._lock:
            waiting_s = self._state["waiting_s"] + (self._n_to_say - self._state["n_to_say"]) / FEED_RATE
            if waiting_s + len(samples) / FEED_RATE > MAX_SPOKEN_S:
                return False
            self._n_to_say += len(samples)
            for begin in range(0, len(samples), _PIECE):
                self._process.send(wire.samples_message(wire.SAY, samples[begin : begin + _PIECE]))
        return True

    def flush(self) -> None:
        """What was to be said is over."""
        self._command(wire.FLUSH)

    def interrupt(self) -> None:
        """Fall silent: the unsaid is forgotten, the mouth goes to rest, the sound fades."""
        self._command(wire.INTERRUPT)

    @property
    def is_muted(self) -> bool:
        """Nothing is heard, and the mouth is at rest."""
        return self._is_muted

    @is_muted.setter
    def is_muted(self, value: bool) -> None:
        self._is_muted = value
        self._command(wire.MUTE, value)

    @property
    def is_marked(self) -> bool:
        """Whether pictures carry the visible mark."""
        return self._is_marked

    @is_marked.setter
    def is_marked(self, value: bool) -> None:
        self._is_marked = value
        self._command(wire.MARK, value)

    @property
    def said_s(self) -> float:
        """Pushed sound that viewers have seen said, seconds; a fifth of a second old at most."""
        return float(self._state["said_s"])

    def to_dict(self) -> dict[str, Any]:
        """What clients are told."""
        return {
            "id": self.id, "avatar": self.avatar_name, "width": self.size[0], "height": self.size[1],
            "fps": float(self.fps), "viewers": self.n_viewers, "marked": self.is_marked, "muted": self.is_muted,
            **self._state["measures"],
        }  # fmt: skip

    def _command(self, name: str, value: bool = False) -> None:
        self._process.send(wire.told({"type": name, "value": value}))

    def _over(self, fault: Exception | None) -> None:
        """Nothing more comes from the process."""
        if fault is None and not self._has_told_end and not self._is_closing:
            fault = RuntimeError("its process is gone")
        if fault is not None:
            LOG.error("session %s: ended by a fault", self.id, exc_info=fault)
            self.failure = fault
        if not self._has_told_end:
            self._tell({"type": ENDED, "reason": FAULT if self.failure else OVER})

    def _take(self, message: bytes) -> None:
        kind, content = message[:1], memoryview(message)[1:]
        if kind == wire.PICTURE:
            number, time_s = wire.picture_in(content)
            for viewer in self._viewers:
                viewer.show(self._process.pictures.see(number), time_s)
            self._process.pictures.let_go(number)
        elif kind == wire.SOUND:
            samples, first_sample = wire.sound_in(content)
            for viewer in self._viewers:
                viewer.play(samples, first_sample)
        else:
            event = json.loads(bytes(content))
            if event["type"] == wire.STATE:
                self._state = event
            else:
                self._tell(event)

    def _tell(self, event: Mapping[str, Any]) -> None:
        if event["type"] == ENDED:
            self._has_told_end = True
            if event["reason"] == FAULT:
                self.failure = self.failure or RuntimeError("see the session's own log")
        for viewer in self._viewers:
            viewer.tell(event)
