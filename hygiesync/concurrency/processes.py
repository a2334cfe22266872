"""Processes that work for another one."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""Of Linux' prctl (2): the signal that a process gets when its parent dies."""


def end_with_parent() -> None:
    """Let this process be killed as soon as the one that started it dies, however that dies; on Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
