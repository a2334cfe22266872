"""The sessions that run: who is let in, and which have to end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from hygiesync.avatar.bundle import Avatar
from hygiesync.live.session import LiveSettings
from hygiesync.server.avatars import AvatarShelf
from hygiesync.server.faults import LOG, RefusedError
from hygiesync.server.folder import new_id
from hygiesync.server.metrics import Metrics
from hygiesync.server.sessions.child import LATENCY_SHARES
from hygiesync.server.sessions.cost import SERVING_COST, USABLE_SHARE, drawing_cost, n_that_fit, usable_cores
from hygiesync.server.sessions.pipe import SessionOrder
from hygiesync.server.sessions.process import load_ahead, session_context
from hygiesync.server.sessions.remote import RemoteSession
from hygiesync.server.settings import ServerSettings

_LOOK_EVERY_S = 1.0

_RETRY_S = 10


class SessionRegistry:
    """All sessions of a server.

    Parameters
    ----------
    settings : ServerSettings
    shelf : AvatarShelf
    metrics : Metrics
    encoding_cost : callable
        Processor time a second of encoding pictures of a (width, height) at the sessions' rate.
    """

    def __init__(
        self,
        settings: ServerSettings,
        shelf: AvatarShelf,
        metrics: Metrics,
        encoding_cost: Callable[[tuple[int, int]], float],
    ) -> None:
        self._settings, self._shelf, self._metrics = settings, shelf, metrics
        self._encoding_cost = encoding_cost
        self._sessions: dict[str, RemoteSession] = {}
        self._expected: dict[str, float] = {}
        self._costs: dict[tuple[str, float | None], float] = {}
        self._admitting = threading.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._ended_pictures = self._ended_missed = 0
        self._cores = settings.cores or usable_cores()
        self._context = session_context()

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def max_sessions(self) -> int | None:
        """As many as are let in, where a number was given; else None."""
        return self._settings.max_sessions

    def start(self) -> None:
        """Look after the sessions from now on, and load what they need before the first comes."""
        load_ahead()
        self._looking = asyncio.create_task(self._look(), name="sessions")

    async def stop(self) -> None:
        """End all."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for session in list(self._sessions.values()):
            await asyncio.to_thread(self.end, session)

    def get(self, session_id: str) -> RemoteSession:
        """A session by its number.

        Raises
        ------
        RefusedError
            404 when there is none.
        """
        session = self._sessions.get(session_id)
        if session is None:
            raise RefusedError(404, "session: there is none of this number; it may have ended; begin a new one")
        return session

    def all(self) -> list[RemoteSession]:
        """All that run."""
        return list(self._sessions.values())

    def begin(self, avatar_name: str, lookahead_ms: float | None, *, is_marked: bool) -> RemoteSession:
        """Let a new session in; takes as long as loading does, so not for the server's loop.

        Raises
        ------
        RefusedError
            503 when there is no room, and why; 404 for an unknown avatar.
        """
        with self._admitting:
            if self.max_sessions is not None and len(self._sessions) >= self.max_sessions:
                self._metrics.add("sessions_refused_total")
                raise RefusedError(
                    503, f"all {self.max_sessions} sessions are taken; try again when one has ended", _RETRY_S
                )
            avatar = self._shelf.load(avatar_name)
            lookahead_ms = self._settings.lookahead_ms if lookahead_ms is None else lookahead_ms
            cost = self._cost_of(avatar, lookahead_ms)
            self._check_room(cost)
            settings = LiveSettings(self._settings.fps, lookahead_ms)
            size = avatar.manifest.width, avatar.manifest.height
            order = SessionOrder(new_id(), str(avatar.directory.resolve()), settings, is_marked, size)
            session = RemoteSession(order, self._context)
            session.start()
            self._expected[session.id] = cost
            self._sessions[session.id] = session
        self._metrics.add("sessions_begun_total")
        return session

    def _cost_of(self, avatar: Avatar, lookahead_ms: float | None) -> float:
        key = str(avatar.directory), lookahead_ms
        if key not in self._costs:
            drawing = drawing_cost(avatar, self._settings.fps, lookahead_ms)
            size = avatar.manifest.width, avatar.manifest.height
            self._costs[key] = drawing + self._encoding_cost(size) + SERVING_COST
        return self._costs[key]

    def _check_room(self, cost: float) -> None:
        taken = sum(max(self._expected[one.id], SERVING_COST + (one.cost or 0.0)) for one in self._sessions.values())
        room = USABLE_SHARE * self._cores
        if self._sessions and taken + cost > room:
            self._metrics.add("sessions_refused_total")
            raise RefusedError(
                503,
                f"one more session would break the others' {float(self._settings.fps):g} pictures a second: it takes"
                f" {cost:.2f} of the {room:.2f} cores there are for sessions, and {taken:.2f} are taken;"
                f" {n_that_fit(self._cores, cost)} such sessions fit",
                _RETRY_S,
            )

    def end(self, session: RemoteSession) -> None:
        """End a session, and wait for that; again does nothing."""
        if self._sessions.pop(session.id, None) is not None:
            self._ended_pictures += session.n_shown
            self._ended_missed += session.n_missed
            del self._expected[session.id]
        session.close()

    def measures(self) -> dict[tuple[str, str], float]:
        """What is measured now, for :meth:`hygiesync.server.metrics.Metrics.text`."""
        sessions = self.all()
        measured: dict[tuple[str, str], float] = {
            ("sessions", ""): len(sessions),
            ("pictures_total", ""): self._ended_pictures + sum(one.n_shown for one in sessions),
            ("pictures_missed_total", ""): self._ended_missed + sum(one.n_missed for one in sessions),
        }
        for share in LATENCY_SHARES:
            worst = max((one.latency_ms[str(share)] for one in sessions), default=0.0)
            measured["latency_ms", f'{{quantile="{share}"}}'] = worst
        return measured

    async def _look(self) -> None:
        """End sessions that nobody uses, or that failed, each by itself."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now_s = time.monotonic()
            for session in self.all():
                is_left = not session.n_viewers and now_s - session.last_used_s > self._settings.idle_s
                is_silent = now_s - session.last_said_s > self._settings.silent_s
                if session.failure is not None:
                    self._metrics.add("sessions_failed_total")
                if session.has_ended or is_left or is_silent:
                    LOG.info("session %s ends: %s", session.id, "fault" if session.failure else "idle")
                    await asyncio.to_thread(self.end, session)
