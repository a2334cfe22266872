"""What an output is made from, as one hash: whoever has the same makes the same again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from hygiesync.avatar.manifest import MANIFEST_NAME, sha256_of
from hygiesync.batch.job import Task
from hygiesync.batch.storage import Storage, is_url, joined
from hygiesync.errors import InputError


class Fingerprints:
    """Hashes tasks; reads each file once, as long as its size and time of change stay."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[int, int], str]] = {}
        self._avatars: dict[str, str] = {}
        self._storage = Storage()

    def of(self, task: Task) -> str:
        """Hash of a task's inputs and settings; neither places nor names are part of it, nor hygiesync's version.

        Raises
        ------
        InputError
            When a file can't be read.
        """
        content = {"kind": task.kind, **task.inputs(self)}
        return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()

    def of_avatar(self, place: str) -> str:
        """Hash of an avatar: of its manifest, which has the hash of each of its files."""
        if not is_url(place):
            return self.of_file(str(Path(place, MANIFEST_NAME)))
        if place not in self._avatars:
            self._avatars[place] = hashlib.sha256(self._storage.read(joined(place, MANIFEST_NAME))).hexdigest()
        return self._avatars[place]

    def of_file(self, place: str | os.PathLike[str]) -> str:
        """Hash of a file's content; of one at a URL what its storage has for that, since reading it would take long."""
        path = os.fspath(place)
        if is_url(path):
            return self._storage.checksum(path)
        try:
            found = Path(path).stat()
            stamp = found.st_size, found.st_mtime_ns
            known = self._files.get(path)
            if known is None or known[0] != stamp:
                known = self._files[path] = stamp, sha256_of(Path(path))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{path}: can't be read ({reason}); it was there when the jobs were checked") from error
        return known[1]
