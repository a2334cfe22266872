"""Files at URLs, such as ``s3://bucket/lessons/a.wav``: looked at, copied from and copied to.

Copies go through a file of this machine in blocks, so that no video is ever in memory whole. Which protocols there are
is fsspec's and its plug-ins' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hygiesync.errors import HygieSyncError, InputError
from hygiesync.extras import imports_of

WRITTEN_WHOLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "memory")
"""Protocols of storages in which an object is there when all of it is, as outputs have to be."""

_UNLISTED = ("http", "https")
"""Protocols that can't say what is in a folder."""

_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")


class Found(NamedTuple):
    """What lies at a URL: its size (bytes), and whether it is a folder."""

    size: int
    is_folder: bool


def is_url(place: str) -> bool:
    """Whether a place is a URL and no path.

    Examples
    --------
    >>> is_url("s3://bucket/a.wav"), is_url("lessons/a.wav")
    (True, False)
    """
    return _URL.match(place) is not None


def protocol_of(url: str) -> str:
    """The part of a URL before ``://``."""
    found = _URL.match(url)
    return found[1].lower() if found else ""


def without_file_protocol(place: str) -> str:
    """A place as it is, but a path for a URL of this machine's own files.

    Examples
    --------
    >>> without_file_protocol("file:///data/a.wav"), without_file_protocol("s3://bucket/a.wav")
    ('/data/a.wav', 's3://bucket/a.wav')
    """
    return place[len("file://") :] if protocol_of(place) == "file" else place


def joined(url: str, name: str) -> str:
    """The URL of `name` inside the folder `url`."""
    return f"{url.rstrip('/')}/{name}"


class Storage:
    """Looks at URLs and copies. Folders are listed once each, so what changes meanwhile is not seen."""

    def __init__(self) -> None:
        self._listed: dict[str, dict[str, Found]] = {}

    def look(self, url: str) -> Found | None:
        """What lies at a URL; None where there is nothing.

        Raises
        ------
        InputError
            When the storage can't be asked.
        """
        system, path = _opened(url)
        with _told(url):
            if protocol_of(url) in _UNLISTED:
                return _found(system.info(path)) if system.exists(path) else None
            folder, _, name = path.rstrip("/").rpartition("/")
            key = f"{protocol_of(url)}://{folder}"
            if key not in self._listed:
                self._listed[key] = _listed(system, folder)
            return self._listed[key].get(name)

    def checksum(self, url: str) -> str:
        """What the storage has for the content of a file: it changes when that changes."""
        system, path = _opened(url)
        with _told(url):
            return str(system.checksum(path))

    def read(self, url: str) -> bytes:
        """The content of a small file."""
        system, path = _opened(url)
        with _told(url):
            content: bytes = system.cat_file(path)
            return content

    def fetch(self, url: str, to: Path) -> None:
        """Copy a file to this machine."""
        system, path = _opened(url)
        with _told(url):
            system.get_file(path, str(to))

    def put(self, file: Path, url: str) -> None:
        """Copy a file of this machine to a URL, where it appears when all of it is there."""
        system, path = _opened(url)
        with _told(url, "written"):
            system.put_file(str(file), path)
        self._forget(url)

    def files_in(self, url: str) -> list[str]:
        """URLs of all files in a folder, at any depth, in the order of names."""
        system, path = _opened(url)
        with _told(url):
            return [system.unstrip_protocol(found) for found in sorted(system.find(path))]

    def remove(self, url: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing where there is nothing."""
        system, path = _opened(url)
        with _told(url, "removed"):
            if system.exists(path):
                system.rm(path, recursive=True)
        self._forget(url)

    def _forget(self, url: str) -> None:
        prefix = url.rstrip("/").rpartition("/")[0]
        for folder in [folder for folder in self._listed if url.startswith(folder) or folder.startswith(prefix)]:
            del self._listed[folder]


def check_writable(url: str) -> None:
    """Refuse a folder of outputs in which half of a file would be seen.

    Raises
    ------
    InputError
        When its protocol is none of `WRITTEN_WHOLE`.
    """
    if protocol_of(url) not in WRITTEN_WHOLE:
        raise InputError(
            f"{url}: expected a folder, or a URL of {', '.join(WRITTEN_WHOLE)}, got one of {protocol_of(url)!r};"
            " mount it as a folder, or choose another `out`"
        )
    _opened(url)


def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    with imports_of("cloud", f"{protocol_of(url)}:// URLs"):
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(url)
        except ValueError as error:
            raise InputError(f"{url}: is of no protocol that is known ({error}); use s3://, gs:// or a path") from error
    return system, path


def _listed(system: Any, folder: str) -> dict[str, Found]:
    system.invalidate_cache(folder)
    try:
        found = system.ls(folder, detail=True)
    except FileNotFoundError:
        return {}
    return {entry["name"].rstrip("/").rpartition("/")[2]: _found(entry) for entry in found}


def _found(entry: dict[str, Any]) -> Found:
    return Found(int(entry.get("size") or 0), entry["type"] == "directory")


@contextmanager
def _told(url: str, done: str = "read") -> Iterator[None]:
    """Turn whatever the storage's package raises into one line."""
    try:
        yield
    except HygieSyncError:
        raise
    except Exception as error:  # each storage has errors of its own, and few of them have a root in common
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise InputError(f"{url}: can't be {done} ({reason}); check its name and the credentials") from error
