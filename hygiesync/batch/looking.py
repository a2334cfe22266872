"""What rows name is looked at before any work begins, each thing once, however many rows name it.

Paths are texts here: for a hundred thousand rows, objects of pathlib would take most of the time and of the memory.
"""
# ruff: noqa: PTH113, PTH116, PTH118

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hygiesync.avatar.loading import files_of
from hygiesync.avatar.manifest import MANIFEST_NAME, Manifest
from hygiesync.batch.columns import Setting, expected_but_got, parse_settings
from hygiesync.batch.storage import Storage, is_url, joined, without_file_protocol
from hygiesync.errors import HygieSyncError, InputError

Problems = dict[str, str]
"""What is wrong with a row, by columns."""


class Looks:
    """Remembers what was looked at.

    Parameters
    ----------
    base : str
        Folder that paths are relative to.
    """

    def __init__(self, base: str) -> None:
        self._base, self._storage = base, Storage()
        self._files: dict[str, str] = {}
        self._avatars: dict[str, tuple[str, str]] = {}
        self._settings: dict[tuple[int, tuple[tuple[str, str], ...]], tuple[Any, Problems]] = {}

    def place(self, written: str) -> str:
        """A path or a URL as it is known from everywhere on this machine."""
        place = without_file_protocol(written.strip())
        return place if is_url(place) else os.path.normpath(os.path.join(self._base, place))

    def file(self, written: str, column: str, expected: str, problems: Problems) -> str:
        """The place of a file that is to be read; what is wrong with it goes into `problems`."""
        place = self.place(written)
        problem = self._files.get(place)
        if problem is None:
            problem = self._files[place] = self._problem_of(place)
        if problem:
            problems[column] = f"expected {expected}, got {problem}"
        return place

    def avatar(self, cells: Mapping[str, str], problems: Problems) -> tuple[str, str]:
        """The place of a row's avatar, and what it was made from; what is wrong with it goes into `problems`."""
        written = cells.get("avatar", "")
        if not written:
            problems["avatar"] = "expected an avatar's folder, got nothing"
            return "", ""
        place = self.place(written)
        if place not in self._avatars:
            self._avatars[place] = self._look_at_avatar(place)
        origin, problem = self._avatars[place]
        if problem:
            problems["avatar"] = problem
        return place, origin

    def settings(
        self,
        known: Mapping[str, Setting],
        cells: Mapping[str, str],
        problems: Problems,
        make: Callable[[dict[str, Any], Problems], Any],
    ) -> Any:
        """What the cells among the `known` ones ask for, made once of the same cells.

        Parameters
        ----------
        known : dict of str to Setting
            A constant: it is told from others by being the same object.
        cells, problems : dict
        make : callable
            Makes it of the values by the library's names, and may tell of more problems; it always does the same.
        """
        key = id(known), tuple((name, cells[name]) for name in known if name in cells)
        if key not in self._settings:
            values, wrong = parse_settings(dict(key[1]), known)
            made = None if wrong else make(values, wrong)
            self._settings[key] = made, wrong
        made, wrong = self._settings[key]
        problems.update(wrong)
        return made

    def is_read(self, place: str) -> bool:
        """Whether a row reads what lies there, or it is inside an avatar's folder."""
        return place in self._files or place.rpartition("/")[0] in self._avatars or place in self._avatars

    def _problem_of(self, place: str) -> str:
        return self._look_at_url(place) if is_url(place) else _look_at_file(place)

    def _look_at_url(self, url: str) -> str:
        try:
            found = self._storage.look(url)
        except HygieSyncError as error:
            return str(error)
        if found is None:
            return f"{url!r}, where nothing is"
        if found.is_folder:
            return f"{url!r}, which is a folder"
        return "" if found.size else f"{url!r}, which is empty"

    def _look_at_avatar(self, place: str) -> tuple[str, str]:
        """An avatar's origin, and what is wrong with it: its files are there; their content is checked on loading."""
        try:
            if "\0" in place:
                raise InputError(expected_but_got("an avatar's folder", place))
            if is_url(place):
                manifest = self._manifest_at(place)
                missing = [name for name in files_of(manifest) if self._storage.look(joined(place, name)) is None]
            else:
                manifest = Manifest.read(Path(place))
                missing = [name for name in files_of(manifest) if not os.path.isfile(os.path.join(place, name))]
        except HygieSyncError as error:
            return "", str(error)
        if missing:
            return "", f"expected a whole avatar, got {place} without {missing[0]}; make it again"
        return manifest.origin, ""

    def _manifest_at(self, url: str) -> Manifest:
        with tempfile.TemporaryDirectory(prefix="hygiesync-") as folder:
            Path(folder, MANIFEST_NAME).write_bytes(self._storage.read(joined(url, MANIFEST_NAME)))
            return Manifest.read(Path(folder))


def _look_at_file(path: str) -> str:
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        return f"{path!r}, which can't be read ({getattr(error, 'strerror', None) or error})"
    if not stat.S_ISREG(found.st_mode):
        return f"{path!r}, which is {'a folder' if stat.S_ISDIR(found.st_mode) else 'no file'}"
    if found.st_size == 0:
        return f"{path!r}, which is empty"
    return "" if os.access(path, os.R_OK) else f"{path!r}, which this user may not read"
