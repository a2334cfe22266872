"""Runs the jobs, one after another, and tells whoever watches how far each is.

A job is on disk before its number is given out. So a server that was ended, in order or not, finds at its next start
what was queued or at work, and begins that again; what was cut off too often is reported as lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from hygiesync.server.faults import LOG, RefusedError
from hygiesync.server.folder import new_id
from hygiesync.server.jobs.job import DONE, FAILED, LOST, MAX_STARTS, QUEUED, RESULT, RUNNING, TRAIN, Job
from hygiesync.server.metrics import Metrics

MAX_WAITING, MAX_KEPT = 16, 100
"""Jobs that may wait, and ended ones that are remembered; the oldest go first."""

_END_S = 3.0
"""Time that a job's process has to end when it is told to (seconds)."""

_TRAINING_CPU = 12
"""How many times longer than others a training may take."""

_MAX_LINE = 1 << 20


class JobManager:
    """All jobs of a server.

    Parameters
    ----------
    folder : Path
    metrics : Metrics
    memory_bytes, cpu_s : int
        Limits of each.
    """

    def __init__(self, folder: Path, metrics: Metrics, memory_bytes: int, cpu_s: int) -> None:
        self._folder, self._metrics = folder, metrics
        self._memory_bytes, self._cpu_s = memory_bytes, cpu_s
        self._jobs: dict[str, Job] = {}
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._changed = asyncio.Condition()
        self._runner: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._current = ""

    async def start(self) -> None:
        """Find what there is, and go on with it."""
        for folder in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime):
            try:
                job = Job.load(folder)
            except (OSError, ValueError, TypeError):
                shutil.rmtree(folder, ignore_errors=True)  # its number was never given out
                continue
            self._jobs[job.id] = job
            if not job.has_ended:
                self._take_up(job)
        self._runner = asyncio.create_task(self._run(), name="jobs")

    def _take_up(self, job: Job) -> None:
        if job.n_starts >= MAX_STARTS:
            job.state, job.error = LOST, f"the server ended {job.n_starts} times while it was done; send it again"
        else:
            job.state, job.stage, job.done = QUEUED, "", 0
            self._waiting.put_nowait(job.id)
        job.save(self.folder_of(job))

    async def stop(self) -> None:
        """End what is at work; it is begun again at the next start."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._end_process()

    def folder_of(self, job: Job) -> Path:
        """Where its files lie."""
        return self._folder / job.id

    def check_room(self) -> None:
        """Refuse more work, before anything is uploaded for it.

        Raises
        ------
        RefusedError
            429 when too many jobs wait.
        """
        if self._waiting.qsize() >= MAX_WAITING:
            raise RefusedError(429, f"{MAX_WAITING} jobs wait already; send it again when some are done", 30)

    async def add(
        self, kind: str, options: dict[str, Any], fill: Callable[[Path], Awaitable[object]] | None = None
    ) -> Job:
        """Queue a job.

        Parameters
        ----------
        kind : str
        options : dict
        fill : coroutine function, optional
            Puts into the job's folder what it needs.
        """
        self.check_room()
        job = Job(new_id(), kind, options, time.time())
        folder = self.folder_of(job)
        folder.mkdir(mode=0o700)
        try:
            if fill is not None:
                await fill(folder)
            job.save(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._jobs[job.id] = job
        self._waiting.put_nowait(job.id)
        self._forget_old()
        return job

    def get(self, job_id: str) -> Job:
        """A job by its number.

        Raises
        ------
        RefusedError
            404 when there is none.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise RefusedError(404, "job: there is none of this number; it may have been deleted")
        return job

    def all(self) -> list[Job]:
        """All jobs, the newest first."""
        return sorted(self._jobs.values(), key=lambda job: -job.created_s)

    async def delete(self, job: Job) -> None:
        """Forget a job and its files; one at work is ended."""
        if self._current == job.id:
            await self._end_process()
        self._jobs.pop(job.id, None)
        await asyncio.to_thread(shutil.rmtree, self.folder_of(job), True)
        await self._tell()

    async def watch(self, job: Job) -> AsyncIterator[Job]:
        """The job, each time that something about it changed, until it has ended."""
        seen = None
        while job.id in self._jobs:
            told = job.to_dict()
            if told != seen:
                seen = told
                yield job
            if job.has_ended:
                return
            async with self._changed:
                if job.to_dict() == seen and job.id in self._jobs:
                    await self._changed.wait()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _run(self) -> None:
        while True:
            job = self._jobs.get(await self._waiting.get())
            if job is None:
                continue
            self._current = job.id
            try:
                await self._work(job)
            except OSError as error:
                LOG.error("job %s: %s", job.id, error)
                job.state, job.error = FAILED, f"the server could not run it ({error.strerror})"
            finally:
                self._current = ""
            if job.id in self._jobs:
                self._metrics.add("jobs_total", labels={"kind": job.kind, "state": job.state})
                job.save(self.folder_of(job))
                await self._tell()

    async def _work(self, job: Job) -> None:
        folder = self.folder_of(job)
        job.state, job.n_starts = RUNNING, job.n_starts + 1
        job.save(folder)
        await self._tell()
        cpu_s = self._cpu_s * (_TRAINING_CPU if job.kind == TRAIN else 1)
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hygiesync.server.jobs.child", str(folder), str(self._memory_bytes), str(cpu_s),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True, limit=_MAX_LINE,
        )  # fmt: skip
        assert process.stdout is not None
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                self._hear(job, json.loads(line))
                await self._tell()
        code = await process.wait()
        self._process = None
        if code == 0 and (job.kind not in ("render", "say") or (folder / RESULT).is_file()):
            job.state = DONE
        else:
            job.state = FAILED
            job.error = job.error or _why(code)

    def _hear(self, job: Job, told: dict[str, Any]) -> None:
        """A line of the job's process."""
        if "progress" in told:
            job.stage, job.done, job.total = told["progress"]
        elif "note" in told:
            job.notes.append(told["note"])
        elif "result" in told:
            job.result = told["result"]
        elif "error" in told:
            job.error = told["error"]

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END_S)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()

    def _forget_old(self) -> None:
        ended = sorted((job for job in self._jobs.values() if job.has_ended), key=lambda job: job.created_s)
        for job in ended[: max(0, len(ended) - MAX_KEPT)]:
            del self._jobs[job.id]
            shutil.rmtree(self.folder_of(job), ignore_errors=True)


def _why(code: int) -> str:
    """What an exit code tells that the process itself could not."""
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "the work took more time or memory than the server gives to one job; make the file smaller"
    if code < 0:
        return f"the work was ended by signal {-code}; the file may be damaged"
    return "the work failed by a fault of hygiesync's own; `hygiesync render` on the server shows more"
