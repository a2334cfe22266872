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
        "frames, and, where faces are found, AKD (pixels at 256) and MKR (share of faces that are lost). AED, the\n"
        "distance of who is shown, needs a network of yours that knows persons: an ONNX file that takes one picture\n"
        "(1, 3, h, w), float32, RGB, 0 to 1, and gives features.\n\n"
        "  hygiesync first-order reconstruct models/talks --data data/talks --json figures.json\n"
        "  hygiesync first-order reconstruct models/talks --data data/talks --embedder persons.onnx",
    )  # fmt: skip
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder that `first-order train` or `import` made")
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="folder of videos; their test part is used"
    )
    parser.add_argument("--max-videos", type=int, metavar="N", help="stop after so many; as configured when left out")
    parser.add_argument("--no-faces", dest="finds_faces", action="store_false", help="measure no AKD and MKR")
    parser.add_argument("--embedder", type=Path, metavar="FILE.onnx", help="a network that knows persons, for AED")
    common.json_file(parser, "all figures, by video")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.first_order.identity import IdentityEmbedder
    from hygiesync.first_order.model import FirstOrderModel
    from hygiesync.first_order.reconstruction import reconstruct

    model = FirstOrderModel.load(arguments.model)
    embedder = None if arguments.embedder is None else IdentityEmbedder(arguments.embedder)
    with StageBars() as bars:
        result = reconstruct(
            model, arguments.data, max_videos=arguments.max_videos, finds_faces=arguments.finds_faces,
            embedder=embedder, progress=bars,
        )  # fmt: skip
    lines = [
        f"L1 {result['l1']:.4f}, {result['ratio']:.2f} of copying the first frame ({result['copy_l1']:.4f});"
        f" sharpness {result['sharpness']:.2f} of the real"
    ]
    if result["akd"] is not None:
        lines.append(f"AKD {result['akd']:.2f} px at 256, MKR {result['mkr']:.3f}")
    if result["aed"] is not None:
        lines.append(f"AED {result['aed']:.3f}, by {arguments.embedder.name}")
    return common.finish(arguments, "\n".join(lines), result)
