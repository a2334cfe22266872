"""Outputs that appear whole or not at all: made in a folder of their own, and renamed into their place."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hygiesync.errors import InputError

UNFINISHED = ".unfinished"
"""Folder, inside that of the outputs, of what is being made. It lies there so that a renaming never copies."""


@contextlib.contextmanager
def finished_output(folder: Path, name: str) -> Iterator[Path]:
    """A place to make an output; when the block ends well it becomes `name` in `folder`, else it is gone.

    Raises
    ------
    InputError
        When the output can't be put in its place.
    """
    out = folder / name
    # the process's number keeps apart what a killed one has left and what its successor makes
    unfinished = folder / UNFINISHED / f"{os.getpid()}{out.suffix}"
    try:
        try:
            unfinished.parent.mkdir(exist_ok=True)
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(out, error) from error
        yield unfinished
        try:
            _flush(unfinished)
            unfinished.replace(out)
        except OSError as error:
            raise _unwritable(out, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def without_leftovers(folder: Path) -> Iterator[None]:
    """Remove what ended processes have left, before the block and after it; for the one batch that writes there."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder / UNFINISHED, ignore_errors=True)


def _flush(path: Path) -> None:
    """Have the content on the disk before the name, should the machine lose its power."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unwritable(out: Path, error: OSError) -> InputError:
    return InputError(f"{out}: can't be written ({error.strerror or error}); free space or choose another place")
