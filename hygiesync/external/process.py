"""Running an engine: a process with a time limit, whose output is read as it comes.

However our side ends in order (done, failed, interrupted), the engine is ended too, with all that it started. If ours
is killed outright, the engine's next line goes to a closed pipe, which ends it as well.
"""

from __future__ import annotations

import codecs
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from hygiesync.errors import MissingDependencyError
from hygiesync.external.installation import Installation
from hygiesync.external.interface import EngineJob, ExternalEngine
from hygiesync.external.output_reading import OutputReading
from hygiesync.progress import Progress

TIME_LIMIT_S = 4 * 3600.0
"""Longest run, unless another is asked for: a minute of video takes hours without a GPU."""

SILENCE_LIMIT_S = 1800.0
"""An engine that says nothing for so long hangs: even loading its weights from a slow disk takes minutes."""

_END_S = 5.0
"""Time that a process has to end by itself when it is asked to."""

_POLL_S = 0.2
_PIECE = 4096

_OF_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "CONDA_PREFIX")
"""Variables of our own environment that would lead the engine's Python to our packages."""


def run_engine(
    engine: ExternalEngine,
    installation: Installation,
    job: EngineJob,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    progress: Progress | None = None,
) -> Path:
    """Run an engine on a job, and give the video that it made.

    Parameters
    ----------
    engine : ExternalEngine
    installation : Installation
        Of this engine, ready.
    job : EngineJob
    time_limit_s : float
    progress : callable, optional

    Returns
    -------
    Path
        Inside `job.work`.

    Raises
    ------
    MissingDependencyError
        When it can't be started, fails, hangs, or makes no video; its own error is part of the line.
    """
    title = engine.card.title
    tell = progress or (lambda *_: None)
    reading = OutputReading(
        engine.stages, engine.complaint, lambda stage, percent: tell(f"{title}: {stage}", percent, 100, "")
    )
    command = [str(installation.ready_python()), *engine.command(job)]
    with _started(command, engine.folder(job), _environment(installation, job.work), title) as process:
        assert process.stdout is not None
        _listen(process.stdout, reading, time_limit_s, title)
        code = process.wait()
    result = engine.result(job)
    if code != 0:
        raise MissingDependencyError(f"{title} failed (exit code {code}): {reading.error()}")
    if result is None:
        raise MissingDependencyError(f"{title} ended without a video: {reading.error()}")
    return result


def _environment(installation: Installation, work: Path) -> dict[str, str]:
    """Our variables without what is ours alone; temporary files go where we clean up."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_OURS}
    assert installation.python is not None
    path = f"{installation.python.parent}{os.pathsep}{environment.get('PATH', '')}"
    return environment | {
        "PATH": path,
        "TMPDIR": str(work),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "FORCE_COLOR": "1",  # rich shows its bars to terminals alone, unless it is told that this is one
        "COLUMNS": "100",
    }


@contextmanager
def _started(
    command: list[str], folder: Path, environment: dict[str, str], title: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The engine's process, which is ended with all that it started, however the body ends."""
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise MissingDependencyError(f"{title} can't be started: {error.strerror or error} ({command[0]})") from error
    try:
        yield process
    finally:
        _end(process)
        if process.stdout is not None:
            process.stdout.close()


def _listen(output: IO[bytes], reading: OutputReading, time_limit_s: float, title: str) -> None:
    """Read until the engine closes its output; a thread waits for it, so that time limits hold in silence too."""
    pieces: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        with suppress(ValueError, OSError):  # closed meanwhile
            while piece := os.read(output.fileno(), _PIECE):
                pieces.put(piece)
        pieces.put(None)

    threading.Thread(target=read, daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    start_s = heard_s = time.monotonic()
    while True:
        try:
            piece = pieces.get(timeout=_POLL_S)
        except queue.Empty:
            piece = b""
        if piece is None:
            reading.close()
            return
        now_s = time.monotonic()
        heard_s = now_s if piece else heard_s
        reading.feed(decoder.decode(piece))
        if now_s - start_s > time_limit_s:
            raise MissingDependencyError(
                f"{title} was not done within {time_limit_s:g} s, `time_limit_s`, and was ended; allow more, or give it"
                " less to do"
            )
        if now_s - heard_s > SILENCE_LIMIT_S:
            raise MissingDependencyError(
                f"{title} said nothing for {SILENCE_LIMIT_S:g} s and was ended: {reading.error()}"
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, if it runs, and whatever it started and left behind."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # the process leads a session of its own, so its number is its group's, also when it has ended itself
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
