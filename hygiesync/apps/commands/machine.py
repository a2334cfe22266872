"""What tells of the machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.errors import MissingDependencyError


def add_devices(commands: common.Commands) -> None:
    """Options of ``hygiesync devices``."""
    parser = common.command(
        commands, "devices", "list microphones, loudspeakers and cameras",
        "List microphones, loudspeakers and cameras, with the numbers and names to choose them by; * is the default.",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the list to FILE")
    parser.set_defaults(run=run_devices)


def run_devices(arguments: argparse.Namespace) -> int:
    """``hygiesync devices``."""
    from hygiesync.devices.listing import list_devices

    common.check_json(arguments.json)
    devices = list_devices()
    common.write_json(arguments.json, devices.as_json())
    print(devices)
    return 0


def add_doctor(commands: common.Commands) -> None:
    """Options of ``hygiesync doctor``."""
    parser = common.command(
        commands, "doctor", "check this machine and say how to fix what is missing",
        "Check libraries, encoders and devices, and say how to fix what is missing.",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the checks to FILE")
    parser.set_defaults(run=run_doctor)


def run_doctor(arguments: argparse.Namespace) -> int:
    """``hygiesync doctor``."""
    from dataclasses import asdict

    from hygiesync.apps.doctor import diagnose, format_checks, has_failed

    common.check_json(arguments.json)
    checks = diagnose()
    common.write_json(arguments.json, [asdict(check) for check in checks])
    print(format_checks(checks))
    return MissingDependencyError.exit_code if has_failed(checks) else 0


def list_sound_devices() -> int:
    """``hygiesync live --list-devices``."""
    from hygiesync.devices.sound.devices import format_devices, list_input_devices, list_output_devices

    print(format_devices(list_input_devices(), list_output_devices()))
    return 0


COMMANDS = (add_devices, add_doctor)
