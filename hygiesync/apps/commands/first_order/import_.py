"""``hygiesync first-order import``: a published checkpoint becomes a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "import", run, "turn a published checkpoint into a model",
        "Read a checkpoint in the published layout (vox-cpk.pth.tar and its like), without running anything in it,\n"
        "check each tensor, and write a model without pickle.\n\n"
        "  hygiesync first-order import vox-adv-cpk.pth.tar --config vox-adv --out models/vox-adv\n\n"
        "The weights' own licence goes on to apply.",
    )  # fmt: skip
    parser.add_argument("checkpoint", type=Path, metavar="FILE.pth.tar", help="checkpoint to read")
    parser.add_argument("--config", required=True, metavar="NAME|FILE", help="what it was trained with")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="model to make, such as models/vox-adv")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.extras import require

    require("train", "importing a checkpoint")
    from hygiesync.first_order.configurations import read_configuration
    from hygiesync.first_order.learning.building import import_model

    import_model(arguments.checkpoint, read_configuration(arguments.config), arguments.out)
    return common.finish(arguments, f"{arguments.out}: made from {arguments.checkpoint}")
