"""``hygiesync check``: what files are, and what would be taken from them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.apps.commands import common
from hygiesync.plain_text import one_line, with_parameters_as

if TYPE_CHECKING:
    from hygiesync.pipelines.input_check import FileCheck


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "check", run, "look over videos, sounds and pictures before they are used",
        "Say what files are, what would be taken from them (face, sound track, times, colours, level), what would be\n"
        "done to them, and what would go wrong, with the ffmpeg command that repairs it. Nothing is changed.\n\n"
        "  hygiesync check recordings/me.mp4 speech.mp3 portrait.heic\n\n"
        "Every picture and every sample is read. The exit code is that of the first file that can't be used.",
    )  # fmt: skip
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a video, a sound or a picture")
    common.face_of_video(parser, "as `train` and `animate` choose")
    common.audio_track(parser)
    common.json_file(parser, "all that was found")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.pipelines.input_check import check_file

    names = common.option_names(arguments.parser)
    checks = [check_file(path, face=arguments.face, audio_track=arguments.audio_track) for path in arguments.files]
    text = "\n".join(line for check in checks for line in _lines(check))
    common.finish(arguments, with_parameters_as(names, text), [check.to_dict() for check in checks])
    return next((check.error.exit_code for check in checks if check.error is not None), 0)


def _lines(check: FileCheck) -> list[str]:
    """A heading, and a line for each thing that is known."""
    lines = [f"{check.path}: {'can not be used' if check.error is not None else check.kind}"]
    lines += [f"  {name:<9} {one_line(text)}" for name, text in check.facts.items()]
    for finding in check.findings:
        lines.append(f"  note      {one_line(finding.text)}")
        if finding.repair:
            lines.append(f"            {finding.repair}")
    if check.error is not None:
        lines.append(f"  wrong     {one_line(str(check.error))}")
    return lines
