"""What tells of an avatar: how exact, how fast, what it is made of, and how others can use it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import UsageError


def add_evaluate(commands: common.Commands) -> None:
    """Options of ``hygiesync evaluate``."""
    parser = common.command(
        commands, "evaluate", "compare an avatar with a real video of the same person",
        "Dub a real video with its own sound, and compare the lips with the real ones. Four rows:\n\n"
        "  reencoded  the real video through the same encoder: the best that can be\n"
        "  oracle     the real coefficients through our renderer: what the renderer costs\n"
        "  ours       the sound through network and renderer\n"
        "  mean       a mouth that never moves: what no skill gives",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="video of the same person, not used in training")
    parser.add_argument("--report", type=Path, metavar="OUT.html", help="write a page with curves and pictures")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the four videos there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measures to FILE")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """``hygiesync evaluate``."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar
    from hygiesync.evaluation.evaluate import evaluate, format_table

    common.check_json(arguments.json)
    avatar = load_avatar(arguments.avatar, VideoAvatar)
    with StageBars() as bars:
        rows = evaluate(avatar, arguments.video, keep=arguments.keep, report=arguments.report, progress=bars)
    common.write_json(arguments.json, rows)
    print(format_table(rows))
    return 0


def add_bench(commands: common.Commands) -> None:
    """Options of ``hygiesync bench``."""
    parser = common.command(
        commands, "bench", "measure the speed of an avatar on this machine",
        "Time each part of rendering on one thread, beside what it is compared with, in one run.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument(
        "--size", action="append", metavar="WxH", help="picture size, may be repeated (512x512 and 1920x1080)"
    )
    parser.add_argument(
        "--training-video", type=Path, metavar="VIDEO", help="also time training on VIDEO against a bare FaceMesh pass"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measures to FILE")
    parser.set_defaults(run=run_bench)


def run_bench(arguments: argparse.Namespace) -> int:
    """``hygiesync bench``."""
    from hygiesync.apps.benchmarks.bench import bench, format_bench
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar

    common.check_json(arguments.json)
    sizes = [_parse_size(text) for text in arguments.size or ("512x512", "1920x1080")]
    with StageBars() as bars:
        result = bench(load_avatar(arguments.avatar, VideoAvatar), sizes, arguments.training_video, progress=bars)
    common.write_json(arguments.json, result)
    print(format_bench(result))
    return 0


def add_export(commands: common.Commands) -> None:
    """Options of ``hygiesync export``."""
    parser = common.command(
        commands, "export", "write what another runtime needs to move this person's lips",
        "Write the speech model for use without hygiesync: in a browser, a game, on a phone.\n\n"
        "  hygiesync export models/me --out exported/me\n\n"
        "The folder holds the network as one ONNX step, the mel filters, the way from coefficients to landmarks,\n"
        "metadata.json with all numbers that go with them, and a reference: two seconds of sound and what each step\n"
        "makes of it. README.md explains them, and has a short program that checks itself against the reference; it\n"
        "needs numpy, onnxruntime and safetensors only.\n\n"
        "No picture of the person is in it. The gate that holds the mouth at rest in silence isn't either: README.md\n"
        "says what to do instead. A folder that an earlier export wrote is replaced; anything else is left alone.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make, such as exported/me")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write metadata.json's content to FILE too")
    parser.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace) -> int:
    """``hygiesync export``."""
    from hygiesync.export.export import export
    from hygiesync.plain_text import one_line

    common.check_json(arguments.json)
    metadata = export(arguments.avatar, arguments.out)
    common.write_json(arguments.json, metadata)
    reference = metadata["reference"]
    print(
        f"{one_line(str(arguments.out))}: written; its README.md has a program that checks another runtime against"
        f" {reference['n_frames']} reference frames"
    )
    return 0


def add_info(commands: common.Commands) -> None:
    """Options of ``hygiesync info``."""
    parser = common.command(
        commands, "info", "show what an avatar is made of", "Check an avatar and show what is in it."
    )
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it to FILE")
    parser.set_defaults(run=run_info)


def run_info(arguments: argparse.Namespace) -> int:
    """``hygiesync info``."""
    from hygiesync.apps.info import describe, format_info

    common.check_json(arguments.json)
    content = describe(arguments.avatar)
    common.write_json(arguments.json, content)
    print(format_info(content))
    return 0


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if match is None:
        raise UsageError(f"size: expected WIDTHxHEIGHT such as 1280x720, got {text!r}")
    return int(match[1]), int(match[2])


COMMANDS = (add_evaluate, add_bench, add_export, add_info)
