"""The folder in which one training, and no other, keeps unfinished work until the bundle is there.

A run that was killed is resumed from that folder: the tracks of the faces once they are whole, and the network after
every epoch. The folder is locked for as long as the training's process lives, so that a second one of the same name is
refused at once, and a killed one locks nobody out.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hygiesync.building.job import Job
from hygiesync.errors import InputError, UsageError

_JOB, _OWNER = "job.json", "process"


@contextmanager
def open_workshop(directory: Path, job: Job, *, resume: bool, warn: Callable[[str], None]) -> Iterator[Path]:
    """Folder for unfinished work beside `directory`: fresh, or that of an interrupted run of the same job.

    It is gone when the block ends well, and stays, to be resumed, otherwise.

    Raises
    ------
    UsageError
        When another training is making the same avatar, or the interrupted run was another job.
    InputError
        When the folder can't be written.
    """
    workshop = directory.with_name(f".{directory.name}.training")
    try:
        workshop.mkdir(parents=True, exist_ok=True)
        lock = os.open(workshop, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{workshop}: can't be written ({error.strerror}); choose another folder") from error
    try:
        _take(lock, directory, workshop)
        _prepare(directory, workshop, job, resume=resume, warn=warn)
        yield workshop
        shutil.rmtree(workshop, ignore_errors=True)
    finally:
        os.close(lock)


def _take(lock: int, directory: Path, workshop: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = workshop / _OWNER
        other = f"process {owner.read_text()}" if owner.is_file() else "another process"
        raise UsageError(
            f"{directory}: {other} is training an avatar of that name; wait until it ends, or choose another `out`"
        ) from None
    if not workshop.is_dir() or os.fstat(lock).st_ino != workshop.stat().st_ino:
        raise UsageError(f"{directory}: another training of that name has just ended; look at it, or train again")


def _prepare(directory: Path, workshop: Path, job: Job, *, resume: bool, warn: Callable[[str], None]) -> None:
    """Leave in the folder what the same job left there, where that is to be resumed; else nothing."""
    record, fingerprint = workshop / _JOB, job.fingerprint()
    is_resumed = resume and record.is_file()
    if is_resumed and json.loads(record.read_text()) != fingerprint:
        raise UsageError(
            f"{directory}: the interrupted training had other videos or options; repeat them, or train without resume"
        )
    if resume and not is_resumed:
        warn(f"{directory}: nothing to resume, so training starts from the beginning")
    try:
        (workshop / _OWNER).write_text(str(os.getpid()))
        if not is_resumed:
            for path in workshop.iterdir():
                if path.name != _OWNER:
                    path.unlink()
            record.write_text(json.dumps(fingerprint))
    except OSError as error:
        raise InputError(f"{workshop}: can't be written ({error.strerror}); choose another folder") from error
