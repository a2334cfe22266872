"""Pages that need nothing beside themselves: their style, their sections, and pictures inside them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #20242b; background: #f4f5f7; margin: 0; }
main { max-width: 1680px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 75ch; } .muted { color: #5c6470; }
section { background: #fff; border: 1px solid #e1e4e9; border-radius: 8px; padding: 1.25rem; margin-top: 1.25rem; }
.wide { overflow-x: auto; } img { display: block; } svg { display: block; max-width: 100%; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; max-width: 1160px; }
th, td { padding: .35rem .75rem; border-bottom: 1px solid #e9ebef; text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; } thead th { font-weight: 600; border-bottom: 2px solid #c9ced6; }
.ours { background: #eef4fd; } dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; }
"""


def page(title: str, subtitle: str, sections: Iterable[str], style: str = "") -> str:
    """A whole HTML page.

    Parameters
    ----------
    title, subtitle : str
        Plain text.
    sections : iterable of str
        From :func:`section`.
    style : str
        CSS beside `STYLE`.
    """
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}{style}</style></head>\n'
        f'<body><main><h1>{escape(title)}</h1><p class="muted">{escape(subtitle)}</p>\n{"".join(sections)}</main>'
        "</body></html>\n"
    )


def section(title: str, text: str, content: str) -> str:
    """A part of a page.

    Parameters
    ----------
    title, text : str
        Plain text.
    content : str
        HTML.
    """
    paragraph = f"<p>{escape(text)}</p>" if text else ""
    return f'<section><h2>{escape(title)}</h2>{paragraph}<div class="wide">{content}</div></section>\n'


def facts(entries: Mapping[str, str]) -> str:
    """Names of things beside what is to be said of them, all plain text."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in entries.items()) + "</dl>"


def inline_image(content: bytes, alternative: str, form: str = "png") -> str:
    """A picture file, "png" or "jpeg", within the page."""
    return f'<img alt="{escape(alternative)}" src="data:image/{form};base64,{b64encode(content).decode()}">'
