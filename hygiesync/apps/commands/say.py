"""``hygiesync say``: an avatar says a text."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common, engine_options
from hygiesync.apps.progress_bars import StageBars

if TYPE_CHECKING:
    from hygiesync.avatar.bundle import Avatar
    from hygiesync.pipelines.offline import RenderOptions
    from hygiesync.tts.voice import Voice


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "say", run, "make an avatar say a text, as an mp4",
        "Make an avatar say a text, read aloud by a voice that needs no network.\n\n"
        '  hygiesync say models/me "Hello, how are you?" --out hello.mp4\n'
        '  hygiesync say models/me "Bonjour !" --language fr --voice f3 --out bonjour.mp4\n'
        '  hygiesync say models/me "Hello, I am Vincent." --picture vangogh.jpg --out vangogh.mp4\n'
        "  hygiesync say models/me - --voice en_GB-alba-medium.onnx --out read.mp4 < story.txt\n\n"
        "espeak-ng speaks over a hundred languages, like a machine. A voice of Piper (two files, .onnx and\n"
        ".onnx.json) speaks one, like a person; it needs `pip install 'hygiesync[piper]'`.\n\n"
        '  hygiesync say portrait.jpg "Hello!" --out hello.mp4 --engine sadtalker\n\n'
        "With --engine another program makes the pictures, also of a bare picture; see `hygiesync engines`.",
    )  # fmt: skip
    common.avatar(parser)
    parser.add_argument("text", metavar="TEXT", help="what to say; - reads it from standard input")
    common.out_mp4(parser)
    parser.add_argument(
        "--language", default="en", metavar="L", help="such as en, en-us, fr, de, es, it, cmn (%(default)s)"
    )
    parser.add_argument(
        "--voice",
        metavar="V",
        help="espeak's variants, such as f3 or m2; flite-slt, -rms or -awb; or a Piper voice's .onnx file",
    )  # fmt: skip
    parser.add_argument(
        "--speed", dest="words_per_minute", type=int, default=150, metavar="WPM",
        help="words a minute, 80 to 450 (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--pitch", type=int, default=50, metavar="P", help="espeak's, 0 to 100 (%(default)s)")
    common.speaking(parser)
    parser.add_argument(
        "--picture", type=Path, metavar="IMAGE", help="a photograph, painting or statue that says it, led by the avatar"
    )
    parser.add_argument("--face", type=int, metavar="N", help="which face of the picture, 1 is the leftmost")
    common.method(parser)
    common.renderer(parser)
    engine_options.add(parser, "musetalk for filmed avatars, sadtalker for photos and pictures")
    common.consent(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.pipelines.offline import RenderOptions
    from hygiesync.pipelines.say import read_aloud, say
    from hygiesync.tts.voices import open_voice

    options = common.chosen(arguments, RenderOptions, fps=common.rate(arguments.fps))
    voice = open_voice(arguments.voice, arguments.language, arguments.words_per_minute, arguments.pitch)
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    if engine_options.is_picture(arguments):
        engine_options.speak(arguments, read_aloud(text, voice), options, is_text=True)
        return common.finish(arguments, f"{arguments.out}: written")
    avatar = load_avatar(arguments.avatar)
    if arguments.picture is not None:
        return _say_as_picture(arguments, avatar, text, options, voice)
    with StageBars() as bars:
        say(avatar, text, arguments.out, options, voice=voice, progress=bars)
    return common.finish(arguments, f"{arguments.out}: written")


def _say_as_picture(
    arguments: argparse.Namespace, avatar: Avatar, text: str, options: RenderOptions, voice: Voice
) -> int:
    from hygiesync.pipelines.animate import AnimateOptions
    from hygiesync.pipelines.say_as_picture import say_as_picture

    has_consent = common.has_consent(arguments, "Does the person shown agree to this video being made?")
    with StageBars() as bars:
        say_as_picture(
            avatar, arguments.picture, text, arguments.out, options,
            AnimateOptions(uses_best_frame=True, face=arguments.face, method=arguments.method),
            voice=voice, has_consent=has_consent, progress=bars, warn=common.warner(arguments),
        )  # fmt: skip
    return common.finish(arguments, f"{arguments.out}: written")
