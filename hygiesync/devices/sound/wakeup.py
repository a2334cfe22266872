"""Waking a reader from an audio callback that must never wait."""

from __future__ import annotations

import threading


class Wakeup:
    """One bit: set by one thread, waited for by another. Setting never waits, not even for the reader.

    An event or a condition would make the callback stand at a lock that the reader may hold. Here the bit *is* a
    lock: only the reader closes it, and only the callback opens it.
    """

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()

    def set(self) -> None:
        """Wake the reader, now or when it next waits. For one thread at a time."""
        if self._gate.locked():
            self._gate.release()

    def wait(self, timeout_s: float) -> None:
        """Wait until it is set, at most `timeout_s` seconds, and clear it. For the reading thread."""
        self._gate.acquire(timeout=max(0.0, timeout_s))
