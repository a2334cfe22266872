"""Stand-ins for rendering, which the processes of a batch import: they write a small file, and may be told to fail."""

import os
import signal
import time
from pathlib import Path

from hygiesync.batch.engine import Work
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.job import Job, Made
from hygiesync.batch.outputs import finished_output
from hygiesync.errors import InputError

ALWAYS_KILLED, KILLED_ONCE, BAD, FAULTY, SLEEPS = "always killed", "killed once", "bad", "faulty", "sleeps"
"""Texts of jobs that are something else than well."""


def make_work(folder: Path) -> Work:
    fingerprints = Fingerprints()

    def work(job: Job) -> Made:
        if job.text == BAD:
            raise InputError("this job is bad")
        if job.text == FAULTY:
            raise ZeroDivisionError("by mistake")
        inputs = fingerprints.of(job)
        with finished_output(folder, job.out) as unfinished:
            unfinished.write_text(f"{job.text} by {job.avatar}")
            if job.text == SLEEPS:
                time.sleep(600)
            _perhaps_be_killed(job, folder)
        return Made(2.0, (folder / job.out).stat().st_size, "no sum", inputs)

    return work


def _perhaps_be_killed(job: Job, folder: Path) -> None:
    begun = folder / f"{job.row}.begun"
    if job.text == ALWAYS_KILLED or (job.text == KILLED_ONCE and not begun.exists()):
        begun.touch()
        os.kill(os.getpid(), signal.SIGKILL)
