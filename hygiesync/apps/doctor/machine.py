"""Cores, memory and disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hygiesync.apps.doctor.check import REINSTALL, Check

MIN_CORES, MIN_MEMORY_GB, MIN_DISK_GB = 2, 4.0, 1.0


def check_machine() -> Iterator[Check]:
    """Less than asked for is slow or tight, and may still do."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield _enough(
        "cores", n_cores, MIN_CORES, "", "expect training to take twice as long, and live pictures to stutter"
    )
    try:
        import psutil
    except ImportError:
        yield Check("memory", False, False, "can't be measured without psutil", REINSTALL)
    else:
        free_gb = psutil.virtual_memory().available / 1e9
        yield _enough("memory", free_gb, MIN_MEMORY_GB, " GB free", "close other programs before training")
    disk_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    yield _enough("disk", disk_gb, MIN_DISK_GB, " GB free here", "free some space before training or rendering")


def _enough(name: str, found: float, wanted: float, unit: str, fix: str) -> Check:
    detail = f"{found:.1f}{unit}" if isinstance(found, float) else f"{found}{unit}"
    if found >= wanted:
        return Check(name, True, False, detail)
    return Check(name, False, False, f"{detail}, and {wanted:g} are advised", fix)
