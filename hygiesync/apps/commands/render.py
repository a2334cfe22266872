"""``hygiesync render``: an avatar says a sound file."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common, engine_options
from hygiesync.apps.progress_bars import StageBars


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "render", run, "make an avatar say a sound file, as an mp4",
        "Make an avatar say a sound file. The result is as long as the sound.\n\n"
        "  hygiesync render models/me speech.wav --out said.mp4\n"
        "  hygiesync render models/me speech.wav --out dubbed.mp4 --template holiday.mp4\n"
        "  hygiesync render models/me speech.wav --out portrait.mp4 --still\n\n"
        "With --template the mouth in that video is replaced, at the video's own frame times. A template longer than\n"
        "the sound is cut; one shorter than the sound is played forth and back, without a jump. Where its face is\n"
        "missing, turned away or covered by a hand, its pictures stay as they are, and the mouth fades out and in.\n\n"
        "With --still only the mouth moves: on the idle loop's picture with the quietest mouth, or with --template on\n"
        "such a picture of the video's first seconds.\n\n"
        "  hygiesync render models/me speech.wav --out painted.mp4 --engine musetalk\n"
        "  hygiesync render portrait.jpg speech.wav --out painted.mp4 --engine sadtalker\n\n"
        "With --engine another program makes the mouth, or moves the picture; see `hygiesync engines`.",
    )  # fmt: skip
    common.avatar(parser)
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="wav, mp3, mp4 ...: any file with sound")
    common.out_mp4(parser)
    parser.add_argument("--template", type=Path, metavar="VIDEO", help="video of the same person, to be dubbed")
    parser.add_argument("--still", action="store_true", help="use one picture of the template, which stands still")
    common.face_of_video(parser, "the template's person who looks like the avatar")
    common.audio_track(parser)
    common.speaking(parser)
    parser.add_argument(
        "--lookahead-ms", type=common.lookahead_ms, default=float("inf"), metavar="N|all",
        help="how far ahead the network may hear: the whole recording, or as little as `live` does (all)",
    )  # fmt: skip
    parser.add_argument("--landmarks-only", action="store_true", help="draw the moving landmarks on black")
    parser.add_argument("--codec", default="libx264", help="FFmpeg's name of the video encoder (%(default)s)")
    common.crf(parser)
    parser.add_argument(
        "--encoder-preset", dest="preset", default="veryfast", metavar="P", help="x264's speed (%(default)s)"
    )
    common.renderer(parser)
    engine_options.add(parser, "musetalk for filmed avatars, sadtalker for photos")
    common.consent(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.pipelines.offline import RenderOptions, render

    options = common.chosen(arguments, RenderOptions, fps=common.rate(arguments.fps))
    if engine_options.is_picture(arguments):
        engine_options.speak(arguments, arguments.audio, options)
        return common.finish(arguments, f"{arguments.out}: written")
    avatar = load_avatar(arguments.avatar)
    with StageBars() as bars:
        render(avatar, arguments.audio, arguments.out, options, progress=bars, warn=common.warner(arguments))
    return common.finish(arguments, f"{arguments.out}: written")
