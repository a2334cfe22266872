"""All kinds of jobs, and the columns that a table may have."""

from __future__ import annotations

from collections.abc import Mapping

from hygiesync.batch.kinds.animation import ANIMATE
from hygiesync.batch.kinds.kind import Kind
from hygiesync.batch.kinds.speaking import RENDER, SAY
from hygiesync.batch.kinds.training import TRAIN
from hygiesync.batch.looking import Problems

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (RENDER, SAY, ANIMATE, TRAIN)}

COLUMNS = tuple(dict.fromkeys(column for kind in KINDS.values() for column in kind.columns))
"""In the order of kinds."""


def kind_of(cells: Mapping[str, str], problems: Problems) -> Kind | None:
    """The kind of a row: as it says, or as what it fills shows; what is wrong goes into `problems`.

    Examples
    --------
    >>> kind_of({"avatar": "me", "text": "Hello!"}, {}).name
    'say'
    """
    filled = [kind for kind in KINDS.values() if kind.source in cells]
    written = cells.get("kind", "").strip().lower()
    if written and written not in KINDS:
        problems["kind"] = f"expected one of {', '.join(KINDS)}, got {written!r}"
    elif len(filled) != 1:
        sources = ", ".join(kind.source for kind in KINDS.values())
        got = " and ".join(kind.source for kind in filled) or "none"
        problems[filled[0].source if filled else "audio"] = f"expected just one of {sources} to be filled, got {got}"
    elif written and filled[0].name != written:
        problems["kind"] = f"expected {filled[0].name}, since {filled[0].source} is filled, got {written}"
    else:
        return filled[0]
    return None
