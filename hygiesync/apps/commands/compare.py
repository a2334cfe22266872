"""``hygiesync compare``: several renderers and engines on the same video."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.external.process import TIME_LIMIT_S


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "compare", run, "let several renderers and engines say the same video, and judge them side by side",
        "Let hygiesync's renderer and engines of others say the same video of the avatar's person, and judge each as\n"
        "`hygiesync evaluate` does, with pictures, times and memory.\n\n"
        "  hygiesync compare models/me held_out.mp4 --engines retrieval,musetalk --report compare.html\n\n"
        "The template is the video itself, half its length later: on pictures that show the very mouth that is asked\n"
        "for, painting engines look better than they are. Engines that are not installed are named and left out; see\n"
        "`hygiesync engines`.",
    )  # fmt: skip
    common.avatar(parser, "`hygiesync train`")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="video of the same person, not used in training")
    parser.add_argument(
        "--engines", default="retrieval,musetalk", metavar="A,B", help="which, with commas between (%(default)s)"
    )
    parser.add_argument("--report", required=True, type=Path, metavar="OUT.html", help="page to write")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the videos there")
    parser.add_argument(
        "--engine-timeout", dest="time_limit_s", type=float, default=TIME_LIMIT_S, metavar="S",
        help="seconds after which an engine is ended (%(default)g)",
    )  # fmt: skip
    common.json_file(parser, "the measures")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar
    from hygiesync.evaluation.engine_comparison import COMPARED, compare
    from hygiesync.evaluation.measures import format_table

    names = [name.strip() for name in arguments.engines.split(",") if name.strip()]
    avatar = load_avatar(arguments.avatar, VideoAvatar)
    with StageBars() as bars:
        made = compare(
            avatar, arguments.video, names, arguments.report,
            keep=arguments.keep, time_limit_s=arguments.time_limit_s, progress=bars,
        )  # fmt: skip
    for name, why in made.left_out.items():
        common.say_so(f"note: {name} is left out: {why}")
    results = {"rows": made.rows, "left_out": made.left_out}
    return common.finish(arguments, format_table(made.rows, COMPARED), results)
