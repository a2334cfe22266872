"""The page that training ends with: curves, figures, and the last contact sheet, in one file."""

from __future__ import annotations

import base64
import html
from pathlib import Path

_WIDTH, _HEIGHT = 640, 160

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}: training</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }}
svg {{ background: #f6f6f6; width: 100%; }} img {{ max-width: 100%; }}
</style></head><body>
<h1>{name}</h1><p>{origin}; {n_epochs} epochs.</p>
<h2>How near</h2>
<p>On clips that are watched, predictions are {made:.4f} (mean difference of pixels, 0 to 1) from the real pictures;
the source picture as it is, {copied:.4f}: <b>{ratio:.2f}</b> of copying. Below 1 something is learnt; the published
models reach about a third to a half on people like those that they learnt from.</p>
{l1}
<h2>Pictures</h2>
<p>From left to right: source and driving picture with their points, the prediction, its difference (three times as
large), whose motion each pixel follows, and what the source shows of the driving picture.</p>
<img alt="contact sheet" src="data:image/png;base64,{sheet}">
<h2>Losses</h2>
{losses}
</body></html>
"""


def training_page(name: str, history: list[dict[str, float]], sheet: Path, origin: str) -> str:
    """A self-contained page.

    Parameters
    ----------
    name : str
        The model's.
    history : list of dict
        Figures of each epoch.
    sheet : Path
        The last contact sheet.
    origin : str
        How the model was made.
    """
    last = history[-1]
    watched = ("watched_l1", "watched_copy_l1")
    names = [figure for figure in last if figure not in (*watched, "seconds")]
    curves = "".join(f"<h3>{html.escape(n)}</h3>{_curve([[e[n] for e in history]])}" for n in names)
    return _PAGE.format(
        name=html.escape(name),
        origin=html.escape(origin),
        n_epochs=len(history),
        made=last["watched_l1"],
        copied=last["watched_copy_l1"],
        ratio=last["watched_l1"] / max(last["watched_copy_l1"], 1e-9),
        l1=_curve([[e[n] for e in history] for n in watched]),
        sheet=base64.b64encode(sheet.read_bytes()).decode(),
        losses=curves,
    )


def _curve(series: list[list[float]]) -> str:
    top = max(map(max, series)) * 1.05 or 1.0
    lines = []
    for values, colour in zip(series, ("#0a5", "#888"), strict=False):
        step = (_WIDTH - 60) / max(1, len(values) - 1)
        heights = [_HEIGHT - 10 - value / top * (_HEIGHT - 20) for value in values]
        points = " ".join(f"{50 + k * step:.1f},{height:.1f}" for k, height in enumerate(heights))
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
    scale = f'<text x="4" y="16" font-size="12">{top:.3g}</text><text x="4" y="{_HEIGHT - 6}" font-size="12">0</text>'
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{scale}{"".join(lines)}</svg>'
