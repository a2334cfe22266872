"""The report of an evaluation: one HTML file that holds all it shows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np

from hygiesync.apps.evaluation.contact_sheet import Strip, lay_out, sheet_png, write_whole
from hygiesync.apps.evaluation.curves import opening_curves
from hygiesync.apps.evaluation.measures import MEASURES, Rows, format_value
from hygiesync.apps.evaluation.moments import choose_moments, voice_at
from hygiesync.apps.evaluation.picture_quality import PictureComparison
from hygiesync.avatar.bundle import Avatar
from hygiesync.avatar.manifest import CONSENT_STATED
from hygiesync.face.shape import mouth_opening
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.media.video import VideoInfo

FULL_SCALE = 24
"""Mean difference, levels of 255, that a seam map shows at its brightest."""

_MAP_WIDTH = 300
_EXPLANATIONS = {
    "reencoded": "the real pictures through the same encoder: what encoding and finding the lips again cost",
    "oracle": "the true lips drawn by the renderer: what drawing costs",
    "ours": "lips heard from the sound: what a user gets",
    "mean": "a mouth that never moves: what knowing nothing gives",
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #20242b; background: #f4f5f7; margin: 0; }
main { max-width: 1240px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 75ch; } .muted { color: #5c6470; }
section { background: #fff; border: 1px solid #e1e4e9; border-radius: 8px; padding: 1.25rem; margin-top: 1.25rem; }
.wide { overflow-x: auto; } img, svg { display: block; max-width: 100%; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .35rem .75rem; border-bottom: 1px solid #e9ebef; text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; } thead th { font-weight: 600; border-bottom: 2px solid #c9ced6; }
.ours { background: #eef4fd; } dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; }
"""


@dataclass(frozen=True)
class Report:
    """What a report tells.

    Attributes
    ----------
    avatar : Avatar
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

    avatar: Avatar
    video: VideoInfo
    rows: Rows
    strips: Sequence[Strip]
    shapes: Mapping[str, np.ndarray]
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
    moments = choose_moments(real, is_voice)
    openings = {name: 100 * mouth_opening(report.shapes[name]) for name in ("real", "oracle", "ours")}
    title = f"{report.avatar.manifest.name} on {Path(report.video.path).name}"
    sections = [
        _section("Measures", _EXPLAINED, _table(report.rows)),
        _section("Opening of the mouth", _CURVES, opening_curves(real.times_s, openings, is_voice)),
        _section("The same moments", _SHEET, _image(sheet_png(report.strips, moments, 1), "contact sheet")),
        _section("Where the pictures differ", _SEAM, _image(_seam_maps(report), "maps of the difference")),
        _section("Where this comes from", "", _origin(report)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f'<body><main><h1>{escape(title)}</h1><p class="muted">An evaluation by hygiesync: a real video, dubbed over'
        f" itself and compared with itself.</p>\n{''.join(sections)}</main></body></html>\n"
    )


_EXPLAINED = (
    "Each column is the video written again with other lips, read back, and compared with the real one frame by frame."
    " Distances are in % of the distance between the outer eye corners. Ratios are to the real video: a flicker above"
    " 1 is teeth or lips that shimmer, a sharpness under 1 is a blurred mouth."
)
_CURVES = (
    "Distance between the inner lips. Look for peaks that are missed or too low, for mouths that do not come down to"
    " the real line at a closure (m, b, p), and for movement in the grey stretches, which are silent."
)
_SHEET = (
    "Top to bottom the real mouth, ours, and the oracle. Ours should close, open and round when the real one does;"
    " where the oracle is right and ours is not, the sound was misheard; where the oracle is wrong too, drawing failed."
)
_SEAM = (
    f"Mean difference to the real pictures, amplified: black is none, white is {FULL_SCALE} or more of 255 levels."
    " The lips themselves may glow, since teeth and tongue are another moment's. A bright line along the drawn outline"
    " would be a visible seam; brightness outside it is a cheek, chin or collar that does not move as the"
    " real one."
)


def _section(title: str, text: str, content: str) -> str:
    paragraph = f"<p>{escape(text)}</p>" if text else ""
    return f'<section><h2>{escape(title)}</h2>{paragraph}<div class="wide">{content}</div></section>\n'


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


def _seam_maps(report: Report) -> bytes:
    """The real lower face with the outline of what is blended in, and the difference maps, as a PNG."""
    import matplotlib

    colours = matplotlib.colormaps["inferno"]
    window = report.pictures["oracle"].lower_face
    size = (_MAP_WIDTH, round(_MAP_WIDTH * window.height / window.width))
    face = cv2.resize(report.pictures["oracle"].mean_real, size, interpolation=cv2.INTER_CUBIC)
    outline = window.to_pixels(report.avatar.shape.mean[LOWER_MOUTH_REGION]) * (_MAP_WIDTH / window.width)
    cv2.polylines(face, [np.rint(outline * 16).astype(np.int32)], True, (255, 255, 255), 1, cv2.LINE_AA, 4)
    maps = []
    for row in ("reencoded", "oracle", "ours"):
        level = np.minimum(report.pictures[row].mean_difference / FULL_SCALE, 1.0).astype(np.float32)
        enlarged = np.clip(cv2.resize(level, size, interpolation=cv2.INTER_LINEAR), 0, 1)
        maps.append((colours(enlarged)[..., :3] * 255).astype(np.uint8))
    return lay_out([("", [face, *maps])], ["real, mean of all frames", "reencoded", "oracle", "ours"])


def _origin(report: Report) -> str:
    manifest = report.avatar.manifest
    consent = "stated" if manifest.consent == CONSENT_STATED else "not stated"
    sources = ", ".join(str(source.get("name", "?")) for source in manifest.sources) or "unknown"
    facts = {
        "Video": f"{report.video.path} ({report.video.width}×{report.video.height}, {float(report.video.fps):.3f} fps,"
        f" {float(report.video.duration_s):.2f} s)",
        "Avatar": f"{report.avatar.directory}, trained on {sources}; consent of the person shown: {consent}",
        "Generated": f"The rows but “reencoded” and “real” are synthetic media. {manifest.synthetic_media_note}",
    }
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def _image(png: bytes, alternative: str) -> str:
    return f'<img alt="{escape(alternative)}" src="data:image/png;base64,{b64encode(png).decode()}">'
