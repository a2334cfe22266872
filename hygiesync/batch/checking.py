"""All rows are checked before any work begins: jobs come out, or everything that is wrong with them.

Paths are texts here: for a hundred thousand rows, objects of pathlib would take most of the time and of the memory.
"""
# ruff: noqa: PTH116, PTH117, PTH118, PTH120

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hygiesync.avatar.loading import files_of
from hygiesync.avatar.manifest import FROM_PHOTO, Manifest
from hygiesync.batch.columns import RENDER_SETTINGS, VOICE_SETTINGS, expected_but_got, parse_settings
from hygiesync.batch.job import Job, JobSettings
from hygiesync.batch.outputs import UNFINISHED
from hygiesync.batch.table import Fault, Row
from hygiesync.errors import HygieSyncError, InputError, UsageError
from hygiesync.pipelines.offline import RenderOptions
from hygiesync.tts.voice import VoiceSettings
from hygiesync.tts.voices import open_voice

OUT_SUFFIXES = (".mp4", ".m4v")


@dataclass
class CheckedJobs:
    """Jobs that can be begun, and what is wrong with the other rows."""

    jobs: list[Job] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def check_rows(
    rows: Iterable[Row | Fault], *, base: Path, out: Path, defaults: Mapping[str, str] | None = None
) -> CheckedJobs:
    """Turn rows into jobs.

    Each avatar, file, voice and set of settings is looked at once, however many rows name it. Whether a sound can be
    decoded is seen when it is its turn.

    Parameters
    ----------
    rows : iterable of Row or Fault
    base : Path
        What paths in the rows are relative to.
    out : Path
        Folder of outputs.
    defaults : dict of str to str, optional
        Cells of rows that leave them empty.

    Raises
    ------
    UsageError
        When one of `defaults` is wrong by itself.
    """
    checker = _Checker(base, out, dict(defaults or {}))
    checked = CheckedJobs()
    for row in rows:
        if isinstance(row, Fault):
            checked.faults.append(row)
            continue
        problems: dict[str, str] = {}
        job = checker.job_of(row, problems)
        if job is not None and not problems:
            checked.jobs.append(job)
        checked.faults.extend(Fault(row.number, column, problem) for column, problem in problems.items())
    checked.faults.extend(fault for job in checked.jobs if (fault := checker.fault_of_place(job)))
    return checked


class _Checker:
    def __init__(self, base: Path, out: Path, defaults: dict[str, str]) -> None:
        self._base, self._out = str(base.absolute()), str(out.absolute())
        self._avatars: dict[str, tuple[str, str]] = {}
        self._files: dict[str, str] = {}
        self._settings: dict[tuple[tuple[str, str], ...], tuple[JobSettings, dict[str, str]]] = {}
        self._outs: dict[str, int] = {}
        self._defaults_of_texts = defaults
        self._defaults_of_sounds = {name: text for name, text in defaults.items() if name not in VOICE_SETTINGS}
        for name in ("audio", "text", "out"):
            if name in defaults:
                raise UsageError(f"{name}: expected in each row, got one for all; put it into the table")
        for column, problem in self._settings_of(defaults)[1].items():
            raise UsageError(f"{column}: {problem}")

    def job_of(self, row: Row, problems: dict[str, str]) -> Job | None:
        """A row's job; what is wrong with it goes into `problems`, by columns."""
        has_sound, has_text = "audio" in row.cells, "text" in row.cells
        if has_sound == has_text:
            got = "both" if has_sound else "neither"
            problems["audio"] = f"expected a file with sound here or words in the column text, got {got}"
        if has_sound:
            for name in VOICE_SETTINGS.keys() & row.cells.keys():
                problems[name] = "expected nothing where a sound file is given, got a setting of a text's voice"
        cells = {**(self._defaults_of_sounds if has_sound else self._defaults_of_texts), **row.cells}
        settings, wrong = self._settings_of(cells)
        problems.update(wrong)
        avatar = self._avatar_of(cells, settings, problems)
        audio = self._path(row.cells["audio"]) if has_sound else None
        if audio is not None and (problem := self._problem_of_file(audio)):
            problems["audio"] = f"expected a file with sound, got {problem}"
        out = self._out_of(row, problems)
        return None if problems else Job(row.number, avatar, audio, row.cells.get("text"), out, settings)

    def _path(self, written: str) -> str:
        return os.path.normpath(os.path.join(self._base, written))

    def _avatar_of(self, cells: Mapping[str, str], settings: JobSettings, problems: dict[str, str]) -> str:
        written = cells.get("avatar", "")
        if not written:
            problems["avatar"] = "expected an avatar's folder, got nothing"
            return ""
        avatar = self._path(written)
        if avatar not in self._avatars:
            self._avatars[avatar] = _look_at_avatar(Path(avatar))
        origin, problem = self._avatars[avatar]
        if problem:
            problems["avatar"] = problem
        if origin == FROM_PHOTO and settings.options.template is not None:
            problems["template"] = "expected nothing with an avatar that was made from a photo, got a video"
        return avatar

    def _problem_of_file(self, path: str) -> str:
        """What is wrong with a file that is to be read, or nothing."""
        problem = self._files.get(path)
        if problem is None:
            problem = self._files[path] = _look_at_file(path)
        return problem

    def _settings_of(self, cells: Mapping[str, str]) -> tuple[JobSettings, dict[str, str]]:
        key = tuple((name, cells[name]) for name in (*RENDER_SETTINGS, *VOICE_SETTINGS) if name in cells)
        if key not in self._settings:
            self._settings[key] = self._parse(dict(key))
        return self._settings[key]

    def _parse(self, cells: dict[str, str]) -> tuple[JobSettings, dict[str, str]]:
        options, problems = parse_settings(cells, RENDER_SETTINGS)
        voice, more = parse_settings(cells, VOICE_SETTINGS)
        problems.update(more)
        if "template" in options:
            options["template"] = self._path(options["template"])
            if problem := self._problem_of_file(options["template"]):
                problems["template"] = f"expected a video, got {problem}"
        if str(voice.get("name", "")).endswith(".onnx"):
            voice["name"] = self._path(voice["name"])
        if voice and not more:
            self._check_voice(voice, problems)
        if problems:
            return JobSettings(), problems
        return JobSettings(RenderOptions(**options), VoiceSettings(**voice)), problems

    def _check_voice(self, voice: dict[str, Any], problems: dict[str, str]) -> None:
        try:
            open_voice(**voice)
        except HygieSyncError as error:
            problems["voice"] = str(error)

    def _out_of(self, row: Row, problems: dict[str, str]) -> str:
        written = row.cells.get("out", "")
        name = os.path.normpath(written)
        first = name.partition(os.sep)[0]
        if not name.lower().endswith(OUT_SUFFIXES) or not _is_name(name):
            problems["out"] = expected_but_got("a name that ends in .mp4", written)
        elif os.path.isabs(name) or first in (os.pardir, UNFINISHED):
            problems["out"] = expected_but_got("a place inside the folder of outputs", written)
        elif name in self._outs:
            problems["out"] = expected_but_got(f"another name than row {self._outs[name]} has", written)
        self._outs.setdefault(name, row.number)
        return name

    def fault_of_place(self, job: Job) -> Fault | None:
        """Refuse to write over what is read, once all rows are known."""
        place = os.path.join(self._out, job.out)
        if place in self._files or os.path.dirname(place) in self._avatars:
            return Fault(job.row, "out", expected_but_got("a place where nothing is that is read", place))
        return None


def _is_name(name: str) -> bool:
    """Whether a file can be called so."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _look_at_avatar(folder: Path) -> tuple[str, str]:
    """An avatar's origin, and what is wrong with it: its files are there; their content is checked on loading."""
    try:
        if "\0" in str(folder):
            raise InputError(expected_but_got("an avatar's folder", str(folder)))
        manifest = Manifest.read(folder)
        missing = [name for name in files_of(manifest) if not (folder / name).is_file()]
    except HygieSyncError as error:
        return "", str(error)
    if missing:
        return "", f"expected a whole avatar, got {folder} without {missing[0]}; make it again"
    return manifest.origin, ""


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
