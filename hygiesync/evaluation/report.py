"""The report of an evaluation: one HTML file that holds all it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.evaluation.contact_sheet import (
    LARGE_MOUTH,
    SMALL_FACE,
    Strip,
    captions_of,
    lay_out,
    tiles,
    write_whole,
)
from hygiesync.evaluation.curves import opening_curves
from hygiesync.evaluation.figures import CHANGE_GAIN, EDGE_SCALE, FULL_SCALE, loop_strip, seam_maps
from hygiesync.evaluation.html import facts, inline_image, page, section
from hygiesync.evaluation.loop_seam import LoopSeam, idle_loop_seam
from hygiesync.evaluation.measures import MEASURES, Rows, format_value
from hygiesync.evaluation.moments import Moment, choose_moments, voice_at
from hygiesync.evaluation.picture_quality import PictureComparison
from hygiesync.face.shape import mouth_opening
from hygiesync.media.video import VideoInfo

_N_MOMENTS, _MOMENTS_A_SHEET = 9, 3
_EXPLANATIONS = {
    "reencoded": "the real pictures through the same encoder: what encoding and finding the lips again cost",
    "oracle": "the true lips drawn by the renderer: what drawing costs",
    "ours": "lips heard from the sound: what a user gets",
    "mean": "a mouth that never moves: what knowing nothing gives",
}


@dataclass(frozen=True)
class Report:
    """What a report tells.

    Attributes
    ----------
    avatar : VideoAvatar
    video : VideoInfo
    rows : dict
        Row -> measure -> value.
    strips : sequence of Strip
        The real video, then those to be seen under it.
    shapes : dict
        "real" and each row -> canonical lower faces (n_frames, n_lower, 2), at the times of the first strip's frames.
    pictures : dict
        Row -> comparison of its pictures with the real ones.
    """

    avatar: VideoAvatar
    video: VideoInfo
    rows: Rows
    strips: Sequence[Strip]
    shapes: Mapping[str, NDArray[np.float64]]
    pictures: Mapping[str, PictureComparison]


def write_report(path: Path, report: Report) -> None:
    """Write `report` as a HTML file without anything outside it; it is whole or not there.

    Raises
    ------
    InputError
        When it can't be written.
    """
    write_whole(path, _page(report).encode())


def _page(report: Report) -> str:
    real = report.strips[0].track
    is_voice = voice_at(report.video, real.times_s)
    moments = choose_moments(real, is_voice, _N_MOMENTS)
    openings = {name: 100 * mouth_opening(report.shapes[name]) for name in ("real", "oracle", "ours")}
    title = f"{report.avatar.manifest.name} on {Path(report.video.path).name}"
    loop = idle_loop_seam(report.avatar)
    sections = [
        section("Measures", _EXPLAINED, _table(report.rows)),
        section("Opening of the mouth", _CURVES, opening_curves(real.times_s, openings, is_voice)),
        section("The same moments", _SHEETS, mouth_sheets(report.strips, moments)),
        section(
            "Where the pictures differ",
            _SEAM,
            inline_image(seam_maps(report.avatar.shape, report.pictures), "maps of the difference"),
        ),
        section("The idle loop's seam", _loop_text(loop), inline_image(loop_strip(loop), "the loop's end", "jpeg")),
        section("Where this comes from", "", _origin(report)),
    ]
    subtitle = "An evaluation by hygiesync: a real video, dubbed over itself and compared with itself."
    return page(title, subtitle, sections)


_EXPLAINED = (
    "Each column is the video written again with other lips, read back, and compared with the real one frame by frame."
    " Distances are in % of the distance between the outer eye corners. Ratios are to the real video: a flicker above"
    " 1 is teeth or lips that shimmer, a sharpness under 1 is a blurred mouth, a"
    " change across the blend's outline above 1 is a seam."
)
_CURVES = (
    "Distance between the inner lips. Look for peaks that are missed or too low, for mouths that do not come down to"
    " the real line at a closure (m, b, p), and for movement in the grey stretches, which are silent."
)
_SHEETS = (
    "The real mouth above ours and the oracle, large. Ours should close, open and round when the real one does; where"
    " the oracle is right and ours is not, the sound was misheard; where the oracle is wrong too, drawing failed. Look"
    " at teeth (doubled, smeared, gone), and for a line or a step in colour between the mouth and the face around it."
)
_SEAM = (
    f"Above, the mean difference to the real pictures: black is none, white is {FULL_SCALE} or more of 255 levels. The"
    " lips themselves may glow, since teeth and tongue are another moment's; brightness outside the outline is a cheek,"
    " chin or collar that does not move as the real one. Below, edges: red where the pictures have more than the real"
    f" ones (full at {EDGE_SCALE} levels per pixel), blue where they are smoother. A red line along the outline is a"
    " visible seam. The table's change across the outline is taken on it in every frame, where the real jaw is."
)
_LOOP = (
    "Consecutive pictures where the loop begins again, with the resting mouth, and how each differs from the one before"
    " it ({gain} times amplified). The mean change across the seam is {across:.2f} of 255 levels; between other"
    " neighbours its median is {usual:.2f}. That is {ratio:.2f} times: about 1, or less, is no jump. The loop's first"
    " picture is a key frame, encoded afresh, which alone can make it 2; look whether edges move."
)


def _table(rows: Rows) -> str:
    head = "".join(f'<th class="{name}">{escape(name)}</th>' for name in rows)
    body = "".join(
        f"<tr><th>{escape(m.label)}</th>"
        + "".join(f'<td class="{name}">{format_value(m, row)}</td>' for name, row in rows.items())
        + f'<td class="muted">{escape(m.ideal)}</td></tr>'
        for m in MEASURES
    )
    legend = "".join(f"<dt>{escape(name)}</dt><dd>{escape(_EXPLANATIONS[name])}</dd>" for name in rows)
    return (
        f"<table><thead><tr><th></th>{head}<th>ideal</th></tr></thead><tbody>{body}</tbody></table>"
        f"<br><dl>{legend}</dl>"
    )


def mouth_sheets(strips: Sequence[Strip], moments: Sequence[Moment]) -> str:
    """Sheets of mouths, large, and one of whole faces."""
    sheets = []
    for first in range(0, len(moments), _MOMENTS_A_SHEET):
        some = moments[first : first + _MOMENTS_A_SHEET]
        mouths = [(strip.label, tiles(strip, some, LARGE_MOUTH)) for strip in strips]
        names = ", ".join(moment.caption for moment in some)
        sheets.append(inline_image(lay_out(mouths, captions_of(some), "jpeg"), f"mouths: {names}", "jpeg"))
    faces = [(f"{strip.label},\nwhole face", tiles(strip, moments, SMALL_FACE)) for strip in strips[:2]]
    return "".join([*sheets, inline_image(lay_out(faces, captions_of(moments), "jpeg"), "whole faces", "jpeg")])


def _loop_text(loop: LoopSeam) -> str:
    return _LOOP.format(gain=CHANGE_GAIN, across=loop.across, usual=loop.usual, ratio=loop.jump_ratio)


def _origin(report: Report) -> str:
    manifest = report.avatar.manifest
    sources = ", ".join(str(source.get("name", "?")) for source in manifest.sources) or "unknown"
    entries = {
        "Video": f"{report.video.path} ({report.video.width}×{report.video.height}, {float(report.video.fps):.3f} fps,"
        f" {float(report.video.duration_s):.2f} s)",
        "Avatar": f"{report.avatar.directory}, trained on {sources}; consent of the person shown: {manifest.consent}",
        "Generated": f"The rows but “reencoded” and “real” are synthetic media. {manifest.synthetic_media_note}",
    }
    return facts(entries)
