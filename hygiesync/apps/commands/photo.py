"""``hygiesync photo``: one picture becomes an avatar."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from hygiesync.apps.commands import common


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "photo", run, "make an avatar from one picture, without any training",
        "Make an avatar from one picture: a photograph, a painting, a statue.\n\n"
        "  hygiesync photo mona_lisa.jpg --out models/mona\n"
        '  hygiesync say models/mona "Hello, I have been smiling for five hundred years." --out hello.mp4\n'
        "  hygiesync live models/mona\n\n"
        "It breathes, blinks, looks about and speaks with any voice, since it hears with the generic speech model.\n"
        "Teeth and tongue are made where the picture shows none. Five minutes of video make a better likeness: see\n"
        "`hygiesync train`.",
    )  # fmt: skip
    common.picture(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="avatar to make, such as models/mona")
    parser.add_argument(
        "--max-side", type=int, default=768, metavar="N",
        help="longest side of the avatar's pictures, pixels; smaller is faster (%(default)s)",
    )  # fmt: skip
    common.consent(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.building.from_photo import avatar_from_photo

    avatar = avatar_from_photo(
        arguments.image,
        arguments.out,
        face=arguments.face,
        has_consent=common.has_consent(arguments, "Does the person shown agree to this avatar being made?"),
        max_side=arguments.max_side,
        warn=common.warner(arguments),
    )
    return common.finish(
        arguments,
        f"{arguments.out}: {avatar.manifest.width} x {avatar.manifest.height} pixels; let it speak with"
        f' `hygiesync say {shlex.quote(str(arguments.out))} "Hello." --out hello.mp4`',
    )
