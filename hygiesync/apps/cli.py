"""The command line: all commands in one parser, and how errors become one line and an exit code."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from hygiesync.apps.commands import common
from hygiesync.errors import HygieSyncError
from hygiesync.plain_text import one_line, with_parameters_as
from hygiesync.version import __version__

COMMANDS = (
    "check", "record", "train", "demo", "render", "say", "batch", "live", "serve", "photo", "animate", "first_order",
    "evaluate", "compare", "engines", "bench", "export", "info", "devices", "doctor",
)  # fmt: skip
"""Each is the name of its module, too; this is the order that help shows them in."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

PIPE_CLOSED = 141
"""Exit code when nobody reads on what is printed, as of ``hygiesync info models/me | head -1``; as shells have it."""

_DESCRIPTION = """\
Make one person's face speak any audio, in real time, on a CPU.

  hygiesync check me.mp4 speech.mp3 face.jpg            are these files fit, and what would be taken from them?
  hygiesync record me                                   five minutes of video, with a text to read
  hygiesync train recordings/me/me.mp4 --out models/me  become an avatar
  hygiesync render models/me speech.wav --out said.mp4  the avatar says a sound file
  hygiesync batch jobs.csv --out videos                 many at once, from a table or a folder
  hygiesync live models/me                              the avatar says what the microphone hears, as you speak
  hygiesync serve models/me                             the avatar in a browser, on a tablet, for programs
  hygiesync evaluate models/me held_out.mp4             how near is it to the real mouth?
  hygiesync photo face.jpg --out models/face            one picture becomes an avatar, without training
  hygiesync animate face.jpg driving.mp4 --out out.mp4  one picture moves as the face in a video does
  hygiesync demo                                        see it all work without a camera
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        "hygiesync",
        description=_DESCRIPTION,
        epilog=common.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hygiesync {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"hygiesync.apps.commands.{name}").add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Without the program's name; the process's own arguments when left out.

    Returns
    -------
    int
        Exit code: 0 done, 1 our own fault, 2 wrong usage, 3 bad input, 4 missing device or dependency.
    """
    _print_whatever_comes()
    logging.basicConfig(format="hygiesync: %(message)s", level=logging.WARNING, stream=sys.stderr)
    names: dict[str, str] = {}
    try:
        try:
            arguments = build_parser().parse_args(argv)
        except SystemExit as stop:  # argparse has said what was wrong, or shown the help
            return int(stop.code or 0)
        names = common.option_names(arguments.parser)
        common.check_json(getattr(arguments, "json", None))
        code = int(arguments.run(arguments))
        sys.stdout.flush()  # a closed pipe is found out here, not while Python ends
        return code
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except HygieSyncError as error:
        print(f"hygiesync: error: {one_line(with_parameters_as(names, str(error)))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hygiesync: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("HYGIESYNC_DEBUG"):
            raise
        print(
            f"hygiesync: a fault of its own: {type(error).__name__}: {error}; please report it with what"
            " HYGIESYNC_DEBUG=1 shows",
            file=sys.stderr,
        )
        return HygieSyncError.exit_code


def _print_whatever_comes() -> None:
    """Write names that the terminal's encoding doesn't have as escapes: no work is lost for a letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Keep Python from flushing into the closed pipe once more as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
