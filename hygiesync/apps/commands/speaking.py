"""What lets an avatar speak: a sound file, a text, a microphone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common, machine
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import InputError, UsageError

if TYPE_CHECKING:
    from hygiesync.apps.live.stopping import StopRequest


def add_render(commands: common.Commands) -> None:
    """Options of ``hygiesync render``."""
    parser = common.command(
        commands, "render", "make an avatar say a sound file, as an mp4",
        "Make an avatar say a sound file. The result is as long as the sound.\n\n"
        "  hygiesync render models/me speech.wav --out said.mp4\n"
        "  hygiesync render models/me speech.wav --out dubbed.mp4 --template holiday.mp4\n"
        "  hygiesync render models/me speech.wav --out portrait.mp4 --still\n\n"
        "With --template the mouth in that video is replaced, at the video's own frame times. A template longer than\n"
        "the sound is cut; one shorter than the sound is played forth and back, without a jump. Where its face is\n"
        "missing, turned away or covered by a hand, its pictures stay as they are, and the mouth fades out and in.\n\n"
        "With --still only the mouth moves: on the idle loop's picture with the quietest mouth, or with --template on\n"
        "such a picture of the video's first seconds.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` or `photo` made")
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="wav, mp3, mp4 ...: any file with sound")
    parser.add_argument("--out", required=True, type=common.mp4, metavar="OUT.mp4", help="video to write")
    parser.add_argument("--template", type=Path, metavar="VIDEO", help="video of the same person, to be dubbed")
    parser.add_argument("--still", action="store_true", help="use one picture of the template, which stands still")
    parser.add_argument("--fps", metavar="F", help="pictures a second, 1 to 240; 29.97 means 30000/1001")
    parser.add_argument(
        "--expressiveness", type=float, default=1.0, metavar="X",
        help="how far the mouth goes from rest, 0 to 2; 1 is as the person does (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--lookahead-ms", type=common.lookahead_ms, default=float("inf"), metavar="N|all",
        help="how far ahead the network may hear: the whole recording, or as little as `live` does (all)",
    )  # fmt: skip
    parser.add_argument("--landmarks-only", action="store_true", help="draw the moving landmarks on black")
    parser.add_argument("--codec", default="libx264", help="FFmpeg's name of the video encoder (%(default)s)")
    parser.add_argument("--crf", type=int, default=17, help="quality, 0 (lossless) to 51 (%(default)s)")
    parser.add_argument("--encoder-preset", default="veryfast", metavar="P", help="x264's speed (%(default)s)")
    parser.set_defaults(run=run_render)


def run_render(arguments: argparse.Namespace) -> int:
    """``hygiesync render``."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.pipelines.offline import RenderOptions, render
    from hygiesync.timing import parse_fps

    options = RenderOptions(
        template=arguments.template,
        fps=None if arguments.fps is None else parse_fps(arguments.fps),
        still=arguments.still,
        landmarks_only=arguments.landmarks_only,
        expressiveness=arguments.expressiveness,
        lookahead_ms=arguments.lookahead_ms,
        crf=arguments.crf,
        preset=arguments.encoder_preset,
        codec=arguments.codec,
    )
    avatar = load_avatar(arguments.avatar)
    with StageBars() as bars:
        render(avatar, arguments.audio, arguments.out, options, progress=bars)
    print(f"{arguments.out}: written")
    return 0


def add_say(commands: common.Commands) -> None:
    """Options of ``hygiesync say``."""
    parser = common.command(
        commands, "say", "make an avatar say a text, as an mp4",
        "Make an avatar say a text, read aloud by a voice that needs no network.\n\n"
        '  hygiesync say models/me "Hello, how are you?" --out hello.mp4\n'
        '  hygiesync say models/me "Bonjour !" --language fr --voice f3 --out bonjour.mp4\n'
        "  hygiesync say models/me - --voice en_GB-alba-medium.onnx --out read.mp4 < story.txt\n\n"
        "espeak-ng speaks over a hundred languages, like a machine. A voice of Piper (two files, .onnx and\n"
        ".onnx.json) speaks one, like a person; it needs `pip install 'hygiesync[piper]'`.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` or `photo` made")
    parser.add_argument("text", metavar="TEXT", help="what to say; - reads it from standard input")
    parser.add_argument("--out", required=True, type=common.mp4, metavar="OUT.mp4", help="video to write")
    parser.add_argument(
        "--language", default="en", metavar="L", help="such as en, en-us, fr, de, es, it, cmn (%(default)s)"
    )
    parser.add_argument(
        "--voice",
        metavar="V",
        help="espeak's variants, such as f3 or m2; flite-slt, -rms or -awb; or a Piper voice's .onnx file",
    )
    parser.add_argument("--speed", type=int, default=150, metavar="WPM", help="words a minute, 80 to 450 (%(default)s)")
    parser.add_argument("--pitch", type=int, default=50, metavar="P", help="espeak's, 0 to 100 (%(default)s)")
    parser.add_argument("--fps", metavar="F", help="pictures a second, 1 to 240; 29.97 means 30000/1001")
    parser.add_argument(
        "--expressiveness", type=float, default=1.0, metavar="X",
        help="how far the mouth goes from rest, 0 to 2; 1 is as the person does (%(default)g)",
    )  # fmt: skip
    parser.set_defaults(run=run_say)


def run_say(arguments: argparse.Namespace) -> int:
    """``hygiesync say``."""
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.pipelines.offline import RenderOptions
    from hygiesync.pipelines.say import say
    from hygiesync.timing import parse_fps
    from hygiesync.tts.voices import open_voice

    options = RenderOptions(
        fps=None if arguments.fps is None else parse_fps(arguments.fps), expressiveness=arguments.expressiveness
    )
    voice = open_voice(arguments.voice, arguments.language, arguments.speed, arguments.pitch)
    avatar = load_avatar(arguments.avatar)
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    with StageBars() as bars:
        say(avatar, text, voice, arguments.out, options, bars)
    print(f"{arguments.out}: written")
    return 0


def add_live(commands: common.Commands) -> None:
    """Options of ``hygiesync live``."""
    parser = common.command(
        commands, "live", "a window in which an avatar says what the microphone hears",
        "Open a window in which an avatar says what the microphone hears.\n\n"
        "  hygiesync live models/me\n"
        "  hygiesync live models/me --input-device USB --record recordings/said.mp4\n"
        "  hygiesync live models/me --input-device speech.wav --no-window --json measured.json\n\n"
        "Keys: M mute, space pause, Z freeze the head, R record, S statistics, F full screen, X mirror,\n"
        "backspace begin anew, H all keys, Q quit.\n\n"
        "If the microphone is unplugged or the sound server restarts, the mouth rests until it is back.\n"
        "Latency is measured from a sample's arrival to the picture of that moment on the screen. Most of it is the\n"
        "lookahead, by which the lips are more exact; with --lookahead-ms 0 they are earlier and less so.",
    )  # fmt: skip
    parser.add_argument(
        "avatar", type=Path, nargs="?", metavar="AVATAR", help="folder that `hygiesync train` or `photo` made"
    )
    parser.add_argument(
        "--input-device", metavar="NAME|INDEX|FILE",
        help="microphone by part of its name or its number, or a sound file, played as if spoken (the default one)",
    )  # fmt: skip
    parser.add_argument("--list-devices", action="store_true", help="list microphones and speakers, and end")
    parser.add_argument(
        "--lookahead-ms", type=float, metavar="N", help="how far ahead the network may hear (as the avatar was trained)"
    )
    parser.add_argument("--fps", default="60", metavar="F", help="pictures a second, 1 to 240 (%(default)s)")
    parser.add_argument(
        "--expressiveness", type=float, default=1.0, metavar="X",
        help="how far the mouth goes from rest, 0 to 2; 1 is as the person does (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--output", default="window", choices=("window", "virtual-camera", "none"),
        help="where the pictures go; a virtual camera is seen by video calls (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--no-window", action="store_true", help="the same as --output none")
    parser.add_argument("--full-screen", action="store_true", help="begin in full screen")
    parser.add_argument("--mirror", action="store_true", help="begin mirrored")
    parser.add_argument("--statistics", action="store_true", help="begin with statistics shown")
    parser.add_argument("--monitor", action="store_true", help="play the sound, delayed to match the picture")
    parser.add_argument("--record", type=common.mp4, metavar="OUT.mp4", help="record picture and sound from the start")
    parser.add_argument("--duration", type=float, metavar="S", help="end by itself after S seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to FILE at the end")
    parser.set_defaults(run=run_live)


def run_live(arguments: argparse.Namespace) -> int:
    """``hygiesync live``."""
    from hygiesync.apps.live.stopping import stop_signals

    if arguments.list_devices:
        return machine.list_sound_devices()
    with stop_signals() as stop:  # before all that takes long
        return _run_live(arguments, stop)


def _run_live(arguments: argparse.Namespace, stop: StopRequest) -> int:
    from hygiesync.apps.live.options import LiveOptions
    from hygiesync.apps.live.session import run_live
    from hygiesync.apps.live.summary import format_result
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.timing import parse_fps

    if arguments.avatar is None:
        raise UsageError("live: expected the avatar's folder, such as models/me; `hygiesync train` makes one")
    if arguments.no_window and arguments.output == "virtual-camera":
        raise UsageError("live: --no-window and --output virtual-camera exclude each other; leave one of them out")
    common.check_json(arguments.json)
    options = LiveOptions(
        input_device=arguments.input_device,
        fps=parse_fps(arguments.fps),
        lookahead_ms=arguments.lookahead_ms,
        expressiveness=arguments.expressiveness,
        output="none" if arguments.no_window else arguments.output,
        monitor=arguments.monitor,
        record=arguments.record,
        duration_s=arguments.duration,
        full_screen=arguments.full_screen,
        mirror=arguments.mirror,
        statistics=arguments.statistics,
    )
    stop.check()
    result = run_live(load_avatar(arguments.avatar), options, common.warn, stop)
    print(format_result(result))
    common.write_json(arguments.json, result)
    if result["failure"]:
        raise InputError(result["failure"])
    return 0


COMMANDS = (add_render, add_say, add_live)
