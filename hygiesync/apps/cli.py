"""The command line: what can be asked for, and how errors become one line and an exit code.

Only argparse is imported here, so that ``--help`` answers at once; a command's work is imported when it is asked for.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from hygiesync import __version__
from hygiesync.apps.plain_text import one_line
from hygiesync.errors import HygieSyncError

EXIT_CODES = """\
exit codes: 0 done, 1 a fault of hygiesync's own, 2 wrong usage, 3 bad input, 4 missing device or dependency"""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

_DESCRIPTION = """\
Make one person's face speak any audio, in real time, on a CPU.

  hygiesync record me                                   five minutes of video, with a text to read
  hygiesync train recordings/me/me.mp4 --out models/me  become an avatar
  hygiesync render models/me speech.wav --out said.mp4  the avatar says a sound file
  hygiesync live models/me                              the avatar says what the microphone hears, as you speak
  hygiesync evaluate models/me held_out.mp4             how near is it to the real mouth?
  hygiesync demo                                        see it all work without a camera
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        "hygiesync", description=_DESCRIPTION, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"hygiesync {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        _add_record, _add_train, _add_render, _add_say, _add_live, _add_evaluate, _add_bench, _add_demo, _add_export,
        _add_info, _add_devices, _add_doctor,
    ):  # fmt: skip
        add(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, details: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=details,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_record(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "record", "film the five minutes that training needs, with a text to read",
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
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the recording (recordings/NAME)")
    parser.add_argument("--text", type=Path, metavar="FILE", help="your own sentences, one on each line")
    parser.add_argument(
        "--seconds-of-silence", type=float, default=20.0, metavar="S",
        help="length of the silence that becomes the idle loop, 0 to 120 (%(default)g)",
    )  # fmt: skip
    parser.add_argument("--no-window", action="store_true", help="no window; each sentence has its usual time")
    parser.add_argument("--duration", type=float, metavar="S", help="stop after S seconds of video")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted recording, in a further video")
    parser.add_argument("--overwrite", action="store_true", help="replace a recording of that name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was recorded to FILE")


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "train", "make an avatar from a video of one person speaking",
        "Make an avatar from videos of one person speaking: five minutes, frontal, well lit, with clear sound.\n"
        "Say some sentences, and sit still and silent for twenty seconds: that becomes the idle loop.\n\n"
        "  hygiesync train recordings/me.mp4 --out models/me --i-have-consent",
    )  # fmt: skip
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="video with the speaker's face and voice")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="avatar to make, such as models/me")
    parser.add_argument(
        "--preset", default="balanced", choices=("fast", "balanced", "best"), help="how long to train (%(default)s)"
    )
    parser.add_argument(
        "--lookahead-ms", type=float, default=80.0, metavar="N",
        help="how far ahead the network may hear, 0 to 200; more is more exact, and later when live (%(default)g)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="seed of all that is random (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted run of the same kind stopped")
    parser.add_argument(
        "--fix-offset", action="store_true",
        help="where the video's sound is clearly late or early against the lips, learn as if it were in time",
    )  # fmt: skip
    parser.add_argument(
        "--i-have-consent", action="store_true", help="the person shown agrees to this avatar; recorded in it"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the training's measures to FILE")
    parser.add_argument(
        "--words", action="append", type=Path, metavar="FILE.csv",
        help="what is said when: lines of start_s,end_s,word (sil is silence); adds errors by word to the report;"
        " once for each video, in their order",
    )  # fmt: skip


def _add_render(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
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
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="wav, mp3, mp4 ...: any file with sound")
    parser.add_argument("--out", required=True, type=Path, metavar="OUT.mp4", help="video to write")
    parser.add_argument("--template", type=Path, metavar="VIDEO", help="video of the same person, to be dubbed")
    parser.add_argument("--still", action="store_true", help="use one picture of the template, which stands still")
    parser.add_argument("--fps", metavar="F", help="pictures a second, 1 to 240; 29.97 means 30000/1001")
    parser.add_argument(
        "--expressiveness", type=float, default=1.0, metavar="X",
        help="how far the mouth goes from rest, 0 to 2; 1 is as the person does (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--lookahead-ms", type=float, metavar="N",
        help="how far ahead the network may hear, to see what `live` draws with less (as the avatar was trained)",
    )  # fmt: skip
    parser.add_argument("--landmarks-only", action="store_true", help="draw the moving landmarks on black")
    parser.add_argument("--codec", default="libx264", help="FFmpeg's name of the video encoder (%(default)s)")
    parser.add_argument("--crf", type=int, default=17, help="quality, 0 (lossless) to 51 (%(default)s)")
    parser.add_argument("--encoder-preset", default="veryfast", metavar="P", help="x264's speed (%(default)s)")


def _add_say(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "say", "make an avatar say a text, as an mp4",
        "Make an avatar say a text, read aloud by a voice that needs no network.\n\n"
        '  hygiesync say models/me "Hello, how are you?" --out hello.mp4\n'
        '  hygiesync say models/me "Bonjour !" --language fr --voice f3 --out bonjour.mp4\n'
        "  hygiesync say models/me - --voice en_GB-alba-medium.onnx --out read.mp4 < story.txt\n\n"
        "espeak-ng speaks over a hundred languages, like a machine. A voice of Piper (two files, .onnx and\n"
        ".onnx.json) speaks one, like a person; it needs `pip install 'hygiesync[piper]'`.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("text", metavar="TEXT", help="what to say; - reads it from standard input")
    parser.add_argument("--out", required=True, type=Path, metavar="OUT.mp4", help="video to write")
    parser.add_argument(
        "--language", default="en", metavar="L", help="such as en, en-us, fr, de, es, it, zh (%(default)s)"
    )
    parser.add_argument(
        "--voice", metavar="V", help="a variant of espeak's, such as f3 or m2, or a Piper voice's .onnx file"
    )
    parser.add_argument("--speed", type=int, default=150, metavar="WPM", help="words a minute, 80 to 450 (%(default)s)")
    parser.add_argument("--pitch", type=int, default=50, metavar="P", help="espeak's, 0 to 100 (%(default)s)")
    parser.add_argument("--fps", metavar="F", help="pictures a second, 1 to 240; 29.97 means 30000/1001")
    parser.add_argument(
        "--expressiveness", type=float, default=1.0, metavar="X",
        help="how far the mouth goes from rest, 0 to 2; 1 is as the person does (%(default)g)",
    )  # fmt: skip


def _add_live(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "live", "a window in which an avatar says what the microphone hears",
        "Open a window in which an avatar says what the microphone hears, for hours.\n\n"
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
        "avatar", type=Path, nargs="?", metavar="AVATAR", help="folder that `hygiesync train` made"
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
    parser.add_argument("--record", type=Path, metavar="OUT.mp4", help="record picture and sound from the start")
    parser.add_argument("--duration", type=float, metavar="S", help="end by itself after S seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to FILE at the end")


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "evaluate", "compare an avatar with a real video of the same person",
        "Dub a real video with its own sound, and compare the lips with the real ones. Four rows:\n\n"
        "  reencoded  the real video through the same encoder: the best that can be\n"
        "  oracle     the real coefficients through our renderer: what the renderer costs\n"
        "  ours       the sound through network and renderer\n"
        "  mean       a mouth that never moves: what no skill gives",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="video of the same person, not used in training")
    parser.add_argument("--report", type=Path, metavar="OUT.html", help="write a page with curves and pictures")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the four videos there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measures to FILE")


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "bench", "measure the speed of an avatar on this machine",
        "Time each part of rendering on one thread, beside what it is compared with, in one run.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument(
        "--size", action="append", metavar="WxH", help="picture size, may be repeated (512x512 and 1920x1080)"
    )
    parser.add_argument(
        "--training-video", type=Path, metavar="VIDEO", help="also time training on VIDEO against a bare FaceMesh pass"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measures to FILE")


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "demo", "make a synthetic talker, train on it, and render a sentence it never said",
        "Show the whole way without a camera, a microphone or the network: a portrait in the public domain is made to\n"
        "speak with espeak's voice, an avatar is trained on that video, and says a sentence that it never heard.",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("recordings"), metavar="DIR", help="for videos (%(default)s)")
    parser.add_argument(
        "--avatar", type=Path, default=Path("models/demo"), metavar="DIR", help="avatar to make (%(default)s)"
    )


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "export", "write what another runtime needs to move this person's lips",
        "Write the speech model for use without hygiesync: in a browser, a game, on a phone.\n\n"
        "  hygiesync export models/me --out exported/me\n\n"
        "The folder holds the network as one ONNX step, the mel filters, the way from coefficients to landmarks,\n"
        "metadata.json with all numbers that go with them, and a reference: two seconds of sound and what each step\n"
        "makes of it. README.md explains them, and has a short program that checks itself against the reference; it\n"
        "needs numpy, onnxruntime and safetensors only.\n\n"
        "No picture of the person is in it. The gate that holds the mouth at rest in silence isn't either: README.md\n"
        "says what to do instead. A folder that an earlier export wrote is replaced; anything else is left alone.",
    )  # fmt: skip
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make, such as exported/me")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write metadata.json's content to FILE too")


def _add_info(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(commands, "info", "show what an avatar is made of", "Check an avatar and show what is in it.")
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help="folder that `hygiesync train` made")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it to FILE")


def _add_devices(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "devices", "list microphones, loudspeakers and cameras",
        "List microphones, loudspeakers and cameras, with the numbers and names to choose them by; * is the default.",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the list to FILE")


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "doctor", "check this machine and say how to fix what is missing",
        "Check libraries, encoders and devices, and say how to fix what is missing.",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the checks to FILE")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Without the program's name; the process's own arguments when left out.

    Returns
    -------
    int
        Exit code: 0 done, 1 our own fault, 2 wrong usage, 3 bad input, 4 missing device or dependency.
    """
    logging.basicConfig(format="hygiesync: %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said what was wrong, or shown the help
        return int(stop.code or 0)
    try:
        commands = import_module("hygiesync.apps.commands")
        return int(getattr(commands, f"run_{arguments.command}")(arguments))
    except HygieSyncError as error:
        print(f"hygiesync: error: {one_line(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hygiesync: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("HYGIESYNC_DEBUG"):
            raise
        print(
            f"hygiesync: a fault of its own: {type(error).__name__}: {error}; please report it with what"
            " HYGIESYNC_DEBUG=1 shows",
            file=sys.stderr,
        )
        return HygieSyncError.exit_code
