"""Ctrl-C and the terminate signal as a wish that is looked at, not an exception that may come anywhere.

A KeyboardInterrupt that is raised while a library is imported or an object is taken away is printed and forgotten by
Python, and the session would go on. So the handler only takes a note; the session ends where it can end in order.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType

PATIENCE_S = 1.0
"""A signal that comes so long after the first is meant seriously, and interrupts whatever still goes on (seconds)."""


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
