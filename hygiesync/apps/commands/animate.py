"""``hygiesync animate``: a picture moves as the face in a video does."""

from __future__ import annotations

import argparse

from hygiesync.apps.commands import common, engine_options
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "animate", run, "make the face of one picture move as the face in a video does",
        "Carry the motion of a driving video onto a still picture: a photograph, a painting, a statue.\n\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out moving.mp4\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out moving.mp4 --best-frame --only mouth,eyes\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out swapped.mp4 --swap\n\n"
        "The driving face's motion since the video's first frame is added to the picture's own face, so that it keeps\n"
        "its identity: begin the video with the expression and direction of the picture, or let --best-frame look for\n"
        "that moment. The background stands still. Inside an opened mouth the driving face's teeth and tongue are\n"
        "seen. The video's sound is carried over.\n\n"
        "  hygiesync animate portrait.jpg driving.mp4 --out moving.mp4 --engine liveportrait\n\n"
        "With --engine another program moves the picture; see `hygiesync engines`.",
    )  # fmt: skip
    common.picture(parser)
    parser.add_argument("driving", metavar="DRIVING.mp4", help="video of the face that leads")
    parser.add_argument(
        "--driving-face", metavar="N|left|right|largest|speaking",
        help="whose face leads, where the video shows several; 1 is the leftmost (the clearly largest, or who speaks)",
    )  # fmt: skip
    common.audio_track(parser)
    common.out_mp4(parser)
    common.carrying(parser)
    parser.add_argument(
        "--only", default="mouth,eyes,pose", metavar="PARTS",
        help="which motion, of mouth,eyes,pose; brows and gaze go with the eyes (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--swap", dest="swaps", action="store_true", help="put the picture's face onto the driving video's head"
    )
    common.method(parser)
    engine_options.add(parser, "liveportrait")
    common.crf(parser)
    common.consent(parser)
    common.json_file(parser, "what was done")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.pipelines.animate import AnimateOptions, animate
    from hygiesync.portrait.transfer import TransferOptions

    only = tuple(part.strip() for part in arguments.only.split(",") if part.strip())
    transfer = common.chosen(arguments, TransferOptions, only=only)
    whose = "Do the persons shown in the picture and in the video" if arguments.swaps else "Does the person shown"
    with StageBars() as bars:
        result = animate(
            arguments.image,
            arguments.driving,
            arguments.out,
            common.chosen(arguments, AnimateOptions, transfer=transfer),
            has_consent=common.has_consent(arguments, f"{whose} agree to this video being made?"),
            progress=bars,
            warn=common.warner(arguments),
        )
    return common.finish(arguments, f"{arguments.out}: written", result)
