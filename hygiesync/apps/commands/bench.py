"""``hygiesync bench``: how fast an avatar is on this machine."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import UsageError


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "bench", run, "measure the speed of an avatar on this machine",
        "Time each part of rendering on one thread, beside what it is compared with, in one run.\n\n"
        "  hygiesync bench models/me --size 1280x720",
    )  # fmt: skip
    common.avatar(parser, "`hygiesync train`")
    parser.add_argument(
        "--size", action="append", metavar="WxH", help="picture size, may be repeated (512x512 and 1920x1080)"
    )
    parser.add_argument(
        "--training-video", type=Path, metavar="VIDEO", help="also time training on VIDEO against a bare FaceMesh pass"
    )
    parser.add_argument(
        "--batch", dest="n_batch", type=int, default=0, metavar="N",
        help="also time a batch of N short sound files in several ways (200 take five minutes)",
    )  # fmt: skip
    common.json_file(parser, "the measures")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.benchmarks.bench import bench, format_bench
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar

    if arguments.n_batch < 0:
        raise UsageError(f"`n_batch`: expected 0 or more files, got {arguments.n_batch}")
    sizes = [_parse_size(text) for text in arguments.size or ("512x512", "1920x1080")]
    with StageBars() as bars:
        avatar = load_avatar(arguments.avatar, VideoAvatar)
        result = bench(avatar, sizes, arguments.training_video, arguments.n_batch, progress=bars)
    return common.finish(arguments, format_bench(result), result)


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if match is None:
        raise UsageError(f"`size`: expected WIDTHxHEIGHT such as 1280x720, got {text!r}")
    return int(match[1]), int(match[2])
