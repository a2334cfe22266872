"""``hygiesync engines``: programs of others that can make the pictures."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from hygiesync.apps.commands import common

if TYPE_CHECKING:
    from hygiesync.external.interface import EngineCard


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "engines", run, "list programs of others that can make the pictures, and how to install them",
        "Programs that others trained and that hygiesync can drive, each in a folder and a process of its own.\n"
        "Nothing of them comes with hygiesync, and nothing of them is imported.\n\n"
        "  hygiesync engines                 what there is, and what of it is installed\n"
        "  hygiesync engines musetalk        how to install it, step by step\n\n"
        "They lie in the folder `engines`, or where the environment variable HYGIESYNC_ENGINES says.",
    )  # fmt: skip
    parser.add_argument("name", nargs="?", metavar="NAME", help="one of them, with its steps")
    common.json_file(parser, "the list")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.external.installation import install_steps
    from hygiesync.external.registry import ENGINES, external_engine

    names = [arguments.name] if arguments.name else list(ENGINES)
    cards = [external_engine(name).card for name in names]
    text = "\n\n".join(_describe(card) for card in cards)
    if arguments.name:
        text += f"\n\nTo install it:\n\n{install_steps(cards[0])}\n`hygiesync doctor` then says what is missing."
    else:
        text += "\n\n`hygiesync engines NAME` says how to install one."
    return common.finish(arguments, text, [_as_data(card) for card in cards])


def _describe(card: EngineCard) -> str:
    from hygiesync.external.installation import find_installation

    lines = {
        "state": find_installation(card).describe(),
        "makes": card.ability.value,
        "code": f"{card.code_licence}, {card.repository} at {card.commit[:10]}",
        "weights": card.weights_licence,
        "hardware": card.hardware,
    }
    return "\n".join([f"{card.name}  ({card.title})", *(f"  {name:<9} {value}" for name, value in lines.items())])


def _as_data(card: EngineCard) -> dict[str, Any]:
    from hygiesync.external.installation import find_installation, install_steps

    found = find_installation(card)
    return {
        "name": card.name, "title": card.title, "ability": card.ability.value, "state": found.state.value,
        "folder": str(found.home), "missing": list(found.missing), "repository": card.repository,
        "commit": card.commit, "code_licence": card.code_licence, "weights_licence": card.weights_licence,
        "hardware": card.hardware, "steps": install_steps(card).splitlines(),
    }  # fmt: skip
