"""Long jobs in parts: what is to be done next, and when all parts of a job are there."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.job import Job, Outcome
from hygiesync.batch.kinds.parts import Hearing, Joining, Part, heard_folder, part_place
from hygiesync.batch.kinds.speaking import Speaking
from hygiesync.batch.outputs import PARTS, Outputs
from hygiesync.batch.workshop import Workshop
from hygiesync.errors import HygieSyncError
from hygiesync.media.audio import probe_audio
from hygiesync.version import __version__

PART_S = 300.0
"""Length of parts (seconds): a seventieth more is drawn twice, and it is short enough that workers end together."""

MIN_PART_S = 20.0
"""Length below which too much is drawn twice (seconds): five times the run-in."""

_LEAST_BYTES_PER_S = 1000
"""No sound is smaller (bytes a second): 8 kbit/s. So short files need not be opened to be seen to be short."""


@dataclass
class _Split:
    """A job on its way in parts."""

    job: Job
    folder: str
    n_parts: int
    n_left: int
    seconds: float = 0.0
    has_failed: bool = False


class Splitter:
    """Hands out jobs, long ones step by step; used by one thread.

    Parameters
    ----------
    outputs : Outputs
    part_s : float, optional
        Sounds of at least twice this length are split into parts about as long; none when left out.
    """

    def __init__(self, outputs: Outputs, part_s: float | None = None) -> None:
        self._outputs, self._part_s = outputs, part_s
        self._workshop = Workshop(outputs)
        self._fingerprints = Fingerprints()
        self._splits: dict[int, _Split] = {}
        self._steps: deque[Job] = deque()

    def next_job(self, waiting: Iterator[Job]) -> Job | None:
        """What is to be handed to a worker next: a step of what was begun, or the next job's first; None for now."""
        while self._steps:
            step = self._steps.popleft()
            if step.row in self._splits and not self._splits[step.row].has_failed:
                return step
        job = next(waiting, None)
        if job is None or (n_parts := self._n_parts(job)) < 2:
            return job
        self._begin(job, n_parts)
        return self._steps.popleft()

    def ended(self, outcome: Outcome) -> Outcome | None:
        """Take what a worker answered; gives how a job of the table ended, when one did."""
        split = self._splits.get(outcome.job.row)
        if split is None:
            return outcome
        split.seconds += outcome.seconds
        if split.has_failed:
            return None
        whole = replace(outcome, job=split.job, seconds=split.seconds)
        if outcome.made is None:
            split.has_failed = True
            return whole
        if isinstance(outcome.job.task, Joining):
            del self._splits[outcome.job.row]
            self._outputs.remove(split.folder)
            return whole
        if isinstance(outcome.job.task, Hearing):
            self._draw(split)
        else:
            split.n_left -= 1
        if split.n_left == 0:
            self._join(split)
        return None

    def _n_parts(self, job: Job) -> int:
        task = job.task
        if self._part_s is None or not isinstance(task, Speaking) or task.audio is None:
            return 1
        if task.nods or task.manner.options.engine is not None:  # drawn in one go, or by another's program
            return 1
        try:
            if self._workshop.size(task.audio) < 2 * self._part_s * _LEAST_BYTES_PER_S:
                return 1
            with self._workshop.local(task.audio) as audio:
                duration_s = float(probe_audio(audio).duration_s)
        except HygieSyncError:  # the job will say what is wrong with it
            return 1
        return round(duration_s / self._part_s) if duration_s >= 2 * self._part_s else 1

    def _begin(self, job: Job, n_parts: int) -> None:
        """Go on with what an interrupted batch has left of the same job, or begin to hear it."""
        assert isinstance(job.task, Speaking)
        made_from = f"{self._fingerprints.of(job.task)} {n_parts} {__version__}"
        folder = f"{PARTS}/{hashlib.sha256(made_from.encode()).hexdigest()[:32]}"
        split = self._splits[job.row] = _Split(job, folder, n_parts, n_parts)
        hearing = Job(job.row, heard_folder(folder), Hearing(job.task, folder, n_parts))
        if self._outputs.size(hearing.proof) is None:
            self._steps.append(hearing)
            return
        self._draw(split)
        if split.n_left == 0:
            self._join(split)

    def _draw(self, split: _Split) -> None:
        assert isinstance(split.job.task, Speaking)
        for number in range(split.n_parts):
            place = part_place(split.folder, number)
            if self._outputs.size(place) is None:
                self._steps.append(Job(split.job.row, place, Part(split.job.task, split.folder, number)))
            else:
                split.n_left -= 1

    def _join(self, split: _Split) -> None:
        assert isinstance(split.job.task, Speaking)
        task = Joining(split.job.task, split.folder, split.n_parts)
        self._steps.append(Job(split.job.row, split.job.out, task))
