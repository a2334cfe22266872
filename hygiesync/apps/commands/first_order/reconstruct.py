"""``hygiesync first-order reconstruct``: how near a model comes to real videos."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "reconstruct", run, "measure how near a model comes to real videos",
        "Make each test video anew from its first frame and its own motion, as published, and compare: L1 (mean\n"
        "difference of pixels, 0 to 1), the same of the first frame as it is (copy), sharpness against the real\n"
        "frames, and, where faces are found, AKD (pixels at 256) and MKR (share of faces that are lost).\n\n"
        "  hygiesync first-order reconstruct models/talks --data data/talks --json figures.json",
    )  # fmt: skip
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder that `first-order train` or `import` made")
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="folder of videos; their test part is used"
    )
    parser.add_argument("--max-videos", type=int, metavar="N", help="stop after so many; as configured when left out")
    parser.add_argument("--no-faces", dest="finds_faces", action="store_false", help="measure no AKD and MKR")
    common.json_file(parser, "all figures, by video")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.first_order.model import FirstOrderModel
    from hygiesync.first_order.reconstruction import reconstruct

    model = FirstOrderModel.load(arguments.model)
    with StageBars() as bars:
        result = reconstruct(
            model, arguments.data, max_videos=arguments.max_videos, finds_faces=arguments.finds_faces, progress=bars
        )
    lines = [
        f"L1 {result['l1']:.4f}, {result['ratio']:.2f} of copying the first frame ({result['copy_l1']:.4f});"
        f" sharpness {result['sharpness']:.2f} of the real"
    ]
    if result["akd"] is not None:
        lines.append(f"AKD {result['akd']:.2f} px at 256, MKR {result['mkr']:.3f}")
    return common.finish(arguments, "\n".join(lines), result)
