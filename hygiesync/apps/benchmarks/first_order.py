"""Learnt motion: pictures a second on two cores, and the memory it takes: models for processors, and the full one.

Weights don't matter for speed, so none are trained: each model is made, exported, and run in a process of its own.
"""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from hygiesync.apps.benchmarks.processes import PeakMemory, checked_run
from hygiesync.progress import Progress

N_PICTURES = {"cpu-64": 200, "cpu-128": 100, "cpu-256": 60, "vox": 12}
"""How many are drawn for the time, by configuration."""

_DRAW = """
import json, sys, time
from fractions import Fraction
import numpy as np
from hygiesync.first_order.animation import MovingPicture, SquarePicture
from hygiesync.first_order.model import FirstOrderModel
folder, n, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
model = FirstOrderModel.load(folder)
rng = np.random.default_rng(0)
images = [rng.integers(0, 256, (model.size, model.size, 3), np.uint8) for _ in range(4)]
moving = MovingPicture(model, images[0])
def draw(n):
    for _ in moving.pictures(SquarePicture(images[k % 4], Fraction(k, 25)) for k in range(n)):
        pass
draw(4)
begin = time.perf_counter()
draw(n)
json.dump(n / (time.perf_counter() - begin), open(out, "w"))
"""


def measure_first_order(report: Progress) -> dict[str, Any]:
    """``pictures_per_s`` and ``peak_mb`` by configuration; two pictures are drawn side by side."""
    return {name: _measured(name, number, report) for number, name in enumerate(N_PICTURES)}


def _measured(name: str, number: int, report: Progress) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder:
        model, log, out = Path(folder, "model"), str(Path(folder, "log")), Path(folder, "out")
        make_untrained(name, model)
        peak = PeakMemory()
        checked_run(["-c", _DRAW, str(model), str(N_PICTURES[name]), str(out)], log, peak.watch)
        report("learnt motion", number + 1, len(N_PICTURES), name)
        rate = float(json.loads(out.read_text()))
        return {"pictures_per_s": round(rate, 2), "peak_mb": round(peak.n_bytes / 1e6, 1)}


def make_untrained(name: str, folder: Path) -> None:
    """Write a model of a configuration as it is before any training."""
    from hygiesync.avatar.manifest import consent_text
    from hygiesync.first_order.bundle import ModelManifest, write_model
    from hygiesync.first_order.configurations import read_configuration
    from hygiesync.first_order.learning.building import OWN_LICENCE, fill_model
    from hygiesync.first_order.learning.generator import Generator
    from hygiesync.first_order.learning.keypoint_detector import KeypointDetector

    configuration = read_configuration(name)
    networks = KeypointDetector(configuration.model).eval(), Generator(configuration.model).eval()
    manifest = ModelManifest(name, configuration, OWN_LICENCE, "not trained", consent_text(has_consent=False))
    write_model(folder, manifest, partial(fill_model, configuration, *networks))
