"""The pages point at files and headings that exist."""

import re
from pathlib import Path

import pytest

import hygiesync

ROOT = Path(__file__).parents[1]
PATTERNS = ("*.md", "docs/**/*.md", "models/README.md", "recordings/README.md")
PAGES = [page for pattern in PATTERNS for page in sorted(ROOT.glob(pattern))]

CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"""\]\(<?([^()\s>]+)>?[^()]*\)|(?:src|href)=["']([^"']+)["']""")


def links(page: Path) -> list[str]:
    prose = CODE.sub("", page.read_text(encoding="utf-8"))
    targets = [markdown or html for markdown, html in LINK.findall(prose)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """Names that GitHub gives to the headings of `page`."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    name = page.relative_to(ROOT)
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{name} points at {link}, which is not there"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{name} points at {link}, but {target.name} has no such heading"


def test_links_are_found() -> None:
    """The pattern sees what it is there to see, and not what is code."""
    prose = CODE.sub("", "[a](b.md#c) ![d](e.png) <img src='f.gif'> `[g](h)`")
    assert [markdown or html for markdown, html in LINK.findall(prose)] == ["b.md#c", "e.png", "f.gif"]


def test_the_api_page_has_every_public_name() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"auto\w+:: hygiesync\.(?:\w+\.)*(\w+)", page))
    assert set(hygiesync.__all__) - {"__version__"} <= told
