"""The work of a batch: one job after another, with what they share loaded once."""

from __future__ import annotations

from hygiesync.avatar.manifest import sha256_of
from hygiesync.batch.job import Job, Made
from hygiesync.batch.outputs import Outputs
from hygiesync.batch.workshop import Workshop


class JobDoer:
    """Makes the outputs of jobs.

    Parameters
    ----------
    outputs : Outputs
    max_duration_s : float, optional
        Sounds and videos that are longer are refused.
    """

    def __init__(self, outputs: Outputs, max_duration_s: float | None = None) -> None:
        self._outputs = outputs
        self._workshop = Workshop(outputs, max_duration_s)

    def __call__(self, job: Job) -> Made:
        """Do a job.

        Raises
        ------
        HygieSyncError
            When it can't be done; then there is no output of it, or still the former one.
        """
        inputs = self._workshop.fingerprints.of(job.task)
        with self._outputs.finished(job.out) as unfinished:
            duration_s = job.task.make(unfinished, self._workshop)
            proof = unfinished / job.task.proof
            n_bytes, sha256 = proof.stat().st_size, sha256_of(proof)
        return Made(float(duration_s), n_bytes, sha256, inputs)
