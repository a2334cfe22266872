"""``hygiesync doctor``: what this machine lacks."""

from __future__ import annotations

import argparse

from hygiesync.apps.commands import common
from hygiesync.errors import MissingDependencyError


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "doctor", run, "check this machine and say how to fix what is missing",
        "Check libraries, encoders and devices, and say how to fix what is missing.\n\n  hygiesync doctor",
    )  # fmt: skip
    common.json_file(parser, "the checks")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from dataclasses import asdict

    from hygiesync.apps.doctor import diagnose, format_checks, has_failed

    checks = diagnose()
    common.finish(arguments, format_checks(checks), [asdict(check) for check in checks])
    return MissingDependencyError.exit_code if has_failed(checks) else 0
