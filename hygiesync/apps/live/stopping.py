"""Ctrl-C and the terminate signal as a wish that is looked at, not an exception that may come anywhere.

A KeyboardInterrupt that is raised while a library is imported or an object is taken away is printed and forgotten by
Python, and the session would go on. So the handler only takes a note; the session ends where it can end in order.

Nor does Python raise anything while a library waits, as sound libraries do for a server that does not answer. Who asks
again gets the process ended by a thread that waits for nothing.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType

PATIENCE_S = 1.0
"""A signal that comes so long after the first is meant seriously, and interrupts whatever still goes on (seconds)."""

FORBEARANCE_S = 3.0
"""Time that the process then has to end before it is ended (seconds)."""

CLOSING_S = 3.0
"""Time that a device has to let go (seconds)."""

_INTERRUPTED = 130


class StopRequest:
    """Whether the session is to end."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether it was asked for."""
        return self._since_s is not None

    def set(self, now_s: float) -> None:
        """Ask for it.

        Raises
        ------
        KeyboardInterrupt
            When it was asked for a while ago, and has not happened.
        """
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s > PATIENCE_S:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for: before there is anything to end in order."""
        if self.is_set:
            raise KeyboardInterrupt


@contextmanager
def stop_signals() -> Iterator[StopRequest]:
    """Let Ctrl-C and the terminate signal ask for the end, until the context ends; one that is ignored stays so."""
    with _ending_who_insists(), _noted_signals() as request:
        yield request


def done_in_time(work: Callable[[], object]) -> bool:
    """Whether `work`, done in another thread, is over within `CLOSING_S`."""
    thread = threading.Thread(target=work, name="closing", daemon=True)
    thread.start()
    thread.join(CLOSING_S)
    return not thread.is_alive()


@contextmanager
def _noted_signals() -> Iterator[StopRequest]:
    request = StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        request.set(perf_counter())

    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in wanted}
    heard = [number for number in wanted if before[number] is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        for number in heard:
            signal.signal(number, before[number])


@contextmanager
def _ending_who_insists() -> Iterator[None]:
    """End the process some time after a second signal, unless it has ended by then."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        first_s = None
        while heard.recv(1):
            now_s = perf_counter()
            first_s = now_s if first_s is None else first_s
            if now_s - first_s > PATIENCE_S:
                threading.Event().wait(FORBEARANCE_S)
                os._exit(_INTERRUPTED)

    threading.Thread(target=listen, name="listening for signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.close()  # the thread hears of it, and ends
