"""What an output is made from, as one hash: whoever has the same makes the same again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from hygiesync.avatar.manifest import MANIFEST_NAME, sha256_of
from hygiesync.batch.job import Job
from hygiesync.errors import InputError
from hygiesync.pipelines.by_engine import EngineOptions


class Fingerprints:
    """Hashes jobs; reads each file once, as long as its size and time of change stay."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[int, int], str]] = {}

    def of(self, job: Job) -> str:
        """Hash of a job's inputs and settings; neither places nor names are part of it, nor hygiesync's version.

        Raises
        ------
        InputError
            When a file can't be read.
        """
        options, voice = asdict(job.settings.options), asdict(job.settings.voice)
        if job.settings.options.engine is None:
            # so that a batch made before engines could be named is still known
            options = {name: value for name, value in options.items() if name not in EngineOptions.__dataclass_fields__}
        if job.settings.options.template is not None:
            options["template"] = self._file(os.fspath(job.settings.options.template))
        if str(voice["name"]).endswith(".onnx"):
            voice["name"] = self._file(str(voice["name"]))
        content = {
            "avatar": self.of_avatar(job.avatar),
            "audio": None if job.audio is None else self._file(job.audio),
            "text": job.text,
            "options": options,
            "voice": voice if job.text is not None else None,
        }
        return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()

    def of_avatar(self, folder: str) -> str:
        """Hash of an avatar: of its manifest, which has the hash of each of its files."""
        return self._file(str(Path(folder, MANIFEST_NAME)))

    def _file(self, path: str) -> str:
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
