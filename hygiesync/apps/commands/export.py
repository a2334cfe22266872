"""``hygiesync export``: a person's lips for other runtimes."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "export", run, "write what another runtime needs to move this person's lips",
        "Write the speech model for use without hygiesync: in a browser, a game, on a phone.\n\n"
        "  hygiesync export models/me --out exported/me\n\n"
        "The folder holds the network as one ONNX step, the mel filters, the way from coefficients to landmarks,\n"
        "metadata.json with all numbers that go with them, and a reference: two seconds of sound and what each step\n"
        "makes of it. README.md explains them, and has a short program that checks itself against the reference; it\n"
        "needs numpy, onnxruntime and safetensors only.\n\n"
        "No picture of the person is in it. The gate that holds the mouth at rest in silence isn't either: README.md\n"
        "says what to do instead. A folder that an earlier export wrote is replaced; anything else is left alone.",
    )  # fmt: skip
    common.avatar(parser, "`hygiesync train`")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make, such as exported/me")
    common.json_file(parser, "metadata.json's content, too,")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar
    from hygiesync.exporting.export import export
    from hygiesync.plain_text import one_line

    metadata = export(load_avatar(arguments.avatar, VideoAvatar), arguments.out)
    return common.finish(
        arguments,
        f"{one_line(str(arguments.out))}: written; its README.md has a program that checks another runtime against"
        f" {metadata['reference']['n_frames']} reference frames",
        metadata,
    )
