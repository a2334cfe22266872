"""When a new file takes an older one's place: once it is whole, and not before.

Whatever writes a file that a person may have made before asks here, so that neither a fault nor Ctrl-C nor a full disk
costs what was there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def unfinished(path: Path) -> Path:
    """Where a file is made that is to be `path`: beside it, hidden, this process's own, with the same ending."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A place to make a file; when the block ends well it becomes `path`, else it is gone and `path` is as it was.

    Raises
    ------
    OSError
        When it can't be put in its place.
    """
    path = path.resolve()  # what a link names is replaced, not the link
    if path.exists() and not path.is_file():
        yield path  # a device or a pipe has no content to lose
        return
    beside = unfinished(path)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def free_name(path: Path) -> Path:
    """`path` with ``.unfinished`` in its name, and a number where that is taken: for what can't be had again."""
    number, name = 1, path.with_name(f"{path.stem}.unfinished{path.suffix}")
    while name.exists():
        number += 1
        name = path.with_name(f"{path.stem}.unfinished-{number}{path.suffix}")
    return name
