"""Whole processes against each other: starting up, and training beside a bare pass over the same video."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hygiesync.apps.benchmarks.stopwatch import seconds_of
from hygiesync.errors import HygieSyncError
from hygiesync.extras import imports_of
from hygiesync.media.video import probe
from hygiesync.progress import Progress

N_STARTS = 11
"""Fresh interpreters for each command."""

_RSS_EVERY_S = 0.05

BARE_PASS = """
import sys
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.media.video import read_frames
with LandmarkDetector() as detector:
    for frame in read_frames(sys.argv[1], n_threads=1):
        detector.detect(frame.image)
"""


def measure_startup(report: Progress) -> dict[str, Any]:
    """Wall-clock and processor time of fresh interpreters, medians: doing nothing, importing the engine, `--help`."""
    commands = {
        "bare_python": ("-c", "pass"),
        "import_engine": ("-c", "import hygiesync.engine"),
        "help": ("-m", "hygiesync", "--help"),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(N_STARTS + 1):
        for name, arguments in commands.items():
            runs[name].append(_run_python(arguments))
        report("starting", number + 1, N_STARTS + 1, "")
    # the first run of each reads files that the others find in memory
    medians = {name: np.median(pairs[1:], axis=0) * 1e3 for name, pairs in runs.items()}
    startup: dict[str, Any] = {
        name: {"wall_ms": round(float(wall), 2), "cpu_ms": round(float(cpu), 2)}
        for name, (wall, cpu) in medians.items()
    }
    startup["ratios"] = {
        "import_engine_to_bare_python_wall": round(float(medians["import_engine"][0] / medians["bare_python"][0]), 3),
        "help_to_bare_python_cpu": round(float(medians["help"][1] / medians["bare_python"][1]), 3),
    }
    return startup


def _run_python(arguments: Sequence[str]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall_s = seconds_of(partial(checked_run, arguments, os.devnull, subprocess.Popen.wait))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def checked_run(arguments: Sequence[str], log: str, attend: Callable[[subprocess.Popen[bytes]], Any]) -> None:
    """Run an interpreter that finds this package, while `attend` watches it.

    Raises
    ------
    HygieSyncError
        When it fails.
    """
    home = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": path},
        )
    try:
        attend(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        said = Path(log).read_text(errors="replace").strip().rpartition("\n")[2] if log != os.devnull else ""
        command = " ".join(["python", *arguments[:3]]).replace("\n", " ").strip()
        raise HygieSyncError(f"{command} ended with exit code {process.returncode}: {said or 'run it to see why'}")


def measure_training(video: Path, report: Progress) -> dict[str, Any]:
    """Training between two bare passes over the same video, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder:
        log, out = str(Path(folder, "log")), str(Path(folder, "avatar"))
        bare, train = ["-c", BARE_PASS, str(video)], ["-m", "hygiesync", "train", str(video), "--out", out]
        spent_s, peaks = [], []
        for number, arguments in enumerate((bare, train, bare)):
            report("training", number, 3, "")
            peak = PeakMemory()
            spent_s.append(seconds_of(partial(checked_run, arguments, log, peak.watch)))
            peaks.append(peak.n_bytes)
        report("training", 3, 3, "")
    bare_s = (spent_s[0] + spent_s[2]) / 2
    return {
        "video_s": round(float(probe(video).duration_s), 2),
        "train_s": round(spent_s[1], 2),
        "facemesh_s": round(bare_s, 2),
        "ratio": round(spent_s[1] / bare_s, 3),
        "train_peak_mb": round(peaks[1] / 1e6, 1),
        "facemesh_peak_mb": round(max(peaks[0], peaks[2]) / 1e6, 1),
    }


class PeakMemory:
    """The most memory that a process and its children held together; pages that they share count for each."""

    def __init__(self) -> None:
        self.n_bytes = 0

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Look again and again until `process` has ended."""
        with imports_of("train", "measuring training's memory"):
            import psutil

        while process.poll() is None:
            try:
                parent = psutil.Process(process.pid)
                family = [parent, *parent.children(recursive=True)]
                self.n_bytes = max(self.n_bytes, sum(member.memory_info().rss for member in family))
            except psutil.NoSuchProcess:
                pass
            time.sleep(_RSS_EVERY_S)
