"""The engine for many machines: Ray's tasks, on a cluster that exists or on this machine.

Ray hands out the tasks and tells when a worker or a machine is lost; how often a job is tried is counted here, so that
it means the same on both engines. Videos go from the workers to their place, never through Ray's object store: what a
task answers is one outcome.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import replace
from types import TracebackType
from typing import Any

import ray
from ray import exceptions

from hygiesync.batch.attempt import attempt
from hygiesync.batch.engine import MAX_TRIES, MakeWork, Work
from hygiesync.batch.job import Job, Outcome
from hygiesync.batch.machine import WORKER_BYTES
from hygiesync.concurrency.library_threads import single_threaded_libraries
from hygiesync.errors import MissingDependencyError

AUTO = "auto"
"""Address of the cluster that this machine is part of."""

MAX_LOSSES = 5
"""How often a job is begun whose machine was lost: rented machines are taken back, which is no job's fault."""

_AHEAD = 2
"""Jobs that Ray is handed for each core: one to do, and one that is there when it is done. The rest waits in the table,
so Ray has no more to remember of a million jobs than of a thousand, and a cluster that can grow sees that there is
work."""

_COUNT_EVERY_S = 5.0
"""How often it is looked how many cores there are (seconds): machines come and go."""

_ALONE: dict[str, Any] = {"object_store_memory": 80 << 20, "include_dashboard": False}
"""How a cluster of this machine alone is started: with about the least object store that Ray allows (bytes)."""

_ANSWERS_WITHIN_S = 5.0
"""Time in which a cluster accepts a connection (seconds)."""

_LOST = (exceptions.NodeDiedError, exceptions.ObjectLostError, exceptions.LocalRayletDiedError)

_works: dict[str, Work] = {}
"""What does jobs in this process, by the number of the batch: Ray keeps processes, and with them the loaded avatars."""


class RayEngine:
    """Does jobs as Ray's tasks, each on one core; a context manager, and the only user of Ray in its process.

    Every machine of the cluster must have hygiesync, and see the same files at the same places: a shared folder, or a
    storage with URLs.

    Parameters
    ----------
    make_work : callable
        Gives what does the jobs; called in each process once.
    address : str, optional
        Of a cluster, as ``auto`` or ``10.0.0.1:6379``; left out, one of this machine alone is started.
    n_workers : int, optional
        Jobs at a time; as many as the cluster has cores when left out.

    Raises
    ------
    MissingDependencyError
        On entering, when there is no such cluster, or it can't be started.
    """

    def __init__(self, make_work: MakeWork, address: str | None = None, n_workers: int | None = None) -> None:
        self._make_work, self._address, self._n_workers = make_work, address, n_workers
        self._batch = uuid.uuid4().hex
        self._under_way: dict[Any, tuple[Job, int]] = {}
        self._limit, self._counted_s = 1, -_COUNT_EVERY_S
        # a task that Ray itself began again would not be counted
        self._do = ray.remote(num_cpus=1, memory=WORKER_BYTES, max_retries=0)(_do)

    @property
    def n_free(self) -> int:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        if self._n_workers is not None:
            return self._n_workers - len(self._under_way)
        if time.monotonic() - self._counted_s >= _COUNT_EVERY_S:
            self._limit = max(1, _AHEAD * self.n_cores)
            self._counted_s = time.monotonic()
        return self._limit - len(self._under_way)

    @property
    def n_cores(self) -> int:
        """Cores that the cluster has now."""
        return int(ray.cluster_resources().get("CPU", 0))

    @property
    def n_under_way(self) -> int:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        return len(self._under_way)

    def submit(self, job: Job) -> None:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        self._hand(job, n_tries=1)

    def results(self, timeout_s: float) -> list[Outcome]:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        if not self._under_way:
            return []
        ready, others = ray.wait(list(self._under_way), num_returns=1, timeout=timeout_s)
        if ready and others:
            ready += ray.wait(others, num_returns=len(others), timeout=0)[0]
        return [outcome for reference in ready if (outcome := self._hear(reference)) is not None]

    def cancel(self) -> None:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        for reference in self._under_way:
            ray.cancel(reference, force=True)
        # until they have ended, they may still put an output in its place
        ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=_COUNT_EVERY_S)
        self._under_way.clear()

    def __enter__(self) -> RayEngine:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unasked
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            if self._address is None:
                # "local": without, a cluster that happens to run here would be joined
                ray.init("local", num_cpus=self._n_workers, **_ALONE, **quiet)
            else:
                _check_reachable(self._address)
                ray.init(self._address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, OSError, exceptions.RayError) as error:
            reason = str(error).strip().partition("\n")[0]
            where = f"the cluster at {self._address}" if self._address else "a cluster on this machine"
            raise MissingDependencyError(
                f"`address`: can't use {where} ({reason}); start a head node of Ray there, or name another"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._under_way:
            self.cancel()
        ray.shutdown()

    def _hand(self, job: Job, n_tries: int) -> None:
        self._under_way[self._do.remote(self._batch, self._make_work, job)] = job, n_tries

    def _hear(self, reference: Any) -> Outcome | None:
        """What a task says; when it was lost, its job is begun again."""
        job, n_tries = self._under_way.pop(reference)
        try:
            outcome: Outcome = ray.get(reference)
        except exceptions.RayError as error:
            if n_tries < (MAX_LOSSES if isinstance(error, _LOST) else MAX_TRIES):
                self._hand(job, n_tries + 1)
                return None
            return Outcome(job, 0.0, None, _why(error, n_tries), (), n_tries)
        return replace(outcome, n_tries=n_tries)


def _check_reachable(address: str) -> None:
    """Raise OSError where nobody answers at HOST:PORT: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), _ANSWERS_WITHIN_S).close()


def _do(batch: str, make_work: MakeWork, job: Job) -> Outcome:
    """A task: one job, by what earlier tasks of the same batch have loaded in this process."""
    if batch not in _works:
        _works.clear()
        _works[batch] = make_work()
    with single_threaded_libraries():
        return attempt(_works[batch], job)


def _why(error: exceptions.RayError, n_tries: int) -> str:
    if isinstance(error, exceptions.RayTaskError):
        return f"a worker could not begin ({error.cause}), {n_tries} times; see that each machine has this hygiesync"
    kind = type(error).__name__
    return f"the process that did it was lost ({kind}), {n_tries} times; try it alone, or with fewer workers"
