"""The options by which a command lets an engine of others make its pictures."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common
from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import UsageError
from hygiesync.external.process import TIME_LIMIT_S

if TYPE_CHECKING:
    from hygiesync.media.container import PathLike
    from hygiesync.media.sound import Sound
    from hygiesync.pipelines.offline import RenderOptions


def add(parser: argparse.ArgumentParser, names: str) -> None:
    """Which engine, and how long it may take; `names` are those that the command can use."""
    group = parser.add_argument_group("engines of others", "see `hygiesync engines`; each must be installed first")
    group.add_argument("--engine", metavar="NAME", help=f"let another program make the pictures: {names}")
    group.add_argument(
        "--engine-timeout", dest="time_limit_s", type=float, default=TIME_LIMIT_S, metavar="S",
        help="seconds after which the engine is ended (%(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--engine-args", dest="engine_arguments", type=_words, default=(), metavar="TEXT",
        help="more arguments of the engine's own, in one text, such as --engine-args=--use_float16",
    )  # fmt: skip


def _words(text: str) -> tuple[str, ...]:
    return tuple(shlex.split(text))


def is_picture(arguments: argparse.Namespace) -> bool:
    """Whether an engine is to let a picture speak that is no avatar."""
    return arguments.engine is not None and arguments.avatar.is_file()


def speak(
    arguments: argparse.Namespace, sound: PathLike | Sound, options: RenderOptions, *, is_text: bool = False
) -> None:
    """Let an engine's picture say a sound, as the arguments of `render` and `say` ask for."""
    from hygiesync.avatar.provenance import Method
    from hygiesync.pipelines.by_engine import speak_picture
    from hygiesync.pipelines.offline import RenderOptions

    plain = RenderOptions()
    for name in ("template", "fps", "still", "expressiveness", "lookahead_ms", "landmarks_only", "renderer"):
        if getattr(options, name) != getattr(plain, name):
            raise UsageError(f"`{name}`: a picture that {options.engine} moves has none of it; leave it out")
    has_consent = common.has_consent(arguments, "Does the person shown agree to this video being made?")
    with StageBars() as bars:
        speak_picture(
            arguments.avatar, sound, arguments.out, options, encoding=options, has_consent=has_consent,
            method=Method.FROM_TEXT if is_text else Method.FROM_SOUND, progress=bars, warn=common.warner(arguments),
        )  # fmt: skip
