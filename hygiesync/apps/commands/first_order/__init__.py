"""``hygiesync first-order``: learnt motion, for whatever moves. Each of its own commands is a file here."""

from __future__ import annotations

import argparse
from importlib import import_module

from hygiesync.apps.commands import common

COMMANDS = ("prepare", "train", "import_", "quantise", "reconstruct", "animate", "swap")
"""Modules, in the order that help shows them in."""


def add(commands: common.Commands) -> None:
    """The command, and its own commands."""
    parser = common.command(
        commands, "first-order", _run, "learn from your own videos how things move, and move a picture so",
        "The neural first order motion model: it learns key points by itself, on faces, bodies, robots, foxes.\n\n"
        "  hygiesync first-order prepare clips/*.mp4 --crop none --out data/fox\n"
        "  hygiesync first-order train --config cpu-128 --data data/fox --out models/fox\n"
        "  hygiesync first-order animate models/fox fox.png driving.mp4 --out moving.mp4\n"
        "  hygiesync first-order import vox-adv-cpk.pth.tar --config vox-adv --out models/vox-adv\n"
        "  hygiesync first-order reconstruct models/fox --data data/fox --json figures.json",
    )  # fmt: skip
    own = parser.add_subparsers(dest="first_order", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"{__name__}.{name}").add(own)


def _run(arguments: argparse.Namespace) -> int:
    raise AssertionError("argparse asks for one of the commands")
