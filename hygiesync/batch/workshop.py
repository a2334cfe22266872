"""What a worker keeps from job to job: avatars that are loaded, a voice, and copies of files at URLs."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.loading import files_of, load_avatar
from hygiesync.avatar.manifest import MANIFEST_NAME, Manifest
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.outputs import Outputs
from hygiesync.batch.storage import Storage, is_url, joined
from hygiesync.errors import InputError
from hygiesync.media.container import PathLike
from hygiesync.tts.voice import Voice, VoiceSettings
from hygiesync.tts.voices import open_voice

logger = logging.getLogger(__name__)

_MAX_AVATARS = 2
"""Avatars that are kept loaded: jobs come avatar by avatar, so an older one is seldom asked for again."""


class Workshop:
    """One worker's; not thread-safe.

    Parameters
    ----------
    outputs : Outputs
    max_duration_s : float, optional
        Sounds and videos that are longer are refused.

    Attributes
    ----------
    outputs : Outputs
    fingerprints : Fingerprints
    """

    def __init__(self, outputs: Outputs, max_duration_s: float | None = None) -> None:
        self.outputs = outputs
        self.fingerprints = Fingerprints()
        self._max_duration_s = max_duration_s
        self._storage = Storage()
        self._avatars: dict[str, tuple[Avatar, Path | None]] = {}
        self._voice: tuple[VoiceSettings, Voice] | None = None
        self._copies: tempfile.TemporaryDirectory[str] | None = None

    def avatar(self, place: str) -> Avatar:
        """An avatar, loaded once for as long as its content stays the same.

        Raises
        ------
        InputError
            When it can't be read.
        """
        key = self.fingerprints.of_avatar(place)
        loaded = self._avatars.pop(key, None)
        if loaded is None:
            while len(self._avatars) >= _MAX_AVATARS:
                _, copy = self._avatars.pop(next(iter(self._avatars)))
                if copy is not None:
                    shutil.rmtree(copy, ignore_errors=True)
            copy = self._copied(place, key) if is_url(place) else None
            loaded = load_avatar(copy or place), copy
        self._avatars[key] = loaded
        return loaded[0]

    def voice(self, settings: VoiceSettings) -> Voice:
        """A voice, opened once for as long as the same is asked for."""
        if self._voice is None or self._voice[0] != settings:
            voice = open_voice(settings.name, settings.language, settings.words_per_minute, settings.pitch)
            self._voice = settings, voice
        return self._voice[1]

    @contextmanager
    def local(self, place: PathLike) -> Iterator[Path]:
        """A file of this machine, until the block ends: the file itself, or a copy of one at a URL."""
        if not is_url(os.fspath(place)):
            yield Path(place)
            return
        with tempfile.TemporaryDirectory(prefix="hygiesync-") as folder:
            # decoders go by the ending, and messages should have the name
            copy = Path(folder, os.fspath(place).rpartition("/")[2])
            self._storage.fetch(os.fspath(place), copy)
            yield copy

    @staticmethod
    def warn(message: str) -> None:
        """Have something told in the job's notes."""
        logger.warning("%s", message)

    def size(self, place: str) -> int:
        """Bytes of a file, or of one at a URL.

        Raises
        ------
        InputError
            When there is none.
        """
        if is_url(place):
            found = self._storage.look(place)
            size = None if found is None else found.size
        else:
            try:
                size = Path(place).stat().st_size
            except (OSError, ValueError):
                size = None
        if size is None:
            raise InputError(f"{place}: can't be read; it was there when the jobs were checked")
        return size

    def check_duration(self, duration_s: Fraction) -> None:
        """Refuse what is longer than is allowed."""
        if self._max_duration_s is not None and duration_s > self._max_duration_s:
            raise InputError(
                f"sound: expected at most {self._max_duration_s:g} s, as `max_duration_s` says, got"
                f" {float(duration_s):.1f} s; cut it, or allow more"
            )

    def _copied(self, url: str, name: str) -> Path:
        """A copy of an avatar, which is removed when it is no longer loaded, and at the latest with this process."""
        if self._copies is None:
            self._copies = tempfile.TemporaryDirectory(prefix="hygiesync-")
        folder = Path(self._copies.name, name)
        folder.mkdir()
        self._storage.fetch(joined(url, MANIFEST_NAME), folder / MANIFEST_NAME)
        for file in files_of(Manifest.read(folder)):
            self._storage.fetch(joined(url, file), folder / file)
        return folder
