"""``hygiesync evaluate``: how near an avatar is to the real mouth."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "evaluate", run, "compare an avatar with a real video of the same person",
        "Dub a real video with its own sound, and compare the lips with the real ones.\n\n"
        "  hygiesync evaluate models/me held_out.mp4 --report report.html\n\n"
        "Four rows:\n\n"
        "  reencoded  the real video through the same encoder: the best that can be\n"
        "  oracle     the real coefficients through our renderer: what the renderer costs\n"
        "  ours       the sound through network and renderer\n"
        "  mean       a mouth that never moves: what no skill gives",
    )  # fmt: skip
    common.avatar(parser, "`hygiesync train`")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="video of the same person, not used in training")
    parser.add_argument("--report", type=Path, metavar="OUT.html", help="write a page with curves and pictures")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the four videos there")
    common.renderer(parser)
    common.json_file(parser, "the measures")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar
    from hygiesync.evaluation.evaluate import evaluate, format_table

    avatar = load_avatar(arguments.avatar, VideoAvatar).with_renderer(arguments.renderer)
    with StageBars() as bars:
        rows = evaluate(avatar, arguments.video, keep=arguments.keep, report=arguments.report, progress=bars)
    return common.finish(arguments, format_table(rows), rows)
