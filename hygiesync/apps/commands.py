"""What each command does with its arguments: call the library, show progress, print results."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hygiesync.apps.progress import StageBars
from hygiesync.errors import InputError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    from hygiesync.apps.live.stopping import StopRequest
    from hygiesync.apps.training_report.words import Word

_CONSENT_QUESTION = "Does the person shown in the video agree to this avatar being made? [y/N] "


def run_record(arguments: argparse.Namespace) -> int:
    """``hygiesync record``."""
    from hygiesync.apps.record.options import RecordOptions
    from hygiesync.apps.record.recorder import record

    _check_json(arguments.json)
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
    result = record(options, _say)
    _write_json(arguments.json, result.to_dict())
    print(result.summary())
    if result.is_complete and result.videos and _asks("Train an avatar on it now? [y/N] "):
        from hygiesync.apps.cli import build_parser

        return run_train(build_parser().parse_args(result.train_arguments))
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """``hygiesync train``."""
    from hygiesync.apps.training_report.page import make_report
    from hygiesync.avatar.build import train
    from hygiesync.avatar.bundle import REPORT

    _check_json(arguments.json)
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
            warn=_warn,
            report=lambda evidence: make_report(evidence, words),
        )
    measures = avatar.manifest.training["validation"]
    _write_json(arguments.json, avatar.manifest.training)
    print(
        f"{arguments.out}: made from {avatar.manifest.training['n_usable_frames']} frames; on the part kept for"
        f" validation the lips are {measures['lip_distance_pct']:.2f} % of the eyes' distance off, and the opening"
        f" correlates at {measures['opening_correlation']:.2f}\n"
        f"{arguments.out / REPORT}: how it went, and what would make it better"
    )
    return 0


def run_render(arguments: argparse.Namespace) -> int:
    """``hygiesync render``."""
    from hygiesync.apps.offline import RenderOptions, render
    from hygiesync.avatar.bundle import Avatar
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
    avatar = Avatar.load(arguments.avatar)
    with StageBars() as bars:
        render(avatar, arguments.audio, arguments.out, options, bars)
    print(f"{arguments.out}: written")
    return 0


def run_say(arguments: argparse.Namespace) -> int:
    """``hygiesync say``."""
    from hygiesync.apps.offline import RenderOptions
    from hygiesync.apps.say import say
    from hygiesync.avatar.bundle import Avatar
    from hygiesync.speech.voices import open_voice
    from hygiesync.timing import parse_fps

    options = RenderOptions(
        fps=None if arguments.fps is None else parse_fps(arguments.fps), expressiveness=arguments.expressiveness
    )
    voice = open_voice(arguments.voice, arguments.language, arguments.speed, arguments.pitch)
    avatar = Avatar.load(arguments.avatar)
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    with StageBars() as bars:
        say(avatar, text, voice, arguments.out, options, bars)
    print(f"{arguments.out}: written")
    return 0


def run_live(arguments: argparse.Namespace) -> int:
    """``hygiesync live``."""
    from hygiesync.apps.live.stopping import stop_signals

    if arguments.list_devices:
        return _list_sound_devices()
    with stop_signals() as stop:  # before all that takes long
        return _run_live(arguments, stop)


def _run_live(arguments: argparse.Namespace, stop: StopRequest) -> int:
    from hygiesync.apps.live.session import LiveOptions, run_live
    from hygiesync.apps.live.summary import format_result
    from hygiesync.avatar.bundle import Avatar
    from hygiesync.timing import parse_fps

    if arguments.avatar is None:
        raise UsageError("live: expected the avatar's folder, such as models/me; `hygiesync train` makes one")
    if arguments.no_window and arguments.output == "virtual-camera":
        raise UsageError("live: --no-window and --output virtual-camera exclude each other; leave one of them out")
    _check_json(arguments.json)
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
    result = run_live(Avatar.load(arguments.avatar), options, _warn, stop)
    print(format_result(result))
    _write_json(arguments.json, result)
    if result["failure"]:
        raise InputError(result["failure"])
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """``hygiesync evaluate``."""
    from hygiesync.apps.evaluate import evaluate, format_table
    from hygiesync.avatar.bundle import Avatar

    _check_json(arguments.json)
    avatar = Avatar.load(arguments.avatar)
    with StageBars() as bars:
        rows = evaluate(avatar, arguments.video, keep=arguments.keep, report=arguments.report, progress=bars)
    _write_json(arguments.json, rows)
    print(format_table(rows))
    return 0


def run_bench(arguments: argparse.Namespace) -> int:
    """``hygiesync bench``."""
    from hygiesync.apps.bench import bench, format_bench
    from hygiesync.avatar.bundle import Avatar

    _check_json(arguments.json)
    sizes = [_parse_size(text) for text in arguments.size or ("512x512", "1920x1080")]
    with StageBars() as bars:
        result = bench(Avatar.load(arguments.avatar), sizes, arguments.training_video, progress=bars)
    _write_json(arguments.json, result)
    print(format_bench(result))
    return 0


def run_demo(arguments: argparse.Namespace) -> int:
    """``hygiesync demo``."""
    from hygiesync.apps.demo import run_demo as demo

    with StageBars() as bars:
        result = demo(arguments.out, arguments.avatar, bars)
    print(result.text)
    return 0


def run_info(arguments: argparse.Namespace) -> int:
    """``hygiesync info``."""
    from hygiesync.apps.info import describe, format_info

    _check_json(arguments.json)
    content = describe(arguments.avatar)
    _write_json(arguments.json, content)
    print(format_info(content))
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """``hygiesync export``."""
    from hygiesync.apps.export import export
    from hygiesync.apps.plain_text import one_line

    _check_json(arguments.json)
    metadata = export(arguments.avatar, arguments.out)
    _write_json(arguments.json, metadata)
    reference = metadata["reference"]
    print(
        f"{one_line(str(arguments.out))}: written; its README.md has a program that checks another runtime against"
        f" {reference['n_frames']} reference frames"
    )
    return 0


def run_devices(arguments: argparse.Namespace) -> int:
    """``hygiesync devices``."""
    from hygiesync.apps.devices import list_devices

    _check_json(arguments.json)
    devices = list_devices()
    _write_json(arguments.json, devices.as_json())
    print(devices)
    return 0


def run_doctor(arguments: argparse.Namespace) -> int:
    """``hygiesync doctor``."""
    from dataclasses import asdict

    from hygiesync.apps.doctor import diagnose, format_checks, has_failed

    _check_json(arguments.json)
    checks = diagnose()
    _write_json(arguments.json, [asdict(check) for check in checks])
    print(format_checks(checks))
    return MissingDependencyError.exit_code if has_failed(checks) else 0


def _list_sound_devices() -> int:
    from hygiesync.apps.sound.devices import format_devices, list_input_devices, list_output_devices

    print(format_devices(list_input_devices(), list_output_devices()))
    return 0


def _ask_for_consent() -> bool:
    """Ask a person; tell a script that nothing was said."""
    if _is_terminal():
        return _asks(_CONSENT_QUESTION)
    _warn("consent of the person shown: not stated (say --i-have-consent when they agree); recorded in the avatar")
    return False


def _read_words(paths: Sequence[Path] | None, n_videos: int) -> list[tuple[Word, ...]] | None:
    """What is said in each video, before hours of work."""
    from hygiesync.apps.training_report.words import read_words

    if paths is None:
        return None
    if len(paths) != n_videos:
        raise UsageError(f"words: expected --words once for each of the {n_videos} videos, got {len(paths)}")
    return [read_words(path) for path in paths]


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _asks(question: str) -> bool:
    """A person's answer to a question; no where nobody can be asked."""
    if not _is_terminal():
        return False
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _warn(message: str) -> None:
    _say(f"note: {message}")


def _say(message: str) -> None:
    print(f"hygiesync: {message}", file=sys.stderr)


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if match is None:
        raise UsageError(f"size: expected WIDTHxHEIGHT such as 1280x720, got {text!r}")
    return int(match[1]), int(match[2])


def _check_json(path: Path | None) -> None:
    """Refuse an unwritable result file before hours of work, not after."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise InputError(f"{path}: can't be written; expected the name of a file in a folder that exists")


def _write_json(path: Path | None, content: Any) -> None:
    if path is None:
        return
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from error
