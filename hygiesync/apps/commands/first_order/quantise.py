"""``hygiesync first-order quantise``: a model that counts in 8 bits."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "quantise", run, "make a model faster: its heavy networks count in 8 bits",
        "Write a model again whose motion and painting networks count in whole numbers of 8 bits, in ranges measured\n"
        "on videos. On processors with instructions for it, larger models take about half the time, and pictures\n"
        "change a little: by how much is said. The key point detector keeps its precision.\n\n"
        "  hygiesync first-order quantise models/vox --data data/talks --out models/vox-int8",
    )  # fmt: skip
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder that `first-order train` or `import` made")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="videos like those it is for")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="model to make, such as models/vox-int8")
    common.json_file(parser, "how much pictures change")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.extras import require

    require("train", "quantising a model")
    from hygiesync.first_order.learning.quantising import quantise

    with StageBars() as bars:
        figures = quantise(arguments.model, arguments.data, arguments.out, bars)
    text = (
        f"{arguments.out}: pictures change by {figures['change']:.4f} (mean, 0 to 1); L1 against real ones"
        f" {figures['l1']:.4f}, before {figures['l1_before']:.4f}"
    )
    return common.finish(arguments, text, figures)
