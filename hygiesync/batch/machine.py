"""How many workers a machine has room for."""

from __future__ import annotations

import os
from pathlib import Path

WORKER_BYTES = 512 << 20
"""Memory that is reckoned for a worker (bytes): twice the peak of one with an avatar of 48 s of video at 720x480, which
was 248 MiB."""

_MEMINFO, _CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int | None:
    """Memory that can be had without swapping (bytes), within a container's limit; None where it isn't told."""
    amounts = [amount for amount in (_free_in_machine(), _free_in_container()) if amount is not None]
    return min(amounts, default=None)


def n_workers(cores: int, memory: int | None) -> int:
    """One worker for each core, as far as there is memory; at least one.

    Examples
    --------
    >>> n_workers(8, None), n_workers(8, 4 * WORKER_BYTES), n_workers(8, 0)
    (8, 4, 1)
    """
    return cores if memory is None else max(1, min(cores, memory // WORKER_BYTES))


def _free_in_machine() -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), None)


def _free_in_container() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no container, or of another kind
        return None
    return None if limit == "max" else max(0, int(limit) - used)
