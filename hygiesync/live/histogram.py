"""Quantiles of a number that is measured for hours, in constant memory."""

from __future__ import annotations

import numpy as np

_BINS_PER_MS, _MAX_MS = 10, 2000


class Histogram:
    """Counts durations in bins of a tenth of a millisecond, up to two seconds."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS_PER_MS * _MAX_MS, np.int64)

    def add(self, duration_s: float) -> None:
        """Count one duration, in seconds; what is beyond two seconds counts as two."""
        index = int(duration_s * 1e3 * _BINS_PER_MS)
        self._counts[min(max(index, 0), len(self._counts) - 1)] += 1

    def quantile_ms(self, share: float) -> float:
        """Duration that a `share` of those counted don't exceed, in ms; 0 when none was counted."""
        total = int(self._counts.sum())
        if total == 0:
            return 0.0
        index = int(np.searchsorted(np.cumsum(self._counts), max(1, share * total)))
        return (index + 0.5) / _BINS_PER_MS
