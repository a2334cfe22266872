"""What all commands share: how they are described, what they say to people, and the results that they write."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hygiesync.errors import InputError, UsageError

Commands = argparse._SubParsersAction
"""What parsers of commands are added to."""

EXIT_CODES = """\
exit codes: 0 done, 1 a fault of hygiesync's own, 2 wrong usage, 3 bad input, 4 missing device or dependency"""


def command(commands: Commands, name: str, summary: str, details: str) -> argparse.ArgumentParser:
    """A new command's parser: a line for the list of commands, and a page for its own help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=details,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def say_so(message: str) -> None:
    """A line to whoever watches, on stderr."""
    print(f"hygiesync: {message}", file=sys.stderr)


def warn(message: str) -> None:
    """A line of what should be known, and stops nothing."""
    say_so(f"note: {message}")


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def asks(question: str) -> bool:
    """A person's answer to a question; no where nobody can be asked."""
    if not is_terminal():
        return False
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def lookahead_ms(text: str) -> float:
    """An option's milliseconds of lookahead, or infinitely many for ``all``."""
    return float("inf") if text == "all" else float(text)


def mp4(name: str) -> Path:
    """An argument that names an mp4 to write: another ending would promise another kind of file."""
    path = Path(name)
    if path.suffix.lower() not in (".mp4", ".m4v") and not path.is_dir():
        raise UsageError(f"{name}: expected a name that ends in .mp4, which is what is written")
    return path


def check_json(path: Path | None) -> None:
    """Refuse an unwritable result file before hours of work, not after."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise InputError(f"{path}: can't be written; expected the name of a file in a folder that exists")


def write_json(path: Path | None, content: Any) -> None:
    """Write what was measured, where that is asked for."""
    if path is None:
        return
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from error
