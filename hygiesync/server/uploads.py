"""Large files that come in pieces, and go on where they stopped after the connection was lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from hygiesync.server.bodies import append_body, check_length
from hygiesync.server.faults import RefusedError
from hygiesync.server.folder import checked_id, new_id

MAX_UPLOADS = 4
"""Unfinished uploads at a time."""

_MAX_AGE_S = 24 * 3600
"""An upload that nothing came for in a day is given up."""


@dataclass(frozen=True)
class Upload:
    """What is being sent.

    Attributes
    ----------
    id : str
    size : int
        Bytes that it will have.
    path : Path
        Bytes that came so far, from the first on.
    piece_bytes : int
        Most that come at once.
    """

    id: str
    size: int
    path: Path
    piece_bytes: int

    @property
    def received(self) -> int:
        """Bytes that came so far."""
        return self.path.stat().st_size

    def to_dict(self) -> dict[str, object]:
        """What clients are told."""
        return {"id": self.id, "size": self.size, "received": self.received, "piece_bytes": self.piece_bytes}


class Uploads:
    """All uploads of a server; the files' names hold the number and the size, so a restart loses nothing.

    Parameters
    ----------
    folder : Path
    max_bytes, piece_bytes : int
        Largest file, and largest piece.
    """

    def __init__(self, folder: Path, max_bytes: int, piece_bytes: int) -> None:
        self._folder, self._max_bytes, self._piece_bytes = folder, max_bytes, piece_bytes
        self._busy: set[str] = set()

    def begin(self, size: int) -> Upload:
        """A new upload of `size` bytes.

        Raises
        ------
        RefusedError
            413 when it would be too large, 429 when too many are unfinished.
        """
        if not 0 < size <= self._max_bytes:
            raise RefusedError(413, f"size: expected 1 to {self._max_bytes} bytes, got {size}")
        for path in self._folder.iterdir():
            if time.time() - path.stat().st_mtime > _MAX_AGE_S:
                path.unlink(missing_ok=True)
        if sum(1 for _ in self._folder.iterdir()) >= MAX_UPLOADS:
            raise RefusedError(429, f"{MAX_UPLOADS} uploads are unfinished already; finish or delete one", 60)
        upload_id = new_id()
        path = self._folder / f"{upload_id}.{size}"
        path.touch(mode=0o600)
        return Upload(upload_id, size, path, self._piece_bytes)

    def get(self, upload_id: str) -> Upload:
        """An upload by its number.

        Raises
        ------
        RefusedError
            404 when there is none.
        """
        for path in self._folder.glob(f"{checked_id(upload_id)}.*"):
            return Upload(upload_id, int(path.suffix[1:]), path, self._piece_bytes)
        raise RefusedError(404, "upload: there is none of this number; begin anew")

    def whole(self, upload_id: str) -> Upload:
        """An upload all of which came; see :meth:`get`."""
        upload = self.get(upload_id)
        if upload.received != upload.size:
            raise RefusedError(409, f"upload: {upload.received} of {upload.size} bytes came; send the rest first")
        return upload

    async def append(self, request: web.Request, upload: Upload, offset: int) -> None:
        """Add a request's body to an upload.

        Raises
        ------
        RefusedError
            409 when it does not begin where the last piece ended; and as :func:`hygiesync.server.bodies.append_body`.
        """
        if upload.id in self._busy:
            raise RefusedError(409, "another piece of this upload is coming; wait for it")
        self._busy.add(upload.id)
        try:
            if offset != upload.received:
                raise RefusedError(409, f"offset: expected {upload.received}, where the last piece ended, got {offset}")
            most = min(self._piece_bytes, upload.size - offset)
            check_length(request, most)
            with upload.path.open("ab") as file:
                try:
                    await append_body(request, file, most)
                except BaseException:
                    file.truncate(offset)  # a piece is there whole or not at all
                    raise
        finally:
            self._busy.discard(upload.id)

    def move(self, upload: Upload, path: Path) -> None:
        """Hand a whole upload on: it is an upload no more."""
        upload.path.replace(path)

    def delete(self, upload: Upload) -> None:
        """Forget an upload."""
        upload.path.unlink(missing_ok=True)
