"""``hygiesync train``: videos become an avatar."""

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


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "train", run, "make an avatar from a video of one person speaking",
        "Make an avatar from videos of one person speaking: five minutes, frontal, well lit, with clear sound.\n"
        "Say some sentences, and sit still and silent for twenty seconds: that becomes the idle loop.\n\n"
        "  hygiesync train recordings/me.mp4 --out models/me --i-have-consent\n"
        "  hygiesync train recordings/me.mp4 --out models/me --resume",
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
    common.face_of_video(parser, "the clearly largest, or who speaks")
    common.audio_track(parser)
    parser.add_argument(
        "--renderer", default="retrieval", choices=("retrieval", "unet", "both"),
        help="what draws the mouth: real pictures, or a network that paints after them (some ten minutes more);"
        " both: the network is there for `render --renderer unet` (%(default)s)",
    )  # fmt: skip
    common.consent(parser)
    common.json_file(parser, "the training's measures")
    parser.add_argument(
        "--words", action="append", type=Path, metavar="FILE.csv",
        help="what is said when: lines of start_s,end_s,word (sil is silence); adds errors by word to the report;"
        " once for each video, in their order",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from hygiesync.avatar.video_avatar import REPORT
    from hygiesync.building.from_video import train
    from hygiesync.evaluation.training_report.page import make_report

    words = _read_words(arguments.words, len(arguments.videos))
    has_consent = common.has_consent(arguments, "Does the person shown in the video agree to this avatar being made?")
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
            face=arguments.face,
            audio_track=arguments.audio_track,
            renderer=arguments.renderer,
            progress=bars,
            warn=common.warner(arguments),
            report=lambda evidence: make_report(evidence, words),
        )
    training = avatar.manifest.training
    measures = training["validation"]
    return common.finish(
        arguments,
        f"{arguments.out}: made from {training['n_usable_frames']} frames; on the part kept for validation the lips"
        f" are {measures['lip_distance_pct']:.2f} % of the eyes' distance off, and the opening correlates at"
        f" {measures['opening_correlation']:.2f}\n"
        f"{arguments.out / REPORT}: how it went, and what would make it better",
        training,
    )


def _read_words(paths: Sequence[Path] | None, n_videos: int) -> list[tuple[Word, ...]] | None:
    """What is said in each video, before hours of work."""
    from hygiesync.evaluation.training_report.words import read_words

    if paths is None:
        return None
    if len(paths) != n_videos:
        raise UsageError(f"`words`: expected once for each of the {n_videos} videos, got {len(paths)}")
    return [read_words(path) for path in paths]
