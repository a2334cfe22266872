"""What makes an avatar: filming, training, and the demonstration of both."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import UsageError

if TYPE_CHECKING:
    from hygiesync.evaluation.training_report.words import Word

_CONSENT_QUESTION = "Does the person shown in the video agree to this avatar being made? [y/N] "


def add_record(commands: common.Commands) -> None:
    """Options of ``hygiesync record``."""
    parser = common.command(
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
    parser.set_defaults(run=run_record)


def run_record(arguments: argparse.Namespace) -> int:
    """``hygiesync record``."""
    from hygiesync.apps.record.options import RecordOptions
    from hygiesync.apps.record.recorder import record

    common.check_json(arguments.json)
    options = RecordOptions(
        name=arguments.name,
        language=arguments.language,
        camera=arguments.camera,
        input_device=arguments.input_device,
        out=arguments.out,
        text=arguments.text,
        has_window=not arguments.no_window,
        duration_s=arguments.duration,
        seconds_of_silence=arguments.seconds_of_silence,
        overwrite=arguments.overwrite,
        resume=arguments.resume,
    )
    result = record(options, common.say_so)
    common.write_json(arguments.json, result.to_dict())
    print(result.summary())
    if result.is_complete and result.videos and common.asks("Train an avatar on it now? [y/N] "):
        from hygiesync.apps.cli import build_parser

        return run_train(build_parser().parse_args(result.train_arguments))
    return 0


def add_train(commands: common.Commands) -> None:
    """Options of ``hygiesync train``."""
    parser = common.command(
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
    parser.set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    """``hygiesync train``."""
    from hygiesync.avatar.video_avatar import REPORT
    from hygiesync.building.from_video import train
    from hygiesync.evaluation.training_report.page import make_report

    common.check_json(arguments.json)
    words = _read_words(arguments.words, len(arguments.videos))
    has_consent = arguments.i_have_consent or _ask_for_consent()
    with StageBars() as bars:
        avatar = train(
            arguments.videos,
            arguments.out,
            preset=arguments.preset,
            lookahead_ms=arguments.lookahead_ms,
            seed=arguments.seed,
            resume=arguments.resume,
            has_consent=has_consent,
            fix_offset=arguments.fix_offset,
            progress=bars,
            warn=common.warn,
            report=lambda evidence: make_report(evidence, words),
        )
    measures = avatar.manifest.training["validation"]
    common.write_json(arguments.json, avatar.manifest.training)
    print(
        f"{arguments.out}: made from {avatar.manifest.training['n_usable_frames']} frames; on the part kept for"
        f" validation the lips are {measures['lip_distance_pct']:.2f} % of the eyes' distance off, and the opening"
        f" correlates at {measures['opening_correlation']:.2f}\n"
        f"{arguments.out / REPORT}: how it went, and what would make it better"
    )
    return 0


def add_demo(commands: common.Commands) -> None:
    """Options of ``hygiesync demo``."""
    parser = common.command(
        commands, "demo", "make a synthetic talker, train on it, and render a sentence it never said",
        "Show the whole way without a camera, a microphone or the network: a portrait in the public domain is made to\n"
        "speak with espeak's voice, an avatar is trained on that video, and says a sentence that it never heard.",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("recordings"), metavar="DIR", help="for videos (%(default)s)")
    parser.add_argument(
        "--avatar", type=Path, default=Path("models/demo"), metavar="DIR", help="avatar to make (%(default)s)"
    )
    parser.set_defaults(run=run_demo)


def run_demo(arguments: argparse.Namespace) -> int:
    """``hygiesync demo``."""
    from hygiesync.apps.demo import run_demo as demo

    with StageBars() as bars:
        result = demo(arguments.out, arguments.avatar, bars)
    print(result.text)
    return 0


def _ask_for_consent() -> bool:
    """Ask a person; tell a script that nothing was said."""
    if common.is_terminal():
        return common.asks(_CONSENT_QUESTION)
    common.warn(
        "consent of the person shown: not stated (say --i-have-consent when they agree); recorded in the avatar"
    )
    return False


def _read_words(paths: Sequence[Path] | None, n_videos: int) -> list[tuple[Word, ...]] | None:
    """What is said in each video, before hours of work."""
    from hygiesync.evaluation.training_report.words import read_words

    if paths is None:
        return None
    if len(paths) != n_videos:
        raise UsageError(f"words: expected --words once for each of the {n_videos} videos, got {len(paths)}")
    return [read_words(path) for path in paths]


COMMANDS = (add_record, add_train, add_demo)
