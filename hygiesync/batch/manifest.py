"""The manifest of a batch: a line of JSON for each job that has ended, beside the outputs.

Lines are only ever added, each in one write. So whoever kills the program loses at most the line that was being
written, which readers skip; a job that is done again has a second line, and the last one counts.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from hygiesync.batch.job import DONE, Job, Outcome
from hygiesync.batch.outputs import Outputs
from hygiesync.errors import InputError, UsageError

MANIFEST = "manifest.jsonl"

_MS = 3
"""Decimals of seconds that are kept."""


def read_manifest(path: Path) -> Iterator[dict[str, Any]]:
    """The manifest's lines, in the order in which jobs ended; torn and foreign lines are left out.

    Yields
    ------
    dict
        ``row, out, kind, subject`` (avatar, picture or video), ``state`` ("done" or "failed"), ``tries, seconds`` (of
        work), ``duration_s`` (of sound or video), ``rtf`` (their quotient: below 1 is faster than real time), ``bytes,
        sha256, inputs, error, notes``.
    """
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("out"), str):
                yield record


class Manifest:
    """The manifest of a place of outputs, for the one program that writes there; a context manager.

    Parameters
    ----------
    path : Path
        The file. Its folder is made when it is not there.
    outputs : Outputs

    Raises
    ------
    InputError
        On entering, when the folder or the file can't be written.
    UsageError
        On entering, when another program is at work in the folder.
    """

    def __init__(self, path: Path, outputs: Outputs) -> None:
        self._path, self._outputs = path, outputs
        self._descriptor = -1
        self._made: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Manifest:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(f"{self._path}: can't be written ({error.strerror}); choose another `out`") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._close()
            where = self._path.parent
            raise UsageError(f"{where}: another batch is at work there; wait, or choose another `out`") from None
        for record in read_manifest(self._path):
            self._remember(record)
        self._end_torn_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._close()

    def inputs_of(self, job: Job) -> str | None:
        """Hash of what a job's output, which is there whole, was made from; None when it is to be made."""
        inputs, n_bytes = self._made.get(job.out, (None, 0))
        return inputs if inputs is not None and self._outputs.size(job.proof) == n_bytes else None

    def add(self, outcome: Outcome) -> None:
        """Write down how a job ended.

        Raises
        ------
        InputError
            When there is no room.
        """
        record = _record_of(outcome)
        try:
            os.write(self._descriptor, json.dumps(record).encode() + b"\n")
        except OSError as error:
            raise InputError(f"{self._path}: can't be written ({error.strerror}); free space") from error
        self._remember(record)

    def _remember(self, record: dict[str, Any]) -> None:
        if record.get("state") == DONE and isinstance(record.get("inputs"), str):
            self._made[record["out"]] = record["inputs"], record.get("bytes", -1)
        else:
            self._made.pop(record["out"], None)

    def _end_torn_line(self) -> None:
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def _close(self) -> None:
        os.close(self._descriptor)  # and with it goes the lock
        self._descriptor = -1


def _record_of(outcome: Outcome) -> dict[str, Any]:
    job, made = outcome.job, outcome.made
    record: dict[str, Any] = {
        "row": job.row,
        "out": job.out,
        "kind": job.task.kind,
        "subject": job.task.subject,
        "state": outcome.state,
        "tries": outcome.n_tries,
        "seconds": round(outcome.seconds, _MS),
    }
    if made is not None:
        record |= {
            "duration_s": round(made.duration_s, _MS),
            "rtf": round(outcome.seconds / made.duration_s, _MS) if made.duration_s else None,
            "bytes": made.n_bytes,
            "sha256": made.sha256,
            "inputs": made.inputs,
        }
    if outcome.error:
        record["error"] = outcome.error
    if outcome.notes:
        record["notes"] = list(outcome.notes)
    return record
