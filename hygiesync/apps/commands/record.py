"""``hygiesync record``: film what training needs."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "record", run, "film the five minutes that training needs, with a text to read",
        "Film yourself with webcam and microphone, reading a text that holds every sound of your language.\n\n"
        "  hygiesync record me\n"
        "  hygiesync record me --language fr --camera 1 --input-device USB\n"
        "  hygiesync record me --resume\n\n"
        "A window shows the picture, the sentence to read, and what to do better: light, distance, loudness. Twenty\n"
        "seconds of silence come first, then 44 sentences in four manners. A sentence that went wrong is read again,\n"
        "and left out of the video. The keys are shown by H.\n\n"
        "Everything goes to recordings/NAME/: NAME.mp4, which survives a crash, NAME.cut.mp4 without what was read\n"
        "again, where anything was, and manifest.json with the time of each sentence. In the end you are offered to\n"
        "train on it. A video and a wav in place of camera and microphone are played in real time.",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="name of the recording, and of the avatar to come, such as me")
    parser.add_argument(
        "--language", default="en", choices=("en", "fr", "de", "es"), help="language of the text (%(default)s)"
    )
    parser.add_argument(
        "--camera", metavar="INDEX|NAME|FILE", help="camera, or a video in its place; `hygiesync devices` lists them"
    )
    parser.add_argument(
        "--input-device", metavar="INDEX|NAME|FILE.wav", help="microphone, or a sound file in its place"
    )
    common.face_of_video(parser, "the largest")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the recording (recordings/NAME)")
    parser.add_argument("--text", type=Path, metavar="FILE", help="your own sentences, one on each line")
    parser.add_argument(
        "--seconds-of-silence", type=float, default=20.0, metavar="S",
        help="length of the silence that becomes the idle loop, 0 to 120 (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--no-window", dest="has_window", action="store_false", help="no window; each sentence has its usual time"
    )
    parser.add_argument("--duration", dest="duration_s", type=float, metavar="S", help="stop after S seconds of video")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted recording, in a further video")
    parser.add_argument("--overwrite", action="store_true", help="replace a recording of that name")
    common.json_file(parser, "what was recorded")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.record.options import RecordOptions
    from hygiesync.apps.record.recorder import record

    result = record(common.chosen(arguments, RecordOptions), common.say_so)
    common.finish(arguments, result.summary(), result.to_dict())
    if result.is_complete and result.videos and common.asks("Train an avatar on it now? [y/N] "):
        from hygiesync.apps.cli import main

        return main(result.train_arguments)
    return 0
