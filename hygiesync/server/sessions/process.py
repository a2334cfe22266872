"""Starts a session's process, carries messages to it and from it, and ends it.

A thread sends, so that whoever has a message never waits for a process that does not read; another listens.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from typing import Any

from hygiesync import errors
from hygiesync.errors import HygieSyncError
from hygiesync.server.sessions import pipe as wire
from hygiesync.server.sessions.child import run_session

_START_S, _END_S = 60.0, 3.0
"""Time that a process has to start, and to end when it is told to (seconds)."""

_LOADED_LATER = ("onnxruntime", "PIL.ImageFont")
"""What a session imports only when it needs it; loaded once for all, it is there at once and takes no memory more."""


def session_context() -> BaseContext:
    """How sessions' processes are started: as copies of one that has loaded what they need, and does nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([run_session.__module__, *_LOADED_LATER])
    return context


def load_ahead() -> None:
    """Let that one process begin to load."""
    forkserver.ensure_running()


class SessionProcess:
    """The process of one session.

    Parameters
    ----------
    order : SessionOrder
    context : BaseContext
        What :func:`session_context` gave.
    take : callable
        Told each message, in the listening thread.
    over : callable
        Told when no more comes, and what :attr:`take` raised, if that was why.

    Attributes
    ----------
    pictures : SharedPictures
        Where the pictures lie that messages tell of.
    pid : int
        Its number; 0 before it is started.
    """

    def __init__(
        self,
        order: wire.SessionOrder,
        context: BaseContext,
        take: Callable[[bytes], None],
        over: Callable[[Exception | None], None],
    ) -> None:
        self._take, self._over = take, over
        memory = wire.SharedPictures.memory_for(order.size, context)
        self.pictures = wire.SharedPictures(order.size, memory)
        self._pipe, self._its_pipe = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]
            target=run_session, args=(self._its_pipe, memory, order), name=f"session {order.id}", daemon=True
        )
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._sending = threading.Thread(target=self._send, name=f"to session {order.id}", daemon=True)
        self._listening = threading.Thread(target=self._listen, name=f"from session {order.id}", daemon=True)
        self.pid = 0

    def start(self) -> dict[str, Any]:
        """Begin, and wait until it has begun.

        Returns
        -------
        dict
            The session's state.

        Raises
        ------
        HygieSyncError
            Whatever the process stumbled over.
        """
        self._process.start()
        self.pid = int(self._process.pid or 0)
        self._its_pipe.close()
        first: dict[str, Any] = {"type": wire.FAILED}
        try:
            if self._pipe.poll(_START_S):
                first = json.loads(self._pipe.recv_bytes()[1:])
        except (EOFError, OSError):
            pass  # it ended without a word, but for the log
        if first["type"] != wire.STARTED:
            self._end_process()
            raise getattr(errors, first.get("kind", ""), HygieSyncError)(
                first.get("message", "the session's process did not start; the server's log may say why")
            )
        self._sending.start()
        self._listening.start()
        return first

    def send(self, message: bytes) -> None:
        """Queue a message."""
        self._queue.put(message)

    @property
    def n_queued(self) -> int:
        """Messages that are not sent yet."""
        return self._queue.qsize()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return not self._listening.is_alive()

    def end(self) -> None:
        """Let it close its session, and wait for that; once."""
        self.send(wire.told({"type": wire.CLOSE}))
        self._queue.put(None)
        self._end_process()
        self._sending.join()
        self._listening.join()
        self._pipe.close()
        self._take = self._over = _ignore  # whose they are has this: the pictures' memory would stay in that circle

    def _end_process(self) -> None:
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _send(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                self._pipe.send_bytes(message)
            except OSError:
                return  # it is gone, which the listening thread tells

    def _listen(self) -> None:
        fault = None
        try:
            while True:
                self._take(self._pipe.recv_bytes())
        except (EOFError, OSError):
            pass  # it is gone
        except Exception as error:
            fault = error
        self._over(fault)


def _ignore(_: object) -> None:
    pass
