"""Stand-ins for rendering, which the processes of a batch import: they write a small file, and may be told to fail."""

import os
import signal
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from hygiesync.batch.attempt import attempt
from hygiesync.batch.engine import Work
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.job import Job, Made, Outcome
from hygiesync.batch.kinds.speaking import Manner, Speaking
from hygiesync.batch.outputs import FolderOutputs
from hygiesync.errors import InputError

ALWAYS_KILLED, KILLED_ONCE, BAD, FAULTY = "always killed", "killed once", "bad", "faulty"
SLEEPS, SHORT_WAIT = "sleeps", "waits"
"""Texts of jobs that are something else than well."""


def jobs_of(avatar: Path, texts: Sequence[str], manner: Manner | None = None) -> list[Job]:
    """A job for each text, in rows from 2 on."""
    return [
        Job(row, f"{row}.mp4", Speaking(str(avatar), None, text, manner or Manner()))
        for row, text in enumerate(texts, 2)
    ]


def make_work(folder: Path) -> Work:
    """The stand-in, for a batch into `folder`; leaves a file there for each process that begins."""
    fingerprints, outputs = Fingerprints(), FolderOutputs(folder)
    (folder / f"{uuid.uuid4().hex}.work").touch()

    def work(job: Job) -> Made:
        task = job.task
        assert isinstance(task, Speaking)
        if task.text == BAD:
            raise InputError("this job is bad")
        if task.text == FAULTY:
            raise ZeroDivisionError("by mistake")
        inputs = fingerprints.of(task)
        with outputs.finished(job.out) as unfinished:
            unfinished.write_text(f"{task.text} by {task.avatar}")
            time.sleep({SLEEPS: 600, SHORT_WAIT: 0.15}.get(task.text or "", 0))
            _perhaps_be_killed(task.text or "", folder / f"{job.row}.begun")
        return Made(2.0, (folder / job.out).stat().st_size, "no sum", inputs)

    return work


def _perhaps_be_killed(text: str, begun: Path) -> None:
    if text == ALWAYS_KILLED or (text == KILLED_ONCE and not begun.exists()):
        begun.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class AtOnce:
    """An engine without processes: a job is done when its result is asked for."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._jobs: list[Job] = []

    @property
    def n_free(self) -> int:
        return 1 - len(self._jobs)

    @property
    def n_under_way(self) -> int:
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        self._jobs.append(job)

    def results(self, timeout_s: float) -> list[Outcome]:
        return [attempt(self._work, self._jobs.pop())] if self._jobs else []

    def cancel(self) -> None:
        self._jobs.clear()
