"""The loop of a batch: hands out jobs, writes down how each ended, and stops when it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from hygiesync.batch.engine import BatchEngine
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.job import Job, Outcome
from hygiesync.batch.manifest import Manifest
from hygiesync.batch.splitting import Splitter
from hygiesync.errors import InputError

_PATIENCE_S = 0.2
"""How long results are waited for before it is asked again whether to stop (seconds)."""


class Stop:
    """Asks a batch to end: once, after what is under way; twice, at once. May be asked from a signal's handler."""

    def __init__(self) -> None:
        self.n_asked = 0

    def ask(self) -> None:
        """Ask, or ask again."""
        self.n_asked += 1

    @property
    def is_asked(self) -> bool:
        """Whether no more jobs are to be begun."""
        return self.n_asked >= 1

    @property
    def is_urgent(self) -> bool:
        """Whether those under way are to be ended."""
        return self.n_asked > 1


@dataclass
class Tally:
    """How far a batch is.

    Attributes
    ----------
    n_jobs : int
        In all.
    n_made, n_kept : int
        Outputs that were made now, and those that were there already, made from the same.
    failures : list of Outcome
    sound_s : float
        Length of all that was made now (seconds).
    work_s : float
        What that took the workers, one after another (seconds).
    """

    n_jobs: int
    n_made: int = 0
    n_kept: int = 0
    failures: list[Outcome] = field(default_factory=list)
    sound_s: float = 0.0
    work_s: float = 0.0

    @property
    def n_ended(self) -> int:
        """Jobs that nothing more will happen to."""
        return self.n_made + self.n_kept + len(self.failures)

    def count(self, outcome: Outcome) -> None:
        """Add a job that ended."""
        if outcome.made is None:
            self.failures.append(outcome)
            return
        self.n_made += 1
        self.sound_s += outcome.made.duration_s
        self.work_s += outcome.seconds


def run_batch(
    jobs: Sequence[Job],
    engine: BatchEngine,
    manifest: Manifest,
    *,
    splitter: Splitter | None = None,
    stop: Stop | None = None,
    tell: Callable[[Tally], None] | None = None,
) -> Tally:
    """Do all jobs whose outputs are not there, made from the same inputs with the same settings.

    Parameters
    ----------
    jobs : sequence of Job
        They are done subject by subject, so that each avatar is loaded seldom.
    engine : BatchEngine
    manifest : Manifest
    splitter : Splitter, optional
        Has long jobs done in parts; left out, all are done whole.
    stop : Stop, optional
    tell : callable, optional
        Told after each job, and now and then.

    Returns
    -------
    Tally
        Jobs that were not begun, or cancelled, are in none of its numbers but `n_jobs`.

    Raises
    ------
    InputError
        When the manifest can't be written.
    """
    stop, tell = stop or Stop(), tell or (lambda _: None)
    tally = Tally(len(jobs))
    waiting = _to_be_made(sorted(jobs, key=lambda job: job.task.subject), manifest, tally)
    while not stop.is_urgent:
        while engine.n_free and not stop.is_asked and (job := _next(splitter, waiting)) is not None:
            engine.submit(job)
        tell(tally)
        if not engine.n_under_way:
            return tally
        for answer in engine.results(_PATIENCE_S):
            outcome = answer if splitter is None else splitter.ended(answer)
            if outcome is not None:
                manifest.add(outcome)
                tally.count(outcome)
    engine.cancel()
    return tally


def _next(splitter: Splitter | None, waiting: Iterator[Job]) -> Job | None:
    return next(waiting, None) if splitter is None else splitter.next_job(waiting)


def _to_be_made(jobs: Sequence[Job], manifest: Manifest, tally: Tally) -> Iterator[Job]:
    """The jobs whose outputs are missing, or were made from something else; the others are counted as kept."""
    fingerprints = Fingerprints()
    for job in jobs:
        before = manifest.inputs_of(job)
        if before is not None and before == _inputs_now(fingerprints, job):
            tally.n_kept += 1
        else:
            yield job


def _inputs_now(fingerprints: Fingerprints, job: Job) -> str | None:
    try:
        return fingerprints.of(job.task)
    except InputError:  # the job will say what is wrong with them
        return None
