"""What the benchmarks time with, and how they tell many times in a few numbers."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


def seconds_of(function: Callable[[], Any]) -> float:
    """Wall-clock time of one call."""
    start_s = time.perf_counter()
    function()
    return time.perf_counter() - start_s


def percentiles(times_s: Sequence[float], factor: float) -> dict[str, float]:
    """Median, 95th and 99th percentile of times in seconds, multiplied by `factor` (1e3: milliseconds)."""
    return {f"p{share}": round(float(np.percentile(times_s, share)) * factor, 4) for share in (50, 95, 99)}


class Stopwatch:
    """Adds up the time that named parts of some work take.

    Attributes
    ----------
    spent_s : dict
        Part -> seconds since it was cleared.
    """

    def __init__(self) -> None:
        self.spent_s: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Count the time until the context ends for `part`."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self.spent_s[part] += time.perf_counter() - start_s
