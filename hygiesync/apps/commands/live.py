"""``hygiesync live``: an avatar says what the microphone hears."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common
from hygiesync.errors import InputError, UsageError

if TYPE_CHECKING:
    from hygiesync.apps.live.stopping import StopRequest


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "live", run, "a window in which an avatar says what the microphone hears",
        "Open a window in which an avatar says what the microphone hears.\n\n"
        "  hygiesync live models/me\n"
        "  hygiesync live models/me --input-device USB --record recordings/said.mp4\n"
        "  hygiesync live models/me --input-device speech.wav --no-window --json measured.json\n"
        "  hygiesync live portrait.jpg --drive 0 --method first-order\n\n"
        "Keys: M mute, space pause, Z freeze the head, R record, S statistics, F full screen, X mirror,\n"
        "backspace begin anew, H all keys, Q quit.\n\n"
        "If the microphone is unplugged or the sound server restarts, the mouth rests until it is back.\n"
        "Latency is measured from a sample's arrival to the picture of that moment on the screen. Most of it is the\n"
        "lookahead, by which the lips are more exact; with --lookahead-ms 0 they are earlier and less so.\n\n"
        "With --drive a camera, or a video in its place, moves a still picture; nothing is heard. Look as the picture\n"
        "does when it begins, or press backspace to begin anew.",
    )  # fmt: skip
    parser.add_argument(
        "avatar", nargs="?", type=Path, metavar="AVATAR|IMAGE", help="avatar, or with --drive a picture to be moved"
    )
    parser.add_argument(
        "--drive", metavar="CAMERA|VIDEO", help="camera by number or part of its name, or a video, that moves a picture"
    )
    common.method(parser)
    parser.add_argument(
        "--input-device", metavar="NAME|INDEX|FILE",
        help="microphone by part of its name or its number, or a sound file, played as if spoken (the default one)",
    )  # fmt: skip
    parser.add_argument("--list-devices", action="store_true", help="list microphones and speakers, and end")
    parser.add_argument(
        "--lookahead-ms", type=float, metavar="N", help="how far ahead the network may hear (as the avatar was trained)"
    )
    common.speaking(parser, fps="60")
    common.renderer(parser)
    parser.add_argument(
        "--output", default="window", choices=("window", "virtual-camera", "none"),
        help="where the pictures go; a virtual camera is seen by video calls (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--no-window", dest="has_window", action="store_false", help="the same as --output none")
    parser.add_argument("--full-screen", action="store_true", help="begin in full screen")
    parser.add_argument("--mirror", action="store_true", help="begin mirrored")
    parser.add_argument("--statistics", action="store_true", help="begin with statistics shown")
    parser.add_argument("--monitor", action="store_true", help="play the sound, delayed to match the picture")
    parser.add_argument("--record", type=common.mp4, metavar="OUT.mp4", help="record picture and sound from the start")
    parser.add_argument("--duration", dest="duration_s", type=float, metavar="S", help="end by itself after S seconds")
    common.consent(parser)
    common.json_file(parser, "what was measured")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.apps.live.stopping import stop_signals

    if arguments.list_devices:
        from hygiesync.devices.sound.devices import format_devices, list_input_devices, list_output_devices

        return common.finish(arguments, format_devices(list_input_devices(), list_output_devices()))
    with stop_signals() as stop:  # before all that takes long
        return _run(arguments, stop)


def _run(arguments: argparse.Namespace, stop: StopRequest) -> int:
    if arguments.drive is not None:
        return _run_driven(arguments, stop)
    from hygiesync.apps.live.options import LiveOptions
    from hygiesync.apps.live.session import run_live
    from hygiesync.apps.live.summary import format_result
    from hygiesync.avatar.loading import load_avatar

    if arguments.avatar is None:
        raise UsageError("live: expected the avatar's folder, such as models/me; `hygiesync train` makes one")
    options = common.chosen(arguments, LiveOptions, fps=common.rate(arguments.fps), output=_output(arguments))
    stop.check()
    avatar = load_avatar(arguments.avatar).with_renderer(arguments.renderer)
    if arguments.life is not None:
        avatar = avatar.with_life(arguments.life)
    result = run_live(avatar, options, common.warner(arguments), stop)
    code = common.finish(arguments, format_result(result), result)
    if result["failure"]:
        raise InputError(result["failure"])
    return code


def _run_driven(arguments: argparse.Namespace, stop: StopRequest) -> int:
    from hygiesync.extras import require

    require("photo", "moving a picture")
    from hygiesync.apps.live.driven import DrivenOptions, run_driven

    if arguments.avatar is None:
        raise UsageError("live: expected a picture for --drive to move, such as portrait.jpg")
    options = common.chosen(arguments, DrivenOptions, output=_output(arguments))
    stop.check()
    result = run_driven(arguments.avatar, options, stop)
    text = (
        f"{result['duration_s']:.1f} s, {result['pictures_per_s']:.1f} pictures/s, {result['n_frames_skipped']} frames"
        f" skipped; latency {result['latency_ms']['p50']:.0f} ms, p95 {result['latency_ms']['p95']:.0f} ms"
    )
    return common.finish(arguments, text, result)


def _output(arguments: argparse.Namespace) -> str:
    if not arguments.has_window and arguments.output == "virtual-camera":
        raise UsageError("live: --no-window and --output virtual-camera exclude each other; leave one of them out")
    return str(arguments.output) if arguments.has_window else "none"
