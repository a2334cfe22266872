"""The folder of a recording: which names it may have, and that nothing that was filmed is lost by accident."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hygiesync.apps.record.manifest import MANIFEST, RecordingManifest
from hygiesync.errors import InputError, UsageError
from hygiesync.media.fragments import keep_whole_fragments
from hygiesync.media.video import probe

RECORDINGS = Path("recordings")

MAX_NAME = 64

_NAME = re.compile(r"\w(?:[\w .-]*\w)?")


def check_name(name: str) -> None:
    """Refuse a name that can't be that of a folder and of files in it.

    Raises
    ------
    UsageError
        Unless it consists of letters, digits, ``_``, ``-``, dots and spaces, and begins and ends with a letter, a
        digit or ``_``.
    """
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise UsageError(
            f"name: expected letters, digits, - and _, such as me or anna-2, {MAX_NAME} at most, got {name[:80]!r}"
        )


def video_name(name: str, take: int) -> str:
    """File name of a take's video; takes count from 0."""
    return f"{name}.mp4" if take == 0 else f"{name}-{take + 1}.mp4"


def cut_name(video: str) -> str:
    """File name of a video's cut."""
    return f"{Path(video).stem}.cut.mp4"


def check_is_free(folder: Path, name: str, *, overwrite: bool) -> None:
    """Refuse to replace a recording, unless that was asked for.

    Raises
    ------
    UsageError
        When there is one, and `overwrite` is false.
    InputError
        When the place can't hold a folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a folder, or nothing yet")
    there = [path for path in _own_files(folder, name) if path.exists()]
    if there and not overwrite:
        raise UsageError(
            f"{there[0]}: is there already; say --resume to go on with it, --overwrite to replace it, or another name"
        )


def clear(folder: Path, name: str) -> None:
    """Remove an earlier recording; whatever else is in the folder stays.

    Raises
    ------
    InputError
        When a file can't be removed.
    """
    for path in _own_files(folder, name):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{path}: can't be replaced ({error.strerror})") from error


def make(folder: Path) -> None:
    """Make the folder.

    Raises
    ------
    InputError
        When that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: can't be made ({error.strerror}); choose another place with --out") from error


def open_interrupted(folder: Path) -> RecordingManifest:
    """The manifest of a recording to go on with, corrected by what its videos hold.

    A program that was killed loses the last moment of its video, and the sentence that ended there with it.

    Raises
    ------
    UsageError
        When there is nothing to go on with, or nothing left to do.
    InputError
        When the manifest is damaged.
    """
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder}: holds no recording to go on with; leave out --resume")
    manifest = RecordingManifest.load(folder)
    for take in manifest.takes:
        with suppress(OSError):  # what can't be trimmed can't be read either, and counts as lost
            keep_whole_fragments(folder / take.video)
        end_s = _length_s(folder / take.video)
        take.readings = [one if one.end_s <= end_s + 0.1 else replace(one, is_complete=False) for one in take.readings]
    if manifest.next_item >= len(manifest.script):
        raise UsageError(f"{folder}: all sentences are read; train on it, or record another name")
    return manifest


def _length_s(video: Path) -> float:
    try:
        return float(probe(video).duration_s)
    except InputError:
        return 0.0


def _own_files(folder: Path, name: str) -> list[Path]:
    """What a recording of this name may have left in its folder: its manifest first."""
    found = [folder / MANIFEST]
    if folder.is_dir():
        ours = re.compile(rf"{re.escape(name)}(?:-\d+)?(?:\.cut)?\.mp4")
        found += sorted(path for path in folder.iterdir() if ours.fullmatch(path.name))
    return found
