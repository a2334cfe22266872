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
from hygiesync.extras import require
from hygiesync.plain_text import one_line, with_parameters_as

if TYPE_CHECKING:
    from hygiesync.batch.checking import CheckedJobs
    from hygiesync.batch.driving import Stop, Tally
    from hygiesync.batch.engine import MakeWork
    from hygiesync.batch.local import LocalEngine
    from hygiesync.batch.ray_engine import RayEngine

_INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as shells have it."""

_COLUMN_OF = {"words_per_minute": "speed", "time_limit_s": "engine_timeout", "engine_arguments": "engine_args"}
"""Columns that are called otherwise than the library's parameters."""


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "batch", run, "make many videos, from a table or a folder of sounds",
        "Make many videos, as many at a time as this machine has cores and memory for.\n\n"
        "  hygiesync batch jobs.csv --out videos\n"
        "  hygiesync batch --avatar models/me lessons/ --out videos\n"
        "  hygiesync batch --avatar models/me a.wav b.wav --set crf=23 --set still=yes --out videos\n"
        "  hygiesync batch jobs.csv --out s3://bucket/videos --manifest jobs.done.jsonl --engine ray --address auto\n\n"
        "A table is CSV, with a heading, or JSONL. Its columns: avatar, and audio (a file) or text; or image and\n"
        "driving (a video); or videos to train from, with | between them; out (the output's name inside the folder\n"
        "of outputs); and the options of `render`, `say`, `animate` and `train`, such as fps, template, crf, voice.\n"
        "Paths are relative to the table; URLs such as s3://bucket/a.wav do as well.\n\n"
        "All rows are checked before anything begins. videos/manifest.jsonl says how each ended. Run the same command\n"
        "again after an interruption: what is there, made from the same, is kept. Ctrl-C ends after the videos under\n"
        "way, a second one at once. A job that fails stops no other; then the exit code is 3.",
    )  # fmt: skip
    parser.add_argument(
        "jobs", nargs="+", metavar="JOBS", help="a .csv or .jsonl, or sound files and folders (URLs: ending in a slash)"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder or URL of outputs")
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE", help="where it is told how each ended, when DIR is a URL"
    )
    parser.add_argument("--avatar", metavar="AVATAR", help="the avatar of sound files, and of rows without one")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="COLUMN=VALUE",
        help="a column's value where a row has none; may be given for several columns",
    )  # fmt: skip
    parser.add_argument(
        "--workers", dest="n_workers", type=int, metavar="N",
        help="videos to make at a time (one a core, as far as memory goes)",
    )  # fmt: skip
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local",
        help="processes of this machine, or Ray's tasks; Ray needs `pip install 'hygiesync[ray]'` (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--address", metavar="auto|HOST:PORT", help="Ray's cluster that exists; without, Ray is started on this machine"
    )
    parser.add_argument(
        "--max-duration", dest="max_duration_s", type=float, metavar="S", help="refuse longer sounds (seconds)"
    )
    parser.add_argument(
        "--split", dest="part_s", type=_part_s, metavar="auto|no|S",
        help="share long sound files among workers, in parts of five minutes or S seconds (no)",
    )  # fmt: skip
    common.json_file(parser, "how it went, and what failed,")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.batch_bar import BatchBar, figures
    from hygiesync.batch.doing import JobDoer
    from hygiesync.batch.driving import Stop, run_batch
    from hygiesync.batch.manifest import Manifest
    from hygiesync.batch.outputs import outputs_at
    from hygiesync.batch.splitting import Splitter

    _check(arguments)
    outputs, manifest_path = outputs_at(arguments.out), _manifest_path(arguments)
    jobs = _faultless(arguments, _checked(arguments))
    stop = Stop()
    work = partial(JobDoer, outputs, arguments.max_duration_s)
    with (
        Manifest(manifest_path, outputs) as manifest,
        outputs.without_leftovers(),
        _engine(arguments, work, len(jobs)) as engine,
        BatchBar(len(jobs), stop) as bar,
        _asked_by_ctrl_c(stop),
    ):
        splitter = Splitter(outputs, arguments.part_s)
        tally = run_batch(jobs, engine, manifest, splitter=splitter, stop=stop, tell=bar)
        elapsed_s = bar.elapsed_s
    names = common.option_names(arguments.parser)
    for outcome in tally.failures:
        reason = with_parameters_as({**_COLUMN_OF, **names}, outcome.error)
        common.say_so(one_line(f"row {outcome.job.row}, {outcome.job.out}: {reason}"))
    left = f", {tally.n_jobs - tally.n_ended} not made" if tally.n_ended < tally.n_jobs else ""
    common.finish(
        arguments,
        f"{arguments.out}: {tally.n_made} made, {tally.n_kept} kept{left}; {figures(tally, elapsed_s)};"
        f" each is in {manifest_path}",
        _results(tally, elapsed_s),
    )
    if stop.is_asked and tally.n_ended < tally.n_jobs:
        common.say_so("interrupted; the same command goes on")
        return _INTERRUPTED
    return InputError.exit_code if tally.failures else 0


def _manifest_path(arguments: argparse.Namespace) -> Path:
    """A storage can't add lines to a file, so there the manifest is elsewhere."""
    from hygiesync.batch.manifest import MANIFEST
    from hygiesync.batch.storage import is_url, without_file_protocol

    folder = without_file_protocol(arguments.out)
    if is_url(folder) != (arguments.manifest is not None):
        raise UsageError(
            "`manifest`: expected a file where `out` is a URL, and only there: in a folder it is called"
            f" {MANIFEST}; got {arguments.manifest or 'nothing'}"
        )
    return Path(arguments.manifest or Path(folder, MANIFEST))


def _engine(arguments: argparse.Namespace, work: MakeWork, n_jobs: int) -> LocalEngine | RayEngine:
    """What does the jobs."""
    if arguments.engine == "ray":
        require("ray", "a batch on Ray")
        from hygiesync.batch.ray_engine import RayEngine

        return RayEngine(work, arguments.address, arguments.n_workers)
    from hygiesync.batch.local import LocalEngine
    from hygiesync.batch.machine import free_memory, n_cores, n_workers

    return LocalEngine(work, min(arguments.n_workers or n_workers(n_cores(), free_memory()), n_jobs))


def _part_s(text: str) -> float | None:
    """The length of parts that an option asks for; None for none."""
    from hygiesync.batch.splitting import MIN_PART_S, PART_S

    if text in ("auto", "no"):
        return PART_S if text == "auto" else None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not MIN_PART_S <= value < float("inf"):
        raise UsageError(f"--split: expected auto, no or at least {MIN_PART_S:g} seconds, got {text!r}")
    return value


def _check(arguments: argparse.Namespace) -> None:
    if arguments.address is not None and arguments.engine != "ray":
        raise UsageError(f"`address`: expected with the engine ray only, got {arguments.address!r}")
    if arguments.n_workers is not None and arguments.n_workers < 1:
        raise UsageError(f"`n_workers`: expected at least 1, got {arguments.n_workers}")
    if arguments.max_duration_s is not None and not arguments.max_duration_s > 0:
        raise UsageError(f"`max_duration_s`: expected more than 0 s, got {arguments.max_duration_s:g}")


def _checked(arguments: argparse.Namespace) -> CheckedJobs:
    from hygiesync.batch.checking import check_rows
    from hygiesync.batch.kinds.registry import COLUMNS
    from hygiesync.batch.storage import is_url
    from hygiesync.batch.table import column_name, is_table, read_table, rows_of_files

    places: list[str] = arguments.jobs
    defaults: dict[str, str] = {}
    for setting in arguments.settings:
        written, equals, value = setting.partition("=")
        name = column_name(written)
        if not equals or not value or name not in COLUMNS:
            raise UsageError(f"`settings`: expected COLUMN=VALUE with one of {', '.join(COLUMNS)}; got {setting!r}")
        defaults[name] = value
    if arguments.avatar is not None:
        defaults["avatar"] = arguments.avatar if is_url(arguments.avatar) else str(Path(arguments.avatar).absolute())
    if any(is_table(Path(place)) for place in places):
        if is_url(places[0]):
            raise UsageError(f"`jobs`: expected a table of this machine, got {places[0]}; copy it here")
        if len(places) > 1:
            raise UsageError("`jobs`: expected one table, or sound files and folders; got both or several tables")
        rows, base = read_table(Path(places[0])), str(Path(places[0]).parent)
    elif "avatar" in defaults:
        rows, base = rows_of_files(places), "."
    else:
        raise UsageError("`avatar`: expected the avatar that says the sound files, got none; or name a .csv or .jsonl")
    return check_rows(rows, base=base, out=arguments.out, defaults=defaults)


def _faultless(arguments: argparse.Namespace, checked: CheckedJobs) -> list[Any]:
    """The jobs, when there is nothing wrong with any row; else all that is wrong is told."""
    named = ", ".join(arguments.jobs[:3])
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


def _results(tally: Tally, elapsed_s: float) -> dict[str, Any]:
    failures = [
        {"row": outcome.job.row, "out": outcome.job.out, "error": outcome.error, "tries": outcome.n_tries}
        for outcome in tally.failures
    ]
    return {
        "n_jobs": tally.n_jobs,
        "n_made": tally.n_made,
        "n_kept": tally.n_kept,
        "n_failed": len(failures),
        "seconds": elapsed_s,
        "sound_s": tally.sound_s,
        "work_s": tally.work_s,
        "rtf": elapsed_s / tally.sound_s if tally.sound_s else None,
        "failures": failures,
    }
