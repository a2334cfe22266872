"""``hygiesync first-order swap``: parts of a picture in the place of those in a video."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import UsageError


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "swap", run, "put parts of a picture into a video, by a learnt model",
        "Put a picture's face, or its lips, eyes or brows, into a video, moved as the video moves. Parts of a face\n"
        "are found by its landmarks. A model of co-segmentation has parts of its own, which go by number:\n\n"
        "  hygiesync first-order swap models/vox portrait.jpg driving.mp4 --parts lips,eyes --out swapped.mp4\n"
        "  hygiesync first-order swap models/vox-5segments a.jpg b.mp4 --segments 1,2,5 --out swapped.mp4\n\n"
        "Picture and video are blended as the model sees them, and painted by it; all beyond the parts stays as it\n"
        "was filmed. Models for it: `first-order import vox-first-order.pth.tar --config vox-first-order`, or any\n"
        "that knows both faces.",
    )  # fmt: skip
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder that `first-order train` or `import` made")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="picture whose parts are taken")
    parser.add_argument("driving", type=Path, metavar="DRIVING.mp4", help="video that they are put into")
    common.out_mp4(parser)
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument(
        "--parts", dest="regions", type=_names, default=("face",), metavar="PARTS",
        help="some of face,lips,eyes,brows (face)",
    )  # fmt: skip
    parts.add_argument(
        "--segments", type=_numbers, default=(), metavar="N,N", help="numbers of a co-segmentation model's own parts"
    )
    parser.add_argument("--hard", dest="is_hard", action="store_true", help="segments are taken wholly or not at all")
    parser.add_argument(
        "--picture-outline", dest="follows_picture", action="store_true",
        help="parts have the outlines that they have in the picture, moved; else those in the video",
    )  # fmt: skip
    common.squares(parser)
    common.crf(parser)
    common.consent(parser)
    common.json_file(parser, "what was done")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.first_order.swapping import load_swapping_model
    from hygiesync.pipelines.first_order_swap import SwapOptions, swap_parts

    model = load_swapping_model(arguments.model)
    agrees = "Do the persons shown in the picture and in the video agree to this video being made?"
    with StageBars() as bars:
        result = swap_parts(
            model,
            arguments.image,
            arguments.driving,
            arguments.out,
            common.chosen(arguments, SwapOptions),
            has_consent=common.has_consent(arguments, agrees),
            progress=bars,
        )
    return common.finish(arguments, f"{arguments.out}: written", result)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _names(text))
    except ValueError:
        raise UsageError(f"`segments`: expected numbers such as 1,2,5, got {text!r}") from None
