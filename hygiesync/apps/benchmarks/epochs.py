"""How long an epoch of training takes alone, and beside one busy process on each core.

Run as a program it trains the default network on random sound, and prints the seconds of each epoch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hygiesync.apps.benchmarks.processes import checked_run
from hygiesync.progress import Progress

N_EPOCHS, STEPS_PER_EPOCH = 6, 5
N_COMPONENTS, N_FRAMES = 12, 6000
N_ROUNDS = 2
"""Measurements of each kind, by turns: what else the machine does meets both."""


def measure_epochs(report: Progress) -> dict[str, Any]:
    """Median seconds of an epoch of `STEPS_PER_EPOCH` steps, alone and beside busy processes, and their ratio."""
    epochs_s: dict[str, list[float]] = {"alone": [], "beside": []}
    for number in range(N_ROUNDS):
        report("epochs", 2 * number, 2 * N_ROUNDS, "")
        epochs_s["alone"] += _run_epochs()
        report("epochs", 2 * number + 1, 2 * N_ROUNDS, "beside busy processes")
        with _busy_cores():
            epochs_s["beside"] += _run_epochs()
    report("epochs", 2 * N_ROUNDS, 2 * N_ROUNDS, "")
    alone_s, beside_s = (float(np.median(epochs_s[kind])) for kind in ("alone", "beside"))
    return {
        "steps": STEPS_PER_EPOCH,
        "alone_s": round(alone_s, 3),
        "beside_busy_cores_s": round(beside_s, 3),
        "ratio": round(beside_s / alone_s, 2),
    }


def _run_epochs() -> list[float]:
    """Seconds of each epoch in an interpreter of its own; the first, which loads and warms up, left out."""
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder:
        log = Path(folder, "log")
        checked_run(["-m", "hygiesync.apps.benchmarks.epochs"], str(log), subprocess.Popen.wait)
        epochs_s: list[float] = json.loads(log.read_text().strip().rpartition("\n")[2])
    return epochs_s[1:]


@contextmanager
def _busy_cores() -> Iterator[None]:
    """One process on each core that does nothing but compute."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main() -> None:
    """Train on random sound, and print the seconds of each epoch as JSON."""
    from hygiesync.learning.dataset import LabelledClip
    from hygiesync.learning.network import NetworkSettings
    from hygiesync.learning.settings import TrainingSettings
    from hygiesync.learning.train import train_network
    from hygiesync.speech.mel import N_MELS

    rng = np.random.default_rng(0)
    clip = LabelledClip(
        rng.normal(-4, 1, (N_FRAMES, N_MELS)).astype(np.float32),
        rng.normal(0, 1, (N_FRAMES, N_COMPONENTS)).astype(np.float32),
        np.ones(N_FRAMES, bool),
    )
    ends_s = [time.perf_counter()]
    train_network(
        [clip],
        [clip[:100]],
        np.eye(N_COMPONENTS),
        NetworkSettings(N_COMPONENTS, early_frames=(4, 8)),
        TrainingSettings(n_epochs=N_EPOCHS, batches_per_epoch=STEPS_PER_EPOCH),
        progress=lambda *_: ends_s.append(time.perf_counter()),
    )
    print(json.dumps(np.diff(ends_s).tolist()))


if __name__ == "__main__":
    main()
