"""Figures as text that a page can hold."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOTHING_SAID = {"Date": None, "Creator": None, "Format": None, "Type": None}


def to_svg(figure: Figure) -> str:
    """An SVG element; the same figure gives the same text."""
    import matplotlib

    text = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "hygiesync"}):
        figure.savefig(text, format="svg", metadata=_NOTHING_SAID)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
