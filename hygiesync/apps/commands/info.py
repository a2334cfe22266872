"""``hygiesync info``: what an avatar is made of."""

from __future__ import annotations

import argparse

from hygiesync.apps.commands import common


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "info", run, "show what an avatar is made of",
        "Check that every file of an avatar is as it was written, and show what is known of it.\n\n"
        "  hygiesync info models/me",
    )  # fmt: skip
    common.avatar(parser)
    common.json_file(parser, "it")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.info import describe, format_info

    content = describe(arguments.avatar)
    return common.finish(arguments, format_info(content), content)
