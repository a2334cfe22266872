"""``hygiesync first-order prepare``: videos become folders of square frames."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "prepare", run, "turn videos into folders of square frames to learn from",
        "Cut videos into square pieces and write each as a folder of PNG frames: fifty clips of some seconds are a\n"
        "good beginning. With faces, each piece is one face that stays about where it is; a face that goes far, a cut\n"
        "or a frame without a face begins a new piece.\n\n"
        "  hygiesync first-order prepare talks/*.mp4 --out data/talks --size 128 --hold-out-s 4\n"
        "  hygiesync first-order prepare robot*.mp4 --out data/robot --crop none\n\n"
        "Who is shown is read off a video's name, up to a # in it.",
    )  # fmt: skip
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="video to learn from")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make, such as data/talks")
    parser.add_argument("--size", type=int, default=256, metavar="N", help="side of the frames, pixels (%(default)s)")
    parser.add_argument(
        "--crop", default="face", metavar="face|none", help="around the face, or the picture's middle (%(default)s)"
    )
    parser.add_argument(
        "--margin", type=float, default=0.3, metavar="X", help="room around a face, as a part of it (%(default)g)"
    )
    parser.add_argument(
        "--hold-out-s",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds at each video's end to test on (%(default)g)",
    )
    parser.add_argument("--test", dest="is_test", action="store_true", help="all of these videos are to test on")
    parser.add_argument("--add", dest="adds", action="store_true", help="add to what the folder has already")
    parser.add_argument(
        "--min-frames", type=int, default=64, metavar="N", help="leave shorter pieces out (%(default)s)"
    )
    common.json_file(parser, "how much was made")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.extras import require
    from hygiesync.first_order.preparation import PreparationOptions, prepare

    require("photo", "cutting around faces")
    with StageBars() as bars:
        result = prepare(
            arguments.videos,
            arguments.out,
            common.chosen(arguments, PreparationOptions),
            adds=arguments.adds,
            progress=bars,
        )
    text = f"{arguments.out}: {result['n_pieces']} pieces, {result['n_frames']} frames"
    return common.finish(arguments, text, result)
