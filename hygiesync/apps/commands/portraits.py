"""What makes a still picture move."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add_animate(commands: common.Commands) -> None:
    """Options of ``hygiesync animate``."""
    parser = common.command(
        commands, "animate", "make the face of one picture move as the face in a video does",
        "Carry the motion of a driving video onto a still picture: a photograph, a painting, a statue.\n\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out moving.mp4\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out moving.mp4 --best-frame --only mouth,eyes\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out swapped.mp4 --swap\n\n"
        "The driving face's motion since the video's first frame is added to the picture's own face, so that it keeps\n"
        "its identity: begin the video with the expression and direction of the picture, or let --best-frame look for\n"
        "that moment. The background stands still. Inside an opened mouth the driving face's teeth and tongue are\n"
        "seen. The video's sound is carried over.",
    )  # fmt: skip
    parser.add_argument("image", type=Path, metavar="IMAGE", help="picture with a face: PNG, JPEG, WebP, BMP or TIFF")
    parser.add_argument("driving", type=Path, metavar="DRIVING.mp4", help="video of the face that leads")
    parser.add_argument("--out", required=True, type=common.mp4, metavar="OUT.mp4", help="video to write")
    manner = parser.add_mutually_exclusive_group()
    manner.add_argument(
        "--relative", dest="absolute", action="store_false", default=False,
        help="the driving face's motion only (default)",
    )  # fmt: skip
    manner.add_argument(
        "--absolute", dest="absolute", action="store_true", help="the driving face's own shape and direction, too"
    )
    parser.add_argument(
        "--adapt-scale", action=argparse.BooleanOptionalAction, default=True,
        help="scale movements to the picture's face; without, they are as large as in the video (on)",
    )  # fmt: skip
    parser.add_argument(
        "--best-frame", action="store_true",
        help="measure motion from the driving frame most like the picture, not from the first one",
    )  # fmt: skip
    parser.add_argument(
        "--only", default="mouth,eyes,pose", metavar="PARTS",
        help="which motion, of mouth,eyes,pose; brows and gaze go with the eyes (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--face", type=int, metavar="N", help="which face of the picture, 1 is the leftmost")
    parser.add_argument("--swap", action="store_true", help="put the picture's face onto the driving video's head")
    parser.add_argument("--method", default="mesh", choices=("mesh",), help="how the picture is moved (%(default)s)")
    parser.add_argument(
        "--crf", type=int, default=17, metavar="N", help="x264's quality; lower is better (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was done to FILE")
    parser.set_defaults(run=run_animate)


def add_photo(commands: common.Commands) -> None:
    """Options of ``hygiesync photo``."""
    parser = common.command(
        commands, "photo", "make an avatar from one picture, without any training",
        "Make an avatar from one picture: a photograph, a painting, a statue.\n\n"
        "  hygiesync photo mona_lisa.jpg --out models/mona\n"
        '  hygiesync say models/mona "Hello, I have been smiling for five hundred years." --out hello.mp4\n'
        "  hygiesync live models/mona\n\n"
        "It breathes, blinks, looks about and speaks with any voice, since it hears with the generic speech model.\n"
        "Teeth and tongue are made where the picture shows none. Five minutes of video make a better likeness: see\n"
        "`hygiesync train`.",
    )  # fmt: skip
    parser.add_argument("image", type=Path, metavar="IMAGE", help="picture with a face: PNG, JPEG, WebP, BMP or TIFF")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="avatar to make, such as models/mona")
    parser.add_argument("--face", type=int, metavar="N", help="which face of the picture, 1 is the leftmost")
    parser.add_argument(
        "--max-side", type=int, default=768, metavar="N",
        help="longest side of the avatar's pictures, pixels; smaller is faster (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--i-have-consent", action="store_true", help="the person shown agrees to this avatar; recorded in it"
    )
    parser.set_defaults(run=run_photo)


def run_photo(arguments: argparse.Namespace) -> int:
    """``hygiesync photo``."""
    from hygiesync.building.from_photo import avatar_from_photo

    avatar = avatar_from_photo(
        arguments.image,
        arguments.out,
        face=arguments.face,
        has_consent=arguments.i_have_consent,
        max_side=arguments.max_side,
        warn=common.warn,
    )
    print(
        f"{arguments.out}: {avatar.manifest.width} x {avatar.manifest.height} pixels; let it speak with"
        f' `hygiesync say {shlex.quote(str(arguments.out))} "Hello." --out hello.mp4`'
    )
    return 0


def run_animate(arguments: argparse.Namespace) -> int:
    """``hygiesync animate``."""
    from hygiesync.pipelines.animate import AnimateOptions, animate
    from hygiesync.portrait.transfer import TransferOptions

    common.check_json(arguments.json)
    transfer = TransferOptions(
        is_absolute=arguments.absolute,
        adapts_scale=arguments.adapt_scale,
        only=tuple(part.strip() for part in arguments.only.split(",") if part.strip()),
    )
    options = AnimateOptions(
        transfer=transfer,
        uses_best_frame=arguments.best_frame,
        face=arguments.face,
        swaps=arguments.swap,
        method=arguments.method,
        crf=arguments.crf,
    )
    with StageBars() as bars:
        result = animate(arguments.image, arguments.driving, arguments.out, options, progress=bars, warn=common.warn)
    common.write_json(arguments.json, result)
    print(f"{arguments.out}: written")
    return 0


COMMANDS = (add_photo, add_animate)
