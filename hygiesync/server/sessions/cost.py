"""What a session costs of the processor, measured, and how many sessions fit.

Cost is processor time a second: 0.5 is half a core. It is measured as the time of the threads that do the work, so
other programs that take turns with them don't change it.
"""

from __future__ import annotations

import math
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import Avatar
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.engine import Engine
from hygiesync.timing import SAMPLE_RATE

USABLE_SHARE = 0.85
"""Of all cores; the rest is for the server itself, the network, and pictures that take longer than others."""

SERVING_COST = 0.3
"""What a session takes besides drawing and encoding: idle motion, the network, Opus both ways, RTP in Python, and what
goes from process to process. Measured on two busy hardware threads: 0.58 cores in all, 0.29 to draw and encode."""

_TRIED_S = 1.0
"""Speech that an avatar says for the measurement (seconds)."""

_SMOOTHING = 0.02
"""Weight of the newest picture in the running mean: it follows some two seconds."""


def usable_cores() -> float:
    """Cores that this process may use, a container's share included.

    References
    ----------
    Linux, *Control Group v2*, ``cpu.max``.
    """
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return cores if quota == "max" else min(cores, int(quota) / int(period))
    except (OSError, ValueError):
        return cores


def drawing_cost(avatar: Avatar, fps: Fraction, lookahead_ms: float | None) -> float:
    """Processor time a second that an avatar takes to hear and draw.

    Parameters
    ----------
    avatar : Avatar
    fps : Fraction
    lookahead_ms : float, optional
    """
    noise = np.random.default_rng(0).normal(0, 0.1, round(_TRIED_S * SAMPLE_RATE)).astype(np.float32)
    engine = Engine(avatar, fps, lookahead_ms=lookahead_ms)
    with single_threaded_libraries():
        for _ in engine.push(noise):
            pass  # what is loaded once is not counted
        start_s = time.thread_time()
        for _ in engine.push(noise):
            pass
        return (time.thread_time() - start_s) / _TRIED_S


class CostMeter:
    """A sink that measures what the engine's worker takes, in whose thread it is called.

    Parameters
    ----------
    fps : Fraction
    """

    def __init__(self, fps: Fraction) -> None:
        self._fps = float(fps)
        self._last_s: float | None = None
        self._per_picture_s: float | None = None

    @property
    def cost(self) -> float | None:
        """Processor time a second; None before anything was drawn."""
        return None if self._per_picture_s is None else self._per_picture_s * self._fps

    def write_audio(self, samples: NDArray[Any]) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""

    def write_frame(self, picture: NDArray[Any], time_s: Fraction) -> None:
        """See :class:`hygiesync.live.worker.Sink`."""
        now_s = time.thread_time()
        if self._last_s is not None:
            took_s, mean_s = now_s - self._last_s, self._per_picture_s
            self._per_picture_s = took_s if mean_s is None else mean_s + _SMOOTHING * (took_s - mean_s)
        self._last_s = now_s


def n_that_fit(cores: float, cost: float) -> int:
    """Sessions of one cost that `cores` bear.

    Examples
    --------
    >>> n_that_fit(2, 0.5)
    3
    """
    return max(1, math.floor(USABLE_SHARE * cores / max(cost, 1e-3)))
