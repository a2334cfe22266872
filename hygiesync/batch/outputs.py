"""Outputs that appear whole or not at all: in a folder, where they are renamed into their place, or at a URL."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from hygiesync.avatar.manifest import MANIFEST_NAME
from hygiesync.batch.storage import Storage, check_writable, is_url, joined, without_file_protocol
from hygiesync.errors import InputError

UNFINISHED = ".unfinished"
"""Folder, inside that of the outputs, of what is being made. It lies there so that a renaming never copies."""


PARTS = ".parts"
"""Folder beside it of the parts of long videos; it stays after an interruption, so that they are not made again."""


class Outputs(Protocol):
    """Where outputs go. Names are relative; an output is a file, or a folder such as an avatar. Picklable."""

    def finished(self, name: str) -> AbstractContextManager[Path]:
        """A place to make an output; when the block ends well it becomes `name`, else it is gone.

        Raises
        ------
        InputError
            When the output can't be put in its place.
        """
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a file that is there; None where there is none."""
        ...

    def fetched(self, name: str) -> AbstractContextManager[Path]:
        """A file that is there, to be read until the block ends."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file or a folder, where there is one."""
        ...

    def without_leftovers(self) -> AbstractContextManager[None]:
        """Remove what ended processes have left, before the block and after it; for the one batch that writes there."""
        ...


def outputs_at(place: str) -> Outputs:
    """The outputs in a folder or at a URL.

    Raises
    ------
    InputError
        When outputs could appear there that are not whole.
    """
    place = without_file_protocol(place)
    if not is_url(place):
        return FolderOutputs(Path(place).absolute())
    check_writable(place)
    return StorageOutputs(place)


class FolderOutputs:
    """Outputs in a folder that every worker sees. See :class:`Outputs`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def finished(self, name: str) -> Iterator[Path]:
        """See :meth:`Outputs.finished`."""
        out = self._folder / name
        # keeps apart what several machines make, and what a killed process has left and its successor makes
        own = self._folder / UNFINISHED / f"{socket.gethostname()}-{os.getpid()}"
        unfinished = own / out.name
        try:
            try:
                shutil.rmtree(own, ignore_errors=True)
                own.mkdir(parents=True)
                out.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unwritable(out, error) from error
            yield unfinished
            try:
                _flush(unfinished)
                if unfinished.is_dir() and out.exists():
                    out.rename(own / "former")
                unfinished.replace(out)
            except OSError as error:
                raise _unwritable(out, error) from error
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def size(self, name: str) -> int | None:
        """See :meth:`Outputs.size`."""
        try:
            return (self._folder / name).stat().st_size
        except OSError:
            return None

    @contextlib.contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """See :meth:`Outputs.fetched`."""
        yield self._folder / name

    def remove(self, name: str) -> None:
        """See :meth:`Outputs.remove`."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()

    @contextlib.contextmanager
    def without_leftovers(self) -> Iterator[None]:
        """See :meth:`Outputs.without_leftovers`."""
        self.remove(UNFINISHED)
        try:
            yield
        finally:
            self.remove(UNFINISHED)
            with contextlib.suppress(OSError):  # parts are there: they are for whoever goes on
                (self._folder / PARTS).rmdir()


class StorageOutputs:
    """Outputs at a URL; made on the worker's own disk, and copied there when they are whole. See :class:`Outputs`."""

    def __init__(self, url: str) -> None:
        self._url, self._storage = url, Storage()

    @contextlib.contextmanager
    def finished(self, name: str) -> Iterator[Path]:
        """See :meth:`Outputs.finished`."""
        with tempfile.TemporaryDirectory(prefix="hygiesync-") as folder:
            unfinished = Path(folder, Path(name).name)
            yield unfinished
            if unfinished.is_file():
                self._storage.put(unfinished, joined(self._url, name))
                return
            # an avatar is one when its manifest is there
            files = sorted(unfinished.iterdir(), key=lambda file: file.name == MANIFEST_NAME)
            for file in files:
                self._storage.put(file, joined(self._url, f"{name}/{file.name}"))

    def size(self, name: str) -> int | None:
        """See :meth:`Outputs.size`."""
        found = self._storage.look(joined(self._url, name))
        return None if found is None else found.size

    @contextlib.contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """See :meth:`Outputs.fetched`."""
        with tempfile.TemporaryDirectory(prefix="hygiesync-") as folder:
            copy = Path(folder, Path(name).name)
            self._storage.fetch(joined(self._url, name), copy)
            yield copy

    def remove(self, name: str) -> None:
        """See :meth:`Outputs.remove`."""
        self._storage.remove(joined(self._url, name))

    @contextlib.contextmanager
    def without_leftovers(self) -> Iterator[None]:
        """Nothing is left at a URL. See :meth:`Outputs.without_leftovers`."""
        yield


def _flush(path: Path) -> None:
    """Have the content on the disk before the name, should the machine lose its power."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open("rb") as content:
            os.fsync(content.fileno())


def _unwritable(out: Path, error: OSError) -> InputError:
    return InputError(f"{out}: can't be written ({error.strerror or error}); free space or choose another place")
