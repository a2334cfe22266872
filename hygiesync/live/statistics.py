"""What a live session measured: its pace, and where its latency comes from."""

from __future__ import annotations

from collections import deque
from typing import Any

from hygiesync.live.histogram import Histogram
from hygiesync.live.playout import TimedFrame

PARTS = ("lookahead", "block", "step", "render", "present")
"""What latency is made of, in order: until all sound that the picture depends on is here; until the worker takes it;
mel, network and voice activity; drawing; until it is shown. They add up to the whole."""

_RECENT = 120
"""Pictures that the pace shown in the window is taken from: two seconds at 60 a second."""


class Statistics:
    """Counts and times of one session. The thread that shows pictures writes; any thread may read."""

    def __init__(self) -> None:
        self.n_shown = 0
        self.latency = Histogram()
        self.parts = {name: Histogram() for name in PARTS}
        self._shown_for_s = 0.0
        self._last_s: float | None = None
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def shown(self, timed: TimedFrame, now_s: float) -> None:
        """Take note that a picture is on the screen since `now_s`, host time."""
        self.n_shown += 1
        moments = (timed.heard_s, timed.known_s, timed.taken_s, timed.stepped_s, timed.ready_s, now_s)
        for name, before_s, after_s in zip(PARTS, moments, moments[1:], strict=False):
            self.parts[name].add(after_s - before_s)
        self.latency.add(now_s - timed.heard_s)
        if self._last_s is not None:
            self._shown_for_s += now_s - self._last_s
        self._last_s = now_s
        self._recent.append(now_s)

    def paused(self) -> None:
        """Don't count the time until the next picture."""
        self._last_s = None
        self._recent.clear()

    @property
    def pictures_per_s(self) -> float:
        """Pictures shown a second, over the whole session without its pauses."""
        return (self.n_shown - 1) / self._shown_for_s if self._shown_for_s > 0 else 0.0

    @property
    def recent_pictures_per_s(self) -> float:
        """The same over the last moments."""
        recent = list(self._recent)
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def missed_ratio(self, n_missed: int) -> float:
        """Share of all pictures that were never shown."""
        return n_missed / max(1, self.n_shown + n_missed)

    def to_dict(self, n_missed: int) -> dict[str, Any]:
        """The measures under the names that live sessions write them under."""
        return {
            "pictures_per_s": round(self.pictures_per_s, 3),
            "missed_ratio": round(self.missed_ratio(n_missed), 6),
            "pictures_shown": self.n_shown,
            "pictures_missed": n_missed,
            "latency_ms": _quantiles(self.latency),
            "latency_parts_ms": {name: _quantiles(histogram) for name, histogram in self.parts.items()},
        }


def _quantiles(histogram: Histogram) -> dict[str, float]:
    return {name: round(histogram.quantile_ms(share), 2) for name, share in (("p50", 0.5), ("p95", 0.95))}
