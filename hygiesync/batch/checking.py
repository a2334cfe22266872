"""All rows are checked before any work begins: jobs come out, or everything that is wrong with them."""
# ruff: noqa: PTH100, PTH117

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hygiesync.batch.columns import expected_but_got, parse_settings
from hygiesync.batch.job import Job
from hygiesync.batch.kinds.kind import Kind
from hygiesync.batch.kinds.registry import KINDS, kind_of
from hygiesync.batch.looking import Looks, Problems
from hygiesync.batch.outputs import PARTS, UNFINISHED
from hygiesync.batch.storage import is_url, joined, without_file_protocol
from hygiesync.batch.table import Fault, Row
from hygiesync.errors import UsageError


@dataclass
class CheckedJobs:
    """Jobs that can be begun, and what is wrong with the other rows."""

    jobs: list[Job] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def check_rows(
    rows: Iterable[Row | Fault], *, base: str, out: str, defaults: Mapping[str, str] | None = None
) -> CheckedJobs:
    """Turn rows into jobs.

    Each avatar, file, voice and set of settings is looked at once, however many rows name it. Whether a sound can be
    decoded is seen when it is its turn.

    Parameters
    ----------
    rows : iterable of Row or Fault
    base : str
        Folder that paths in the rows are relative to.
    out : str
        Folder or URL of outputs.
    defaults : dict of str to str, optional
        Cells of rows that leave them empty.

    Raises
    ------
    UsageError
        When one of `defaults` is wrong by itself.
    """
    checker = _Checker(os.path.abspath(base), out, dict(defaults or {}))
    checked = CheckedJobs()
    for row in rows:
        if isinstance(row, Fault):
            checked.faults.append(row)
            continue
        problems: Problems = {}
        job = checker.job_of(row, problems)
        if job is not None and not problems:
            checked.jobs.append(job)
        checked.faults.extend(Fault(row.number, column, problem) for column, problem in problems.items())
    checked.faults.extend(fault for job in checked.jobs if (fault := checker.fault_of_place(job)))
    return checked


class _Checker:
    def __init__(self, base: str, out: str, defaults: dict[str, str]) -> None:
        self._looks = Looks(base)
        self._out = out if is_url(out) else os.path.abspath(without_file_protocol(out))
        self._names: dict[str, int] = {}
        _check_defaults(defaults)
        self._defaults = {
            name: {column: text for column, text in defaults.items() if column in kind.columns}
            for name, kind in KINDS.items()
        }
        self._columns = {name: frozenset(kind.columns) for name, kind in KINDS.items()}

    def job_of(self, row: Row, problems: Problems) -> Job | None:
        """A row's job; what is wrong with it goes into `problems`, by columns."""
        kind = kind_of(row.cells, problems)
        if kind is None:
            return None
        for column in row.cells.keys() - self._columns[kind.name]:
            problems[column] = expected_but_got(f"nothing in a row of the kind {kind.name}", row.cells[column])
        task = kind.task_of({**self._defaults[kind.name], **row.cells}, self._looks, problems)
        name = self._name_of(row, kind, problems)
        return None if problems or task is None else Job(row.number, name, task)

    def _name_of(self, row: Row, kind: Kind, problems: Problems) -> str:
        written = row.cells.get("out", "").strip()
        name = os.path.normpath(written)
        first = name.partition("/")[0]
        if not written or not name.lower().endswith(kind.out_suffixes or "") or not _is_name(name):
            expected = f"a name that ends in {kind.out_suffixes[0]}" if kind.out_suffixes else "the name of a folder"
            problems["out"] = expected_but_got(expected, written)
        elif os.path.isabs(name) or first in (os.pardir, os.curdir, UNFINISHED, PARTS) or is_url(written):
            problems["out"] = expected_but_got("a place inside the folder of outputs", written)
        elif name in self._names:
            problems["out"] = expected_but_got(f"another name than row {self._names[name]} has", written)
        self._names.setdefault(name, row.number)
        return name

    def fault_of_place(self, job: Job) -> Fault | None:
        """Refuse to write over what is read, once all rows are known."""
        place = joined(self._out, job.out)
        if self._looks.is_read(place):
            return Fault(job.row, "out", expected_but_got("a place where nothing is that is read", place))
        return None


def _check_defaults(defaults: Mapping[str, str]) -> None:
    """Refuse what is wrong for whichever row it is."""
    for column, text in defaults.items():
        if column in ("kind", "out") or any(column == kind.source for kind in KINDS.values()):
            raise UsageError(f"{column}: expected in each row, got one for all; put it into the table")
        known = [kind for kind in KINDS.values() if column in kind.settings]
        wrong = [parse_settings({column: text}, kind.settings)[1] for kind in known]
        if wrong and all(wrong):
            raise UsageError(f"{column}: {wrong[0][column]}")


def _is_name(name: str) -> bool:
    """Whether a file can be called so."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False
