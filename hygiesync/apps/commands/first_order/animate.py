"""``hygiesync first-order animate``: a picture moves as a video does, by a model of your own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import UsageError

if TYPE_CHECKING:
    from hygiesync.first_order.model import FirstOrderModel
    from hygiesync.pipelines.first_order import FirstOrderOptions


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "animate", run, "make a picture move as a video does, by a learnt model",
        "Move a picture, or each picture of a folder, as a driving video moves. The model sees one square of each,\n"
        "which must be cut as what it learnt from: look at it with --crop-shown.\n\n"
        "  hygiesync first-order animate models/fox fox.png driving.mp4 --out moving.mp4\n"
        "  hygiesync first-order animate models/fox foxes/ driving.mp4 --out recordings/foxes\n"
        "  hygiesync first-order animate models/fox --pairs pairs.csv --out recordings/pairs\n"
        "  hygiesync first-order animate models/fox --data data/fox --out recordings/pairs\n\n"
        "Relative motion (the default) keeps the picture's own shape: begin the video as the picture is, or let\n"
        "--best-frame look for that moment.",
    )  # fmt: skip
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder that `first-order train` or `import` made")
    parser.add_argument("image", nargs="?", type=Path, metavar="IMAGE|DIR", help="picture, or folder of pictures")
    parser.add_argument("driving", nargs="?", type=Path, metavar="DRIVING", help="video, or folder of frames")
    parser.add_argument("--out", required=True, type=Path, metavar="OUT.mp4|DIR", help="video, or folder of videos")
    parser.add_argument(
        "--pairs", type=Path, metavar="FILE.csv", help="columns source and driving, a line for each pair"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="pairs of a data folder's test videos")
    common.carrying(parser, by_model=True)
    parser.add_argument(
        "--smoothing-s", type=float, default=0.0, metavar="S", help="smooth points over so long, seconds (%(default)g)"
    )
    common.squares(parser)
    parser.add_argument("--crop-shown", type=Path, metavar="FILE.png", help="write a picture of what is used")
    parser.add_argument(
        "--paste", dest="pastes", action="store_true", help="put the square back into the whole picture"
    )
    parser.add_argument("--frames", type=Path, metavar="DIR", help="also write lossless pictures, 000000.png and so on")
    common.crf(parser)
    common.consent(parser)
    common.json_file(parser, "what was done")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.first_order.keypoints import CarryOptions
    from hygiesync.first_order.model import FirstOrderModel
    from hygiesync.pipelines.first_order import FirstOrderOptions

    model = FirstOrderModel.load(arguments.model)
    usual = model.configuration.animation
    carry = CarryOptions(
        is_absolute=not usual.is_relative if arguments.is_absolute is None else arguments.is_absolute,
        adapts_scale=usual.adapts_scale if arguments.adapts_scale is None else arguments.adapts_scale,
        smoothing_s=arguments.smoothing_s,
    )
    options = common.chosen(arguments, FirstOrderOptions, carry=carry)
    has_consent = common.has_consent(arguments, "Do those shown in picture and video agree to this video being made?")
    with StageBars() as bars:
        result = _made(arguments, model, options, has_consent, bars)
    return common.finish(arguments, f"{arguments.out}: written", result)


def _made(
    arguments: argparse.Namespace,
    model: FirstOrderModel,
    options: FirstOrderOptions,
    has_consent: bool,
    bars: StageBars,
) -> dict[str, Any]:
    from hygiesync.pipelines.first_order import animate_first_order
    from hygiesync.pipelines.first_order_pairs import animate_pairs, pairs_of_csv, pairs_of_data, pairs_of_folder

    if arguments.pairs is not None:
        pairs = pairs_of_csv(arguments.pairs)
    elif arguments.data is not None:
        pairs = pairs_of_data(arguments.data, model.configuration.animation.n_pairs)
    elif arguments.image is None or arguments.driving is None:
        raise UsageError("`image`: expected a picture and a driving video, or `pairs`, or `data`")
    elif arguments.image.is_dir():
        pairs = pairs_of_folder(arguments.image, arguments.driving)
    else:
        return animate_first_order(
            model,
            arguments.image,
            arguments.driving,
            common.mp4(str(arguments.out)),
            options,
            has_consent=has_consent,
            progress=bars,
        )
    if options.frames is not None or options.crop_shown is not None:
        raise UsageError("`frames`: pictures and `crop_shown` are for a single video")
    return animate_pairs(model, pairs, arguments.out, options, has_consent=has_consent, progress=bars)
