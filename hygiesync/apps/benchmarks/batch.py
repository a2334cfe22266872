"""Many short videos: single renders, a batch on both engines, and a shell's loop over `hygiesync render`.

Single renders are warm, one after another, once on one core and once as they come: a rendering's threads overlap, so it
takes less time where a second core has nothing else to do. A batch has a job for each core, so it is compared with the
former; both are told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hygiesync.apps.benchmarks.processes import checked_run
from hygiesync.apps.benchmarks.stopwatch import seconds_of
from hygiesync.avatar.bundle import Avatar
from hygiesync.batch.doing import JobDoer
from hygiesync.batch.driving import run_batch
from hygiesync.batch.engine import BatchEngine, Work
from hygiesync.batch.job import Job, Made
from hygiesync.batch.kinds.speaking import Manner, Speaking
from hygiesync.batch.local import LocalEngine
from hygiesync.batch.manifest import MANIFEST, Manifest
from hygiesync.batch.outputs import FolderOutputs
from hygiesync.errors import HygieSyncError
from hygiesync.extras import EXTRAS, is_there
from hygiesync.media.audio import write_wav
from hygiesync.pipelines.offline import RenderOptions, render
from hygiesync.progress import Progress
from hygiesync.tts.espeak import synthesise

N_WORKERS = 2

_SENTENCES = (
    "Welcome to the second lesson.", "Please open your books.", "This is how it works.", "Try it again at home.",
    "What do you think of it?", "Nobody knew the answer.", "We meet again tomorrow.", "Listen to this example.",
)  # fmt: skip
"""Some 2 s each, as the lines of a course are."""

_N_LOOPED = 8
"""Files that the shell's loop is tried on; each takes it about the same time."""

_SAMPLED = 5
"""Of so many files one is rendered by itself on all cores."""

_SCALES, _JOBS_EACH, _SLEEP_S = (1, 2, 4, 8), 12, 0.5
"""Numbers of simulated workers, jobs for each, and how long each job sleeps (seconds)."""

MakeEngine = Callable[[Callable[[], Work], int], AbstractContextManager[BatchEngine]]


def measure_batch(avatar: Avatar, n_files: int, report: Progress) -> dict[str, Any]:
    """Time `n_files` short sounds in all ways, and how batches scale with workers that only sleep.

    Returns
    -------
    dict
        ``n_files``, ``single_s`` and ``single_free_s`` (sums on one core, and as they come), ``local_s``, ``ray_s``
        (None where Ray is not installed), ``loop_s`` (reckoned from a few), ``ratios`` and ``scaling``.
    """
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder:
        sounds = _sounds(Path(folder), n_files)
        jobs = [
            Job(number, f"{number}.mp4", Speaking(str(avatar.directory), str(sound), None, Manner()))
            for number, sound in enumerate(sounds)
        ]
        steps: dict[str, Callable[[], float]] = {
            "single_s": partial(_one_core, partial(_singles, avatar, sounds, Path(folder))),
            "single_free_s": lambda: _SAMPLED * _singles(avatar, sounds[::_SAMPLED], Path(folder)),
            "local_s": partial(_batch, jobs, Path(folder), LocalEngine),
            "loop_s": partial(_loop, avatar, sounds, Path(folder)),
        }
        if all(map(is_there, EXTRAS["ray"])):
            steps["ray_s"] = partial(_batch, jobs, Path(folder), _ray)
        times: dict[str, Any] = {"ray_s": None}
        for number, (name, step) in enumerate(steps.items()):
            report("batch", number, len(steps) + 1, name)
            times[name] = round(step(), 2)
    ideal_s = times["single_s"] / N_WORKERS
    ratios = {
        "local_to_half_of_singles": times["local_s"] / ideal_s,
        "local_to_half_of_free_singles": times["local_s"] / (times["single_free_s"] / N_WORKERS),
        "ray_to_half_of_singles": None if times["ray_s"] is None else times["ray_s"] / ideal_s,
        "loop_to_local": times["loop_s"] / times["local_s"],
    }
    report("batch", len(steps), len(steps) + 1, "scaling")
    return {"n_files": n_files, **times, "ratios": ratios, "scaling": measure_scaling()}


def measure_scaling() -> dict[str, float]:
    """What a batch takes, over the ideal, for each number of workers that only sleep; they have been started before."""
    return {str(n_workers): round(_scaled(n_workers), 4) for n_workers in _SCALES}


def _sounds(folder: Path, n_files: int) -> list[Path]:
    sounds = []
    for number in range(n_files):
        path = folder / f"{number}.wav"
        if number < len(_SENTENCES):
            speech = synthesise(_SENTENCES[number])
            write_wav(path, speech.samples, speech.sample_rate)
        else:
            shutil.copyfile(folder / f"{number % len(_SENTENCES)}.wav", path)
        sounds.append(path)
    return sounds


def _singles(avatar: Avatar, sounds: list[Path], folder: Path) -> float:
    """Seconds of all renderings in this process, after one that warms it up."""
    options = RenderOptions(n_threads=1)

    def one(sound: Path) -> None:
        render(avatar, sound, folder / "single.mp4", options)

    one(sounds[0])
    return sum(seconds_of(partial(one, sound)) for sound in sounds)


def _one_core(step: Callable[[], float]) -> float:
    """What a step gives while this process may use one core only."""
    if not hasattr(os, "sched_setaffinity"):
        return step()
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        return step()
    finally:
        os.sched_setaffinity(0, allowed)


def _batch(jobs: list[Job], folder: Path, make_engine: MakeEngine) -> float:
    """Seconds of a batch from its start to its end, with all that starting takes."""
    out = Path(tempfile.mkdtemp(dir=folder))
    outputs = FolderOutputs(out)
    start_s = time.perf_counter()
    with Manifest(out / MANIFEST, outputs) as manifest, make_engine(partial(JobDoer, outputs), N_WORKERS) as engine:
        tally = run_batch(jobs, engine, manifest)
    elapsed_s = time.perf_counter() - start_s
    if tally.failures:
        raise HygieSyncError(f"batch: {tally.failures[0].error}")
    return elapsed_s


def _ray(make_work: Callable[[], Work], n_workers: int) -> AbstractContextManager[BatchEngine]:
    from hygiesync.batch.ray_engine import RayEngine

    return RayEngine(make_work, None, n_workers)


def _loop(avatar: Avatar, sounds: list[Path], folder: Path) -> float:
    """Seconds that a shell's loop over all sounds would take, from the first of them."""
    looped = sounds[:_N_LOOPED]
    elapsed_s = 0.0
    for sound in looped:
        command = ["-m", "hygiesync", "render", str(avatar.directory), str(sound), "--out", str(folder / "looped.mp4")]
        elapsed_s += seconds_of(partial(checked_run, command, os.devnull, subprocess.Popen.wait))
    return elapsed_s / len(looped) * len(sounds)


def _scaled(n_workers: int) -> float:
    with tempfile.TemporaryDirectory(prefix="hygiesync-bench-") as folder, LocalEngine(_sleeper, n_workers) as engine:
        outputs = FolderOutputs(Path(folder))
        task = Speaking(folder, None, "Hello.", Manner())
        jobs = [Job(number, f"{number}.mp4", task) for number in range(_JOBS_EACH * n_workers)]
        with Manifest(Path(folder, MANIFEST), outputs) as manifest:
            run_batch([replace(job, out=f"first {job.out}") for job in jobs[:n_workers]], engine, manifest)
            elapsed_s = seconds_of(partial(run_batch, jobs, engine, manifest))
    return elapsed_s / (_JOBS_EACH * _SLEEP_S)


def _sleeper() -> Work:
    def work(job: Job) -> Made:
        time.sleep(_SLEEP_S)
        return Made(1.0, 0, "", str(job.row))

    return work
