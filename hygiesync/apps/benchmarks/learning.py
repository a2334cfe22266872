"""How long a training takes alone, and beside one busy process on each core.

Run as a program it trains the default network on random sound, first a little to warm up, and prints the seconds of
a whole training: what comes after the last epoch too, which once took fifty seconds beside busy processes.
"""

from __future__ import annotations

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
N_ROUNDS = 4
"""Measurements of each kind, by turns: what else the machine does meets both."""


def measure_learning(report: Progress, n_rounds: int = N_ROUNDS) -> dict[str, Any]:
    """Seconds of a training of `N_EPOCHS`, alone and beside busy processes, and their ratio; the slowest of each kind.

    The slowest, because what made training collapse met one run in four.
    """
    trainings_s: dict[str, list[float]] = {"alone": [], "beside": []}
    for number in range(n_rounds):
        report("training", 2 * number, 2 * n_rounds, "")
        trainings_s["alone"].append(_run_training())
        report("training", 2 * number + 1, 2 * n_rounds, "beside busy processes")
        with _busy_cores():
            trainings_s["beside"].append(_run_training())
    report("training", 2 * n_rounds, 2 * n_rounds, "")
    alone_s, beside_s = (max(trainings_s[kind]) for kind in ("alone", "beside"))
    return {
        "steps": N_EPOCHS * STEPS_PER_EPOCH,
        "alone_s": round(alone_s, 3),
        "beside_busy_cores_s": round(beside_s, 3),
        "ratio": round(beside_s / alone_s, 2),
    }


def _run_training() -> float:
    """Seconds of a training in an interpreter of its own."""
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder:
        log = Path(folder, "log")
        checked_run(["-m", "hygiesync.apps.benchmarks.learning"], str(log), subprocess.Popen.wait)
        return float(log.read_text().strip().rpartition("\n")[2])


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
    """Train on random sound, and print the seconds that it took."""
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
    network = NetworkSettings(N_COMPONENTS, early_frames=(4, 8))

    def train(n_epochs: int) -> None:
        settings = TrainingSettings(n_epochs=n_epochs, batches_per_epoch=STEPS_PER_EPOCH)
        train_network([clip], [clip[:100]], np.eye(N_COMPONENTS), network, settings)

    train(1)
    started_s = time.perf_counter()
    train(N_EPOCHS)
    print(time.perf_counter() - started_s)


if __name__ == "__main__":
    main()
