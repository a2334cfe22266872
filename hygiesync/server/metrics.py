"""What is counted, in the text format that Prometheus reads.

References
----------
Prometheus, *Exposition formats*, text-based format 0.0.4.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

CONTENT_TYPE = "text/plain; version=0.0.4"

_HELP = {
    "sessions": ("gauge", "Sessions that run"),
    "sessions_begun_total": ("counter", "Sessions that were let in"),
    "sessions_refused_total": ("counter", "Sessions that there was no room for"),
    "sessions_failed_total": ("counter", "Sessions that ended by a fault"),
    "pictures_total": ("counter", "Pictures that were due and sent"),
    "pictures_missed_total": ("counter", "Pictures that were not drawn or not sent in time"),
    "latency_ms": ("summary", "From a sample's arrival to the picture of its moment leaving, milliseconds"),
    "requests_total": ("counter", "Answers by status"),
    "jobs_total": ("counter", "Jobs by kind and how they ended"),
}
"""Kind and meaning of every measure."""


class Metrics:
    """Counters that any thread may add to."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, amount: int = 1, labels: Mapping[str, str] | None = None) -> None:
        """Count `amount` more of `name`, one of `_HELP`."""
        with self._lock:
            self._counts[name, _labels(labels or {})] += amount

    def count(self, name: str, labels: Mapping[str, str] | None = None) -> int:
        """How many there were."""
        return self._counts[name, _labels(labels or {})]

    def text(self, now: Mapping[tuple[str, str], float]) -> str:
        """All of it.

        Parameters
        ----------
        now : mapping
            Values that are measured when asked for, by name and labels as they are written, such as
            ``("latency_ms", '{quantile="0.5"}')``.
        """
        with self._lock:
            values: dict[tuple[str, str], float] = {**self._counts, **now}
        lines = []
        for name, (kind, meaning) in _HELP.items():
            lines += [f"# HELP hygiesync_{name} {meaning}", f"# TYPE hygiesync_{name} {kind}"]
            own = {labels: value for (other, labels), value in values.items() if other == name}
            if not own and kind == "counter" and not name.startswith(("requests", "jobs")):
                own = {"": 0}
            lines += [f"hygiesync_{name}{labels} {value:g}" for labels, value in sorted(own.items())]
        return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{{{inside}}}" if inside else ""
