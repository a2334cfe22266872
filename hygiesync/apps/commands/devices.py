"""``hygiesync devices``: microphones, loudspeakers and cameras."""

from __future__ import annotations

import argparse

from hygiesync.apps.commands import common


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "devices", run, "list microphones, loudspeakers and cameras",
        "List microphones, loudspeakers and cameras, with the numbers and names to choose them by; * is the default.\n"
        "\n"
        "  hygiesync devices",
    )  # fmt: skip
    common.json_file(parser, "the list")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.devices.listing import list_devices

    devices = list_devices()
    return common.finish(arguments, str(devices), devices.as_json())
