"""The avatars that are offered, known by their folders' names: shown, and measured before a session begins."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import MANIFEST_NAME, Manifest
from hygiesync.errors import HygieSyncError, UsageError
from hygiesync.media.images import jpeg_of
from hygiesync.server.faults import RefusedError

_MAX_LOADED = 8
"""Avatars kept in memory; more are loaded again when they are wanted."""


class AvatarShelf:
    """Avatars by name. Any thread may ask; loading takes long, so the server's loop asks in another thread.

    Parameters
    ----------
    given : tuple of Path
        Folders of avatars named at the start.
    own : Path
        Folder whose folders are avatars too: those made in the page.

    Raises
    ------
    UsageError
        When two have one name.
    InputError
        When one of `given` is no avatar.
    """

    def __init__(self, given: tuple[Path, ...], own: Path) -> None:
        self._own = own
        self._given: dict[str, Path] = {}
        for folder in given:
            name = folder.resolve().name
            Manifest.read(folder)
            if name in self._given:
                raise UsageError(f"{folder}: a second avatar is called {name}; give its folder another name")
            self._given[name] = folder
        self._loaded: dict[str, Avatar] = {}
        self._pictures: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Names of all that there are, in order."""
        made = (path.name for path in sorted(self._own.iterdir()) if (path / MANIFEST_NAME).is_file())
        return [*self._given, *(name for name in made if name not in self._given)]

    def folder_of(self, name: str) -> Path:
        """An avatar's folder.

        Raises
        ------
        RefusedError
            404 when there is none of this name.
        """
        if name not in self.names():
            raise RefusedError(404, "avatar: there is none of this name; GET /avatars lists those there are")
        return self._given.get(name, self._own / name)

    def load(self, name: str) -> Avatar:
        """An avatar, ready to speak.

        Raises
        ------
        RefusedError
            404 when there is none of this name.
        InputError
            When it is damaged.
        """
        folder = self.folder_of(name)
        with self._lock:
            avatar = self._loaded.pop(name, None) or load_avatar(folder)
            self._loaded[name] = avatar
            while len(self._loaded) > _MAX_LOADED:
                del self._loaded[next(iter(self._loaded))]
            return avatar

    def describe(self, name: str) -> dict[str, Any]:
        """What is told of an avatar; see the API's description."""
        try:
            manifest = Manifest.read(self.folder_of(name))
        except HygieSyncError as error:
            return {"name": name, "error": str(error)}
        return {
            "name": name,
            "width": manifest.width,
            "height": manifest.height,
            "made_from": manifest.origin,
            "consent": manifest.consent,
            "note": manifest.synthetic_media_note,
            "picture": f"/avatars/{name}/picture",
        }

    def picture(self, name: str) -> bytes:
        """How an avatar looks, a JPEG."""
        avatar = self.load(name)
        with self._lock:
            if name not in self._pictures:
                frame = next(avatar.still(avatar.fps).template.frames())
                self._pictures[name] = jpeg_of(frame.image)
            return self._pictures[name]
