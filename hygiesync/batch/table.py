"""Where jobs come from: rows of a CSV or JSONL file, or the files of folders."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hygiesync.batch.kinds.registry import COLUMNS
from hygiesync.batch.storage import Storage, is_url, without_file_protocol
from hygiesync.errors import InputError

CSV_SUFFIXES, JSONL_SUFFIXES = (".csv", ".tsv"), (".jsonl", ".ndjson")

SOUND_SUFFIXES = (
    ".aac", ".aif", ".aiff", ".avi", ".flac", ".m4a", ".m4v", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg",
    ".opus", ".wav", ".webm",
)  # fmt: skip
"""What is taken out of a folder; a file that is named itself may be called as it likes."""

_MAX_CELL = 1 << 20
"""Characters of one cell: some twenty hours of speech. Beyond it a quotation mark was never closed."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says: texts by the names of their columns, without empty ones."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row can't be done: what was expected in which column, and what came."""

    row: int
    column: str
    problem: str

    def __str__(self) -> str:
        where = f"row {self.row}, {self.column}" if self.column else f"row {self.row}"
        return f"{where}: {self.problem}"


def is_table(path: Path) -> bool:
    """Whether a file is a list of jobs, by its name."""
    return path.suffix.lower() in (*CSV_SUFFIXES, *JSONL_SUFFIXES)


def read_table(path: Path) -> Iterator[Row | Fault]:
    """The rows of a table, one at a time; a fault in place of each that can't be read.

    Raises
    ------
    InputError
        When the file can't be read, is not in UTF-8, or its heading has an unknown column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _read_csv(file, path) if path.suffix.lower() in CSV_SUFFIXES else _read_jsonl(file)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); name a CSV or JSONL file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8, found other bytes; save the table as UTF-8") from error


def rows_of_files(places: Iterable[str]) -> Iterator[Row]:
    """A row for each file, and for each file with sound inside a folder, at any depth, in the order of names.

    A file in a folder has its output at the same place inside the folder of outputs. A URL is a folder's when it ends
    in a slash.

    Raises
    ------
    InputError
        When a folder has no such file, or can't be read.
    """
    number = 0
    for place in map(without_file_protocol, places):
        for file, name in _files_at(place):
            number += 1
            yield Row(number, {"audio": file, "out": str(Path(name).with_suffix(".mp4"))})


def column_name(written: str) -> str:
    """The name of a column, as it is known here.

    Examples
    --------
    >>> column_name(" Lookahead-ms ")
    'lookahead_ms'
    """
    return written.strip().lower().replace("-", "_")


def _files_at(place: str) -> list[tuple[str, str]]:
    """Places of sounds, and their names inside the folder that they were found in."""
    is_folder = place.endswith("/") if is_url(place) else Path(place).is_dir()
    if not is_folder:
        return [(place, place.rpartition("/")[2])]
    found = [
        (file, name)
        for file, name in (_files_in_storage(place) if is_url(place) else _files_in(place))
        if Path(name).suffix.lower() in SOUND_SUFFIXES and not Path(name).name.startswith(".")
    ]
    if not found:
        raise InputError(f"{place}: expected files with sound in this folder, found none")
    return found


def _files_in(folder: str) -> list[tuple[str, str]]:
    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: can't be read ({error.strerror}); change its permissions") from error

    paths = sorted(Path(where, name) for where, _, names in os.walk(folder, onerror=refuse) for name in names)
    return [(str(path), str(path.relative_to(folder))) for path in paths]


def _files_in_storage(url: str) -> list[tuple[str, str]]:
    # the storage may write its own URLs otherwise, so names are counted from their end
    files = Storage().files_in(url)
    n_folders = url.rstrip("/").partition("://")[2].count("/") + 1
    return [(file, "/".join(file.partition("://")[2].strip("/").split("/")[n_folders:])) for file in files]


def _read_csv(file: Iterable[str], path: Path) -> Iterator[Row | Fault]:
    lines = iter(file)
    heading = next(lines, "")
    # spreadsheets write what their country separates numbers by
    delimiter = max(",;\t", key=heading.count)
    columns = [column_name(name) for name in next(csv.reader([heading], delimiter=delimiter), [])]
    _check_heading(columns, path)
    before = csv.field_size_limit(_MAX_CELL)
    try:
        number = 1
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            number += 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                # what follows is out of step with the columns
                yield Fault(number, "", f"expected a row of CSV, got one that is none ({error}); rows after it unread")
                return
            if cells is None:
                return
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                problem = (
                    f"expected {len(columns)} cells, got {len(cells)}; put quotes around a text with {delimiter!r}"
                )
                yield Fault(number, "", problem)
            elif any(cells):
                yield Row(number, {name: cell for name, cell in zip(columns, cells, strict=False) if cell.strip()})
    finally:
        csv.field_size_limit(before)


def _check_heading(columns: list[str], path: Path) -> None:
    known = f"the columns are {', '.join(COLUMNS)}"
    if not any(columns):
        raise InputError(f"{path}: expected a heading with the names of columns, got nothing; {known}")
    for name in columns:
        if name not in COLUMNS:
            raise InputError(f"{path}: has an unknown column {name!r}; {known}")
        if columns.count(name) > 1:
            raise InputError(f"{path}: has the column {name} more than once; leave one of them")


def _read_jsonl(lines: Iterable[str]) -> Iterator[Row | Fault]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Fault(number, "", f"expected an object of JSON, got a line that is none ({error})")
            continue
        yield _row_of_object(number, content)


def _row_of_object(number: int, content: Any) -> Row | Fault:
    if not isinstance(content, dict):
        return Fault(number, "", f"expected an object of JSON, got {json.dumps(content)[:60]}")
    cells: dict[str, str] = {}
    for written, value in content.items():
        name = column_name(written)
        if name not in COLUMNS:
            return Fault(number, name, f"expected one of {', '.join(COLUMNS)}; got another name")
        if name in cells:
            return Fault(number, name, "expected it once, got it twice")
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, (int, float)):
            value = str(value)
        if value is not None and not isinstance(value, str):
            return Fault(number, name, f"expected a text or a number, got {json.dumps(value)[:60]}")
        if value and value.strip():
            cells[name] = value
    return Row(number, cells)
