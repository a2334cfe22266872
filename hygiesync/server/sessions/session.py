"""One conversation: an avatar that hears, speaks and is looked at.

::

    hear, say --> incoming sound --> live session (engine's thread) --> pictures --.
                                            |                                       >--> showing thread --> viewers
                                            '--> outgoing sound -------------------'

The engine's thread draws; another thread waits for what is due, pictures and their sound alike, and hands it to the
viewers. Nothing here knows a network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import Avatar
from hygiesync.devices.sound.engine_rate import EngineRateSource
from hygiesync.live.session import LiveSession, LiveSettings
from hygiesync.server.faults import LOG
from hygiesync.server.sessions.cost import CostMeter
from hygiesync.server.sessions.feed import FEED_RATE, RESTING
from hygiesync.server.sessions.incoming import IncomingSound
from hygiesync.server.sessions.mark import SyntheticMark
from hygiesync.server.sessions.outgoing import OutgoingSound

_WAIT_S = 0.005
"""Longest wait while the next block of sound has not come whole yet (seconds)."""

_AFTER_S = 0.0002
"""So much later than a block is due it is looked for (seconds): a clock's rounding must not wake the thread twice."""

_TELL_EVERY_S = 0.25
"""Time between two events that say how much was said (seconds)."""


ENDED = "ended"
OVER, FAULT = "the session is over", "a fault of the server's own"
"""The last event of a session, and its reasons."""


class Viewer(Protocol):
    """Who sees and hears a session; called in a thread of the session's, and must not wait."""

    def show(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """A picture (H, W, 3), RGB, which may be read as long as the call lasts, and its moment of the session."""
        ...

    def play(self, samples: NDArray[np.float32], first_sample: int) -> None:
        """Sound (n,) at `FEED_RATE`, and its moment as a sample's number."""
        ...

    def tell(self, event: Mapping[str, Any]) -> None:
        """Something happened."""
        ...


class Session:
    """See the module's description. Its methods may be called from any thread.

    Parameters
    ----------
    session_id : str
    avatar : Avatar
    settings : LiveSettings
    is_marked : bool
        Whether pictures carry the visible mark.

    Attributes
    ----------
    failure : BaseException or None
        What ended it, if that was a fault.
    """

    def __init__(self, session_id: str, avatar: Avatar, settings: LiveSettings, *, is_marked: bool) -> None:
        self._id = session_id
        self._incoming, self._outgoing = IncomingSound(), OutgoingSound()
        self._meter = CostMeter(settings.fps)
        source = EngineRateSource(self._incoming)
        self._live = LiveSession(avatar, source, settings, sinks=[self._outgoing, self._meter])
        self.statistics = self._live.statistics
        self._mark = SyntheticMark(self._live.size)
        self.is_marked = is_marked
        self._viewers: tuple[Viewer, ...] = ()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"session {session_id}", daemon=True)
        self.failure: BaseException | None = None
        self._last_told_s = 0.0

    def start(self) -> None:
        """Begin."""
        self._live.start()
        self._thread.start()

    def close(self) -> None:
        """End it, and wait for that; again does nothing more."""
        self._stop.set()
        self._incoming.close()
        if self._thread.is_alive():
            self._thread.join()
        self._live.__exit__(None, None, None)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return not self._thread.is_alive()

    @property
    def cost(self) -> float | None:
        """Processor time a second of hearing and drawing, as it is measured."""
        return self._meter.cost

    def add_viewer(self, viewer: Viewer) -> None:
        """Somebody looks on from now."""
        with self._lock:
            self._viewers = (*self._viewers, viewer)

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Live sound (n,), at `FEED_RATE`, as it comes."""
        self._incoming.hear(samples)

    def say(self, samples: NDArray[np.float32]) -> bool:
        """Sound (n,), at `FEED_RATE`, to be said after what waits; False where too much waits already."""
        return self._incoming.say(samples)

    def flush(self) -> None:
        """What was to be said is over."""
        self._incoming.flush()

    def interrupt(self) -> None:
        """Fall silent: the unsaid is forgotten, the mouth goes to rest, the sound fades."""
        n_heard = self._incoming.drop()
        self._live.interrupt()
        self._outgoing.silence(n_heard)
        self._tell({"type": RESTING, "said_s": round(self.said_s, 3), "interrupted": True})

    @property
    def is_muted(self) -> bool:
        """Nothing is heard, and the mouth is at rest."""
        return self._live.is_muted

    @is_muted.setter
    def is_muted(self, value: bool) -> None:
        self._live.is_muted = value

    @property
    def said_s(self) -> float:
        """Pushed sound that viewers have seen said, seconds."""
        behind = max(0.0, (self._incoming.clock.sample_at(time.perf_counter()) - self._due()) / FEED_RATE)
        return max(0.0, self._incoming.said_s - (behind if self._incoming.waiting_s else 0.0))

    @property
    def waiting_s(self) -> float:
        """Pushed sound that waits to be said, seconds."""
        return self._incoming.waiting_s

    def measures(self, n_left_out: int = 0) -> dict[str, Any]:
        """Pace and latency so far; see :meth:`hygiesync.live.statistics.Statistics.to_dict`.

        Parameters
        ----------
        n_left_out : int
            Pictures that were drawn in time and came no further.
        """
        return self.statistics.to_dict(self._live.n_missed + n_left_out)

    def _due(self) -> float:
        """Sample of the sound whose picture is due now."""
        return self._incoming.clock.sample_at(time.perf_counter() - self._live.delay_s)

    def _tell(self, event: Mapping[str, Any]) -> None:
        for viewer in self._viewers:
            viewer.tell(event)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._live.check()
                self._show_due()
        except Exception as error:
            LOG.exception("session %s: ended by a fault", self._id)
            self.failure = error
        self._tell({"type": ENDED, "reason": FAULT if self.failure else OVER})

    def _show_due(self) -> None:
        now_s = time.perf_counter()
        timed = self._live.take(now_s)
        if timed is None:
            self._live.wait(now_s, self._sound_in_s(now_s))
        elif self._viewers:
            picture = self._mark.on(timed.picture) if self.is_marked else timed.picture
            for viewer in self._viewers:
                viewer.show(picture, self._live.time_of(timed))
            self._live.shown(timed)
        if not self._live.has_begun:
            return
        due = self._due()
        for first, samples in self._outgoing.take(due):
            for viewer in self._viewers:
                viewer.play(samples, first)
        self._tell_marks(due)

    def _sound_in_s(self, now_s: float) -> float:
        """How long until the next block of sound may go out."""
        block = self._outgoing.next_block
        if block is None or not self._live.has_begun:
            return _WAIT_S
        return self._incoming.clock.time_of(block) + self._live.delay_s - now_s + _AFTER_S

    def _tell_marks(self, due: float) -> None:
        for mark in self._incoming.marks_until(due):
            self._tell({"type": mark.event, "said_s": round(mark.said_s, 3)})
        now_s = time.monotonic()
        if self._incoming.waiting_s and now_s - self._last_told_s > _TELL_EVERY_S:
            self._last_told_s = now_s
            self._tell(
                {"type": "said", "said_s": round(self.said_s, 3), "waiting_s": round(self._incoming.waiting_s, 3)}
            )
