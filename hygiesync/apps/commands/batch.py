"""``hygiesync batch``: many renderings, side by side."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hygiesync.apps.commands import common
from hygiesync.errors import InputError, UsageError
from hygiesync.plain_text import one_line, with_parameters_as

if TYPE_CHECKING:
    from hygiesync.batch.checking import CheckedJobs
    from hygiesync.batch.driving import Stop, Tally

_INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as shells have it."""

_COLUMN_OF = {"words_per_minute": "speed", "preset": "encoder_preset"}
"""Columns that are called otherwise than the library's parameters."""


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "batch", run, "make many videos, from a table or a folder of sounds",
        "Make many videos, as many at a time as this machine has cores and memory for.\n\n"
        "  hygiesync batch jobs.csv --out videos\n"
        "  hygiesync batch --avatar models/me lessons/ --out videos\n"
        "  hygiesync batch --avatar models/me a.wav b.wav --set crf=23 --set still=yes --out videos\n\n"
        "A table is CSV, with a heading, or JSONL. Its columns: avatar; audio (a file) or text; out (the video's name\n"
        "inside the folder of outputs); and the options of `render` and `say`, such as fps, template, crf, language,\n"
        "voice, speed. Paths are relative to the table.\n\n"
        "All rows are checked before anything begins. videos/manifest.jsonl says how each ended. Run the same command\n"
        "again after an interruption: what is there, made from the same, is kept. Ctrl-C ends after the videos under\n"
        "way, a second one at once. A job that fails stops no other; then the exit code is 3.",
    )  # fmt: skip
    parser.add_argument(
        "jobs", type=Path, nargs="+", metavar="JOBS", help="a .csv or .jsonl, or sound files and folders"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of outputs")
    parser.add_argument(
        "--avatar", type=Path, metavar="AVATAR", help="the avatar of sound files, and of rows without one"
    )
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="COLUMN=VALUE",
        help="a column's value where a row has none; may be given for several columns",
    )  # fmt: skip
    parser.add_argument(
        "--workers", dest="n_workers", type=int, metavar="N",
        help="videos to make at a time (one a core, as far as memory goes)",
    )  # fmt: skip
    parser.add_argument(
        "--max-duration", dest="max_duration_s", type=float, metavar="S", help="refuse longer sounds (seconds)"
    )
    common.json_file(parser, "how it went, and what failed,")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.batch_bar import BatchBar, figures
    from hygiesync.batch.driving import Stop, run_batch
    from hygiesync.batch.local import LocalEngine
    from hygiesync.batch.machine import free_memory, n_cores, n_workers
    from hygiesync.batch.manifest import MANIFEST, Manifest
    from hygiesync.batch.outputs import without_leftovers
    from hygiesync.batch.rendering import JobRenderer

    _check_numbers(arguments)
    jobs = _faultless(arguments, _checked(arguments))
    stop = Stop()
    work = partial(JobRenderer, arguments.out.absolute(), arguments.max_duration_s)
    workers = min(arguments.n_workers or n_workers(n_cores(), free_memory()), len(jobs))
    with (
        Manifest(arguments.out) as manifest,
        without_leftovers(arguments.out),
        LocalEngine(work, workers) as engine,
        BatchBar(len(jobs), stop) as bar,
        _asked_by_ctrl_c(stop),
    ):
        tally = run_batch(jobs, engine, manifest, stop=stop, tell=bar)
        elapsed_s = bar.elapsed_s
    names = common.option_names(arguments.parser)
    for outcome in tally.failures:
        reason = with_parameters_as({**_COLUMN_OF, **names}, outcome.error)
        common.say_so(one_line(f"row {outcome.job.row}, {outcome.job.out}: {reason}"))
    left = f", {tally.n_jobs - tally.n_ended} not made" if tally.n_ended < tally.n_jobs else ""
    common.finish(
        arguments,
        f"{arguments.out}: {tally.n_made} made, {tally.n_kept} kept{left}; {figures(tally, elapsed_s)};"
        f" each is in {arguments.out / MANIFEST}",
        _results(tally, elapsed_s, workers),
    )
    if stop.is_asked and tally.n_ended < tally.n_jobs:
        common.say_so("interrupted; the same command goes on")
        return _INTERRUPTED
    return InputError.exit_code if tally.failures else 0


def _check_numbers(arguments: argparse.Namespace) -> None:
    if arguments.n_workers is not None and arguments.n_workers < 1:
        raise UsageError(f"`n_workers`: expected at least 1, got {arguments.n_workers}")
    if arguments.max_duration_s is not None and not arguments.max_duration_s > 0:
        raise UsageError(f"`max_duration_s`: expected more than 0 s, got {arguments.max_duration_s:g}")


def _checked(arguments: argparse.Namespace) -> CheckedJobs:
    from hygiesync.batch.checking import check_rows
    from hygiesync.batch.columns import COLUMNS
    from hygiesync.batch.table import column_name, is_table, read_table, rows_of_files

    paths: list[Path] = arguments.jobs
    defaults: dict[str, str] = {}
    for setting in arguments.settings:
        written, equals, value = setting.partition("=")
        name = column_name(written)
        if not equals or not value or name not in COLUMNS:
            raise UsageError(f"`settings`: expected COLUMN=VALUE with one of {', '.join(COLUMNS)}; got {setting!r}")
        defaults[name] = value
    if arguments.avatar is not None:
        defaults["avatar"] = str(arguments.avatar.absolute())
    if any(is_table(path) for path in paths):
        if len(paths) > 1:
            raise UsageError("`jobs`: expected one table, or sound files and folders; got both or several tables")
        rows, base = read_table(paths[0]), paths[0].parent
    elif "avatar" in defaults:
        rows, base = rows_of_files(paths), Path()
    else:
        raise UsageError("`avatar`: expected the avatar that says the sound files, got none; or name a .csv or .jsonl")
    return check_rows(rows, base=base, out=arguments.out, defaults=defaults)


def _faultless(arguments: argparse.Namespace, checked: CheckedJobs) -> list[Any]:
    """The jobs, when there is nothing wrong with any row; else all that is wrong is told."""
    named = ", ".join(str(path) for path in arguments.jobs[:3])
    for fault in sorted(checked.faults, key=lambda fault: fault.row):
        common.say_so(one_line(with_parameters_as(_COLUMN_OF, str(fault))))
    if checked.faults:
        n_rows = len({fault.row for fault in checked.faults})
        rows = "row" if n_rows == 1 else "rows"
        raise InputError(f"{named}: {n_rows} {rows} can't be done, as told above, so nothing was begun; mend them")
    if not checked.jobs:
        raise InputError(f"{named}: expected at least one job, got none")
    return checked.jobs


@contextmanager
def _asked_by_ctrl_c(stop: Stop) -> Iterator[None]:
    """Have Ctrl-C ask for the end, and not raise anything."""
    before = signal.signal(signal.SIGINT, lambda *_: stop.ask())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _results(tally: Tally, elapsed_s: float, workers: int) -> dict[str, Any]:
    failures = [
        {"row": outcome.job.row, "out": outcome.job.out, "error": outcome.error, "tries": outcome.n_tries}
        for outcome in tally.failures
    ]
    return {
        "n_jobs": tally.n_jobs,
        "n_made": tally.n_made,
        "n_kept": tally.n_kept,
        "n_failed": len(failures),
        "n_workers": workers,
        "seconds": elapsed_s,
        "sound_s": tally.sound_s,
        "work_s": tally.work_s,
        "rtf": elapsed_s / tally.sound_s if tally.sound_s else None,
        "failures": failures,
    }
