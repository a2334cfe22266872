"""The engine that every machine has: processes of its own, as many as it has cores and memory for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType

from hygiesync.batch.engine import MAX_TRIES, MakeWork
from hygiesync.batch.job import Job, Outcome
from hygiesync.batch.worker import serve

_END_S = 3.0
"""Time that a process has to end by itself (seconds)."""


@dataclass
class _Worker:
    """A process, and what it is at."""

    process: SpawnProcess
    connection: Connection
    job: Job | None = None
    n_tries: int = 0


class LocalEngine:
    """Does jobs in processes of this machine, one at a time each; a context manager.

    A process that is ended from outside, as the kernel does when memory runs out, is started anew, and its job tried
    once more. Processes are spawned, so that none inherits threads or locks, and each is there only when it has a job.

    Parameters
    ----------
    make_work : callable
        Gives what does the jobs; called in each process.
    n_workers : int
    """

    def __init__(self, make_work: MakeWork, n_workers: int) -> None:
        self._make_work, self._n_workers = make_work, n_workers
        self._workers: list[_Worker] = []
        self._context = multiprocessing.get_context("spawn")

    @property
    def n_free(self) -> int:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        return self._n_workers - self.n_under_way

    @property
    def n_under_way(self) -> int:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        return sum(worker.job is not None for worker in self._workers)

    def submit(self, job: Job) -> None:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        # the one that has the avatar would do best, but jobs come avatar by avatar: nearly all have it
        worker = next((worker for worker in self._workers if worker.job is None), None)
        if worker is None:
            worker = self._start()
        self._hand(worker, job, n_tries=1)

    def results(self, timeout_s: float) -> list[Outcome]:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        outcomes = []
        for connection in wait(list(busy), timeout_s):
            outcome = self._hear(busy[connection])  # type: ignore[index]
            if outcome is not None:
                outcomes.append(outcome)
        return outcomes

    def cancel(self) -> None:
        """See :class:`hygiesync.batch.engine.BatchEngine`."""
        for worker in self._workers:
            worker.process.kill()
        self._close()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is not None or self.n_under_way:
            self.cancel()
        else:
            self._close()

    def _hear(self, worker: _Worker) -> Outcome | None:
        """What a process says; when it is gone, its job is begun again in a new one."""
        job, n_tries = worker.job, worker.n_tries
        assert job is not None
        try:
            outcome: Outcome = worker.connection.recv()
        except (EOFError, OSError):
            why = self._bury(worker)
            if n_tries < MAX_TRIES:
                self._hand(self._start(), job, n_tries + 1)
                return None
            error = f"the process that did it {why}, {n_tries} times; try it alone, or with fewer workers"
            return Outcome(job, 0.0, None, error, (), n_tries)
        worker.job = None
        return replace(outcome, n_tries=n_tries)

    def _hand(self, worker: _Worker, job: Job, n_tries: int) -> None:
        worker.job, worker.n_tries = job, n_tries
        # a process that is gone already is noticed when its answer is waited for
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            worker.connection.send(job)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve, args=(theirs, self._make_work, os.getpid()), name="hygiesync batch", daemon=True
        )
        with _without_interrupts():
            process.start()
        theirs.close()  # so that the end of the process is the end of the connection
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _bury(self, worker: _Worker) -> str:
        """Forget a process that is gone; gives how it ended."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(_END_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        code = worker.process.exitcode or 0
        worker.process.close()
        if code == -signal.SIGKILL:
            return "was killed, perhaps because memory ran out"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def _close(self) -> None:
        for worker in self._workers:
            worker.connection.close()
        for worker in list(self._workers):
            self._bury(worker)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold back Ctrl-C in this process for a moment, and in those that it starts meanwhile for ever.

    A new process would else die of a Ctrl-C that comes before it can decide not to.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
