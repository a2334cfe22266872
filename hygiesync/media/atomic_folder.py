"""A folder that is there whole or not at all: filled beside its place, and renamed into it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from hygiesync.errors import InputError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What writing into the folder fails with when there is no more room, whoever writes."""


@contextlib.contextmanager
def atomic_folder(directory: Path) -> Iterator[Path]:
    """A new, empty folder to fill, which takes `directory`'s place when the block ends well, and is gone otherwise.

    Parameters
    ----------
    directory : Path
        Where the folder will be; what is there already is replaced at the very end.

    Raises
    ------
    InputError
        When the folder can't be made, filled for lack of room, or put in its place. All else that the block raises
        passes as it is: a file that can't be read there is no fault of this folder's.
    """
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with _named(directory):
            partial.mkdir(parents=True)
        try:
            yield partial
        except OSError as error:
            if error.errno in _FULL:
                raise _unwritable(directory, error) from error
            raise
        with _named(directory):
            _put_in_place(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def _named(directory: Path) -> Iterator[None]:
    """Say of which folder a failing file operation was."""
    try:
        yield
    except OSError as error:
        raise _unwritable(directory, error) from error


def _unwritable(directory: Path, error: OSError) -> InputError:
    reason = error.strerror or error
    return InputError(f"{directory}: can't be written ({reason}); free space or choose another place")


def check_place(directory: Path, is_ours: Callable[[Path], bool], what: str, example: str) -> None:
    """Refuse, before any work, to make a folder where something else is.

    Parameters
    ----------
    directory : Path
    is_ours : callable
        Whether a folder that is there already may be replaced.
    what, example : str
        What may be replaced, and a good place for it, for the messages.

    Raises
    ------
    UsageError
        When `directory` exists and is something else, or is named by dots alone.
    InputError
        When its parent can't be written to, or the name is impossible.
    """
    if directory.name in ("", ".."):
        raise UsageError(f"{directory}: expected a folder's own name; choose an `out` such as {example}")
    try:
        is_free = not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
        if not is_free and not is_ours(directory):
            raise UsageError(f"{directory}: is there already and is no {what}; choose another `out`")
        parent = next(parent for parent in directory.absolute().parents if parent.exists())
    except OSError as error:
        raise InputError(f"{directory}: can't be written ({error.strerror or error}); choose another place") from error
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InputError(f"{directory}: may not be written, since {parent} is not a folder that this user may write to")


def _put_in_place(partial: Path, directory: Path) -> None:
    old = directory.with_name(f".{directory.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    was_there = directory.exists()
    if was_there:
        directory.rename(old)
    try:
        partial.rename(directory)
    except OSError:
        if was_there:
            old.rename(directory)
        raise
    shutil.rmtree(old, ignore_errors=True)
