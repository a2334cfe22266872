"""The demonstration: make a talker whose true lips are known, train on it, let it say something new, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.from_video import train
from hygiesync.errors import InputError
from hygiesync.evaluation.evaluate import contact_sheet
from hygiesync.evaluation.training_report import make_report
from hygiesync.extras import require
from hygiesync.face.comparison import LipComparison, compare_lips
from hygiesync.face.pose import apply_similarity
from hygiesync.face.topology import LOWER_FACE, RIGID
from hygiesync.face.tracking import track_face
from hygiesync.media.video import probe
from hygiesync.pipelines.offline import render
from hygiesync.progress import Progress
from hygiesync.synthetic.talker import HELD_OUT, TalkerTruth, make_talker

_HELD_OUT_SEED = 7


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration made.

    Attributes
    ----------
    video, sheet : Path
        The avatar saying the new sentences, and pictures of it under the real ones.
    comparison : LipComparison
        The lips in `video`, found again by the detector, against the true ones.
    text : str
        The above for a person to read.
    """

    video: Path
    sheet: Path
    comparison: LipComparison
    text: str


def run_demo(out: Path, avatar_directory: Path, progress: Progress) -> DemoResult:
    """Run the demonstration.

    Parameters
    ----------
    out : Path
        Folder for the videos and the contact sheet; made when missing.
    avatar_directory : Path
        Avatar to make.
    progress : callable
        Told of (stage, done, in all, note).

    Raises
    ------
    MissingDependencyError
        When the portrait or the voice isn't installed.
    InputError
        When `out` can't be written.
    """
    require("demo", "the demonstration")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: can't be made ({error.strerror}); choose another folder") from error
    talker, real, video, sheet = (
        out / name for name in ("demo_talker.mp4", "demo_real.mp4", "demo.mp4", "demo_contact_sheet.png")
    )
    make_talker(talker, progress=lambda done, total: progress("filming a synthetic talker", done, total, ""))
    avatar = train(talker, avatar_directory, has_consent=True, progress=progress, report=make_report)
    truth = make_talker(
        real,
        sentences=HELD_OUT,
        seed=_HELD_OUT_SEED,
        progress=lambda done, total: progress("filming new sentences", done, total, ""),
    )
    render(avatar, real, video, progress=progress)
    comparison = _compare_with_truth(avatar, video, truth)
    contact_sheet([real, video], sheet, labels=("real", "hygiesync"))
    return DemoResult(video, sheet, comparison, _describe(video, sheet, real, avatar_directory, comparison))


def _compare_with_truth(avatar: VideoAvatar, video: Path, truth: TalkerTruth) -> LipComparison:
    """The lips of a rendered video against the known ones, both in the canonical face."""
    track = track_face(probe(video)).smoothed()
    n_frames = min(len(track), len(truth.landmarks))
    seen = track.has_face[:n_frames]
    rendered = apply_similarity(avatar.pose.to_canonical(track.rigid[:n_frames]), track.lower[:n_frames])
    real = apply_similarity(
        avatar.pose.to_canonical(truth.landmarks[:n_frames, RIGID]), truth.landmarks[:n_frames, LOWER_FACE]
    )
    return compare_lips(real[seen], rendered[seen].astype(np.float64), float(truth.times_s[1] - truth.times_s[0]))


def _describe(video: Path, sheet: Path, real: Path, avatar: Path, comparison: LipComparison) -> str:
    return (
        f"An avatar was trained on a synthetic talker and says sentences that it never heard:\n"
        f"  {video}\n  {sheet} (real above, rendered below)\n  {real} (the real ones)\n  {avatar} (the avatar)\n"
        f"Its lips, found again in the rendered video, against the true ones: {comparison.lip_distance_pct:.2f} % of"
        f" the eyes' distance off, opening correlates at {comparison.opening_correlation:.2f}, lag"
        f" {comparison.lag_ms:+.0f} ms."
    )
