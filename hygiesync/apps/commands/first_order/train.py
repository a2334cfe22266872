"""``hygiesync first-order train``: a folder of videos becomes a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "train", run, "learn from a folder of videos how things move",
        "Learn key points and motion from videos without any labels. The configurations cpu-64, cpu-128 and cpu-256\n"
        "are made for ordinary processors; bair, fashion, mgif, nemo, taichi, taichi-adv, vox and vox-adv are the\n"
        "published ones, for GPUs.\n\n"
        "  hygiesync first-order train --config cpu-64 --data data/talks --out models/talks\n"
        "  hygiesync first-order train --config my.yaml --data data/fox --out models/fox --resume\n"
        "  torchrun --nproc-per-node 2 -m hygiesync first-order train --config vox --data data/vox --out models/vox\\\n"
        "      --device cuda\n\n"
        "While it runs, models/.NAME.training holds sheet.png (look at it), log.csv, and the checkpoint that --resume\n"
        "goes on from after an interruption, to the same weights to the bit.",
    )  # fmt: skip
    parser.add_argument("--config", required=True, metavar="NAME|FILE", help="configuration, by name or a YAML file")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="videos, or frames from `prepare`")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="model to make, such as models/fox")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="begin with these weights: a .pth.tar, or a model's folder"
    )
    parser.add_argument("--vgg", type=Path, metavar="FILE", help="VGG19's weights for the perceptual loss")
    parser.add_argument("--device", default="cpu", metavar="cpu|cuda", help="where to train (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted run of the same kind stopped")
    common.consent(parser)
    common.json_file(parser, "the last epoch's figures")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.extras import require

    require("train", "training")
    from hygiesync.first_order.configurations import read_configuration
    from hygiesync.first_order.learning.building import train_model

    configuration = read_configuration(arguments.config)
    has_consent = common.has_consent(arguments, "Do the people shown agree to this model being made?")
    with StageBars() as bars:
        figures = train_model(
            configuration,
            arguments.data,
            arguments.out,
            checkpoint=arguments.checkpoint,
            vgg=arguments.vgg,
            device=arguments.device,
            resume=arguments.resume,
            has_consent=has_consent,
            progress=bars,
        )
    ratio = figures["watched_l1"] / max(figures["watched_copy_l1"], 1e-9)
    text = f"{arguments.out}: on watched clips {ratio:.2f} times the difference of a copied source; see report.html"
    return common.finish(arguments, text, figures)
