"""The process of one session: it does what the server's commands say, and hands on what is seen and heard.

Python lets one thread of a process work at a time, and drawing takes a quarter of that time for each session: in one
process, two sessions and their network would wait for each other.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.loading import load_avatar
from hygiesync.concurrency.library_threads import prompt_threads
from hygiesync.errors import HygieSyncError
from hygiesync.server.sessions import pipe as wire
from hygiesync.server.sessions.session import Session

_STATE_EVERY_S = 0.2
"""Time between two messages that tell how the session is doing (seconds)."""

LATENCY_SHARES = (0.5, 0.95, 0.99)
"""Quantiles of the latency that are told."""


def run_session(pipe: Connection, memory: Any, order: wire.SessionOrder) -> None:
    """All that the process does: one session, until it is told to close, or the server is gone.

    Parameters
    ----------
    pipe : Connection
    memory : object
        See :class:`hygiesync.server.sessions.pipe.SharedPictures`.
    order : SessionOrder
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the server closes its sessions
    try:
        avatar = load_avatar(order.directory)
        session = Session(order.id, avatar, order.settings, is_marked=order.is_marked)
    except HygieSyncError as error:
        pipe.send_bytes(wire.told({"type": wire.FAILED, "kind": type(error).__name__, "message": str(error)}))
        return
    viewer = ServerAsViewer(pipe, wire.SharedPictures(order.size, memory))
    with prompt_threads():
        session.add_viewer(viewer)
        session.start()
        with contextlib.suppress(EOFError, OSError):  # the server is gone
            _Obedience(pipe, session, viewer).run()
        viewer.is_looking = False
        session.close()


class ServerAsViewer:
    """The server, as the one viewer that the session has; it hands on to all others.

    Parameters
    ----------
    pipe : Connection
    pictures : SharedPictures

    Attributes
    ----------
    is_looking : bool
        Whether pictures and sound are wanted.
    n_left_out : int
        Pictures that the server was too far behind for.
    """

    def __init__(self, pipe: Connection, pictures: wire.SharedPictures) -> None:
        self._pipe, self._pictures = pipe, pictures
        self._lock = threading.Lock()
        self.is_looking = False
        self.n_left_out = 0

    def send(self, message: bytes) -> None:
        """From any thread."""
        with self._lock:
            self._pipe.send_bytes(message)

    def show(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        if not self.is_looking:
            return
        number = self._pictures.put(picture)
        if number is None:
            self.n_left_out += 1
        else:
            self.send(wire.picture_message(number, time_s))

    def play(self, samples: NDArray[np.float32], first_sample: int) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        if self.is_looking:
            self.send(wire.sound_message(samples, first_sample))

    def tell(self, event: Mapping[str, Any]) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        with contextlib.suppress(OSError):  # where the server is gone, the session is about to end
            self.send(wire.told(event))


class _Obedience:
    """Does what comes through the pipe, and tells now and then how the session is doing."""

    def __init__(self, pipe: Connection, session: Session, viewer: ServerAsViewer) -> None:
        self._pipe, self._session, self._viewer = pipe, session, viewer
        self._n_to_say = 0
        self._is_closed = False

    def run(self) -> None:
        self._viewer.send(wire.told({"type": wire.STARTED, **self._state()}))
        next_s = time.monotonic() + _STATE_EVERY_S
        while not self._is_closed and not self._session.has_ended:
            if self._pipe.poll(max(0.0, next_s - time.monotonic())):
                self._do(self._pipe.recv_bytes())
            if time.monotonic() >= next_s:
                self._viewer.send(wire.told({"type": wire.STATE, **self._state()}))
                next_s = time.monotonic() + _STATE_EVERY_S

    def _do(self, message: bytes) -> None:
        kind, content = message[:1], memoryview(message)[1:]
        if kind == wire.HEAR:
            self._session.hear(wire.samples_in(content))
        elif kind == wire.SAY:
            samples = wire.samples_in(content)
            self._n_to_say += len(samples)
            self._session.say(samples)
        else:
            command = json.loads(bytes(content))
            self._command(command["type"], command.get("value", False))

    def _command(self, name: str, value: bool) -> None:
        session = self._session
        if name == wire.CLOSE:
            self._is_closed = True
        elif name == wire.FLUSH:
            session.flush()
        elif name == wire.INTERRUPT:
            session.interrupt()
        elif name == wire.MUTE:
            session.is_muted = value
        elif name == wire.MARK:
            session.is_marked = value
        elif name == wire.LOOK:
            self._viewer.is_looking = value

    def _state(self) -> dict[str, Any]:
        session = self._session
        latency = session.statistics.latency
        return {
            "measures": session.measures(self._viewer.n_left_out),
            "said_s": session.said_s,
            "waiting_s": session.waiting_s,
            "n_to_say": self._n_to_say,
            "cost": session.cost,
            "quantiles_ms": {str(share): latency.quantile_ms(share) for share in LATENCY_SHARES},
        }
