"""The report of a comparison of renderers and engines: one HTML file that holds all it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.evaluation.contact_sheet import Strip, write_whole
from hygiesync.evaluation.curves import opening_curves
from hygiesync.evaluation.html import facts, page, section
from hygiesync.evaluation.measures import Measure, Rows, format_value
from hygiesync.evaluation.moments import choose_moments, voice_at
from hygiesync.evaluation.report import mouth_sheets
from hygiesync.face.shape import mouth_opening
from hygiesync.media.video import VideoInfo

_N_MOMENTS = 6

_EXPLAINED = (
    "Each column is the video's sound said anew on the video's own pictures of half its length later, so that no"
    " template shows the mouth that is asked for. Lips are compared with the real ones of the moment; distances are in"
    " % of the distance between the outer eye corners. Sharpness and flicker are ratios to the real video; the PSNR is"
    " taken on mouths of another moment's head and light, and is lower than an evaluation's. Time and memory are of"
    " all of it: starting the engine, loading its weights, cutting out, pasting back, encoding."
)
_CURVES = "Distance between the inner lips. Grey stretches are silent."
_SHEETS = "The real mouth above each of the others at the same moments, large."


@dataclass(frozen=True)
class ComparisonReport:
    """What the report shows.

    Attributes
    ----------
    avatar : VideoAvatar
    video : VideoInfo
    rows : mapping
        Name -> measure -> value.
    measures : sequence of Measure
    left_out : mapping of str to str
        Name -> why it could not be used.
    strips : sequence of Strip
        The real video first.
    shapes : mapping of str to ndarray
        Name, "real" first, -> canonical lower faces (n_frames, n_lower, 2).
    """

    avatar: VideoAvatar
    video: VideoInfo
    rows: Rows
    measures: Sequence[Measure]
    left_out: Mapping[str, str]
    strips: Sequence[Strip]
    shapes: Mapping[str, NDArray[np.float64]]


def write_comparison(path: Path, report: ComparisonReport) -> None:
    """Write `report` as a HTML file without anything outside it; it is whole or not there.

    Raises
    ------
    InputError
        When it can't be written.
    """
    write_whole(path, _page(report).encode())


def _page(report: ComparisonReport) -> str:
    real = report.strips[0].track
    is_voice = voice_at(report.video, real.times_s)
    openings = {name: 100 * mouth_opening(shapes) for name, shapes in report.shapes.items()}
    sections = [
        section("Measures", _EXPLAINED, _table(report)),
        *([section("Left out", "", facts(report.left_out))] if report.left_out else []),
        section("Opening of the mouth", _CURVES, opening_curves(real.times_s, openings, is_voice)),
        section("The same moments", _SHEETS, mouth_sheets(report.strips, choose_moments(real, is_voice, _N_MOMENTS))),
        section("Where this comes from", "", _origin(report)),
    ]
    title = f"{report.avatar.manifest.name} on {Path(report.video.path).name}, by {', '.join(report.rows)}"
    return page(title, "A comparison by hygiesync: one voice, one face, several ways to draw its mouth.", sections)


def _table(report: ComparisonReport) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in report.rows)
    body = "".join(
        f"<tr><th>{escape(measure.label)}</th>"
        + "".join(f"<td>{format_value(measure, row)}</td>" for row in report.rows.values())
        + f'<td class="muted">{escape(measure.ideal)}</td></tr>'
        for measure in report.measures
    )
    return f"<table><thead><tr><th></th>{head}<th>ideal</th></tr></thead><tbody>{body}</tbody></table>"


def _origin(report: ComparisonReport) -> str:
    manifest, video = report.avatar.manifest, report.video
    return facts(
        {
            "Video": f"{video.path} ({video.width}×{video.height}, {float(video.fps):.3f} fps,"
            f" {float(video.duration_s):.2f} s)",
            "Avatar": f"{report.avatar.directory}; consent of the person shown: {manifest.consent}",
            "Generated": f"All but “real” is synthetic media. {manifest.synthetic_media_note}",
        }
    )
