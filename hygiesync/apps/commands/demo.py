"""``hygiesync demo``: the whole way without a camera."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "demo", run, "make a synthetic talker, train on it, and render a sentence it never said",
        "Show the whole way without a camera, a microphone or the network: a portrait in the public domain is made to\n"
        "speak with espeak's voice, an avatar is trained on that video, and says a sentence that it never heard.\n\n"
        "  hygiesync demo",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("recordings"), metavar="DIR", help="for videos (%(default)s)")
    parser.add_argument(
        "--avatar", type=Path, default=Path("models/demo"), metavar="DIR", help="avatar to make (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.demo import run_demo

    with StageBars() as bars:
        result = run_demo(arguments.out, arguments.avatar, bars)
    return common.finish(arguments, result.text)
