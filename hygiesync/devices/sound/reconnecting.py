"""Keeping a device open: a thread that sees when it is lost, and opens it again once it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from hygiesync.devices.sound import portaudio
from hygiesync.errors import MissingDependencyError

LOST_S = 0.25
"""Without a block for this long, the device is taken as lost (seconds)."""

OPENING_S = 3.0
"""Time that a device is given after it was opened until its first block (seconds)."""

WATCH_S = 0.05
"""Time between two looks at the device (seconds)."""

RETRY_S, PATIENT_RETRY_S = 0.3, 2.0
"""Time between two attempts to open a lost device, at first and later (seconds).

An attempt starts PortAudio anew, which on Linux takes 40 ms of a core, and leaves 13 kB behind since ALSA loads and
unloads its plugins. Two seconds still find a device within three of its return.
"""

N_QUICK_RETRIES = 20
"""Attempts that are made in quick succession: a sound server that was restarted is back within these six seconds."""

N_RETRIES_SPARING = 5
"""Quick attempts that don't interrupt other open streams, before one that does; all later ones do."""


class OpenDevice(Protocol):
    """What is kept open.

    Attributes
    ----------
    last_s : float
        Host time of the last callback, or of the opening.
    has_begun : bool
        Whether there was a callback.
    """

    last_s: float
    has_begun: bool

    @property
    def is_finished(self) -> bool:
        """Whether no further callback will come."""

    def close(self) -> None:
        """Let the device go; may be called twice."""


_Device = TypeVar("_Device", bound=OpenDevice)


class ReconnectingDevice(Generic[_Device]):
    """Keeps one device open.

    Parameters
    ----------
    open_device : callable
        Opens it, by what it is called now; raises MissingDependencyError while that can't be done. Called from the
        thread that watches, but for the first time.
    name : str
        Of the thread.

    Attributes
    ----------
    device : OpenDevice or None
        None while it is lost.
    """

    def __init__(self, open_device: Callable[[], _Device], name: str) -> None:
        self.device: _Device | None = None
        self._has_been_lost = False
        self._open_device = open_device
        self._failure: Exception | None = None
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Open the device, and begin to watch it.

        Raises
        ------
        MissingDependencyError
            When it doesn't open now.
        """
        self.device = self._open_device()
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closing.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether callbacks come."""
        device = self.device
        return device is not None and device.has_begun and not _is_lost(device)

    @property
    def was_lost(self) -> bool:
        """Whether it is lost now, or was before."""
        device = self.device
        return self._has_been_lost or (device is not None and _is_lost(device))

    def check(self) -> None:
        """Raise what went wrong in the thread, if anything did: it would be lost there."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Let the device go, and end the thread; may be called twice."""
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._drop()

    def _run(self) -> None:
        try:
            self._keep_open()
        except Exception as error:  # `check` raises it where somebody sees it
            self._failure = error

    def _keep_open(self) -> None:
        n_retries = 0
        while not self._is_closing.is_set():
            if self.device is not None and not _is_lost(self.device):
                n_retries = 0
                self._is_closing.wait(WATCH_S)
                continue
            self._has_been_lost = True
            self._drop()
            try:
                portaudio.refresh(end_streams=_may_end_others(n_retries))
                self.device = self._open_device()
                self._is_closing.wait(WATCH_S)
            except MissingDependencyError:
                n_retries += 1
                self._is_closing.wait(RETRY_S if n_retries < N_QUICK_RETRIES else PATIENT_RETRY_S)

    def _drop(self) -> None:
        device, self.device = self.device, None
        if device is not None:
            device.close()


def _is_lost(device: OpenDevice) -> bool:
    patience_s = LOST_S if device.has_begun else OPENING_S
    return device.is_finished or time.perf_counter() - device.last_s > patience_s


def _may_end_others(n_retries: int) -> bool:
    return n_retries >= N_QUICK_RETRIES or n_retries % (N_RETRIES_SPARING + 1) == N_RETRIES_SPARING
