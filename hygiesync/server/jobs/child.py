"""The process that does one job: ``python -m hygiesync.server.jobs.child FOLDER MEMORY CPU_S``.

What strangers send is opened here and nowhere else, within limits of memory and processor time, at a low priority so
that conversations go on. It tells how far it is on stdout, a line of JSON each time, and ends with the exit code that
the command line would.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from hygiesync.concurrency.processes import end_with_parent
from hygiesync.errors import HygieSyncError
from hygiesync.server.jobs.job import INPUT, PHOTO, RENDER, RESULT, SAY, TRAIN, Job

_NICE = 10

_EVERY_S = 0.2
"""Shortest time between two reports of progress (seconds)."""

_MAX_FILE_BYTES = 16 * 1024**3


def main(arguments: list[str]) -> int:
    """Do the job in a folder.

    Parameters
    ----------
    arguments : list of str
        Its folder, and the limits of memory (bytes) and processor time (seconds).
    """
    folder = Path(arguments[0])
    _limit(int(arguments[1]), int(arguments[2]))
    try:
        tell("result", _do(Job.load(folder), folder))
    except HygieSyncError as error:
        tell("error", str(error).replace(str(folder / INPUT), "the file").replace(f"{folder}{os.sep}", ""))
        return error.exit_code
    except MemoryError:
        tell("error", "the work needs more memory than the server gives to one job; make the file smaller")
        return 3
    return 0


def tell(what: str, value: Any) -> None:
    """A line to the server."""
    sys.stdout.write(json.dumps({what: value}) + "\n")
    sys.stdout.flush()


class _Reporter:
    """Tells of progress, not too often."""

    def __init__(self) -> None:
        self._last: tuple[str, float] = ("", 0.0)

    def __call__(self, stage: str, done: int, total: int, note: str) -> None:
        now_s = time.monotonic()
        if stage != self._last[0] or now_s - self._last[1] >= _EVERY_S or done >= total:
            self._last = stage, now_s
            tell("progress", [stage, done, total])


def _limit(memory_bytes: int, cpu_s: int) -> None:
    end_with_parent()
    os.nice(_NICE)
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
    ):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _do(job: Job, folder: Path) -> dict[str, Any]:
    work = {RENDER: _render, SAY: _say, PHOTO: _photo, TRAIN: _train}[job.kind]
    return work(job.options, folder)


def _render(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.pipelines.offline import RenderOptions, render

    unfinished = _unfinished(folder)
    wanted = RenderOptions(expressiveness=options["expressiveness"])
    render(load_avatar(options["directory"]), folder / INPUT, unfinished, wanted, progress=_Reporter())
    return _whole(unfinished, folder)


def _say(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.pipelines.offline import RenderOptions
    from hygiesync.pipelines.say import say
    from hygiesync.tts.voices import open_voice

    unfinished = _unfinished(folder)
    voice = open_voice(options["voice"] or None, options["language"], options["words_per_minute"], options["pitch"])
    wanted = RenderOptions(expressiveness=options["expressiveness"])
    avatar = load_avatar(options["directory"])
    say(avatar, options["text"], unfinished, wanted, voice=voice, progress=_Reporter())
    return _whole(unfinished, folder)


def _photo(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    from hygiesync.building.from_photo import avatar_from_photo

    tell("progress", ["making an avatar", 0, 1])
    avatar_from_photo(
        folder / INPUT,
        options["out"],
        has_consent=options["consent"],
        max_side=options["max_side"],
        warn=lambda note: tell("note", note.replace(str(folder / INPUT), "the picture")),
    )
    return {"avatar": Path(options["out"]).name}


def _train(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    from hygiesync.building.from_video import train
    from hygiesync.evaluation.training_report.page import make_report

    out = Path(options["out"])
    is_begun = out.with_name(f".{out.name}.training").exists()
    avatar = train(
        folder / INPUT,
        out,
        preset=options["preset"],
        resume=is_begun,
        has_consent=options["consent"],
        progress=_Reporter(),
        warn=lambda note: tell("note", note.replace(str(folder / INPUT), "the video")),
        report=make_report,
    )
    return {"avatar": out.name, "validation": avatar.manifest.training["validation"]}


def _unfinished(folder: Path) -> Path:
    return folder / f"unfinished-{RESULT}"


def _whole(unfinished: Path, folder: Path) -> dict[str, Any]:
    unfinished.replace(folder / RESULT)
    return {"bytes": (folder / RESULT).stat().st_size}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
