"""Trimming an mp4 whose writing was broken off to the fragments that are whole.

A fragment is a ``moof`` box, which says what comes, and an ``mdat`` box, which is it. When a disk is full in the middle
of one, the file promises pictures and sound that it does not hold, and careful readers refuse it. Without its last,
broken fragment it promises nothing too much.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from hygiesync.media.container import PathLike

_HEADER, _LONG_HEADER = 8, 16


def keep_whole_fragments(path: PathLike) -> int:
    """Cut off what follows the last whole fragment of an mp4.

    Parameters
    ----------
    path : str or os.PathLike
        A file that is not being written any more. One that is whole stays as it is, as does one without fragments.

    Returns
    -------
    int
        Bytes that were cut off.

    Raises
    ------
    OSError
        When it can't be read or changed.
    """
    file = Path(path)
    size = file.stat().st_size
    with file.open("r+b") as content:
        end = _end_of_whole_fragments(content, size)
        if end in (0, size):
            return 0
        content.truncate(end)
    return size - end


def _end_of_whole_fragments(content: BinaryIO, size: int) -> int:
    """Where the last whole fragment ends, or the whole file; 0 when there is no fragment before the broken part."""
    position, end, has_head = 0, 0, False
    while position < size:
        kind, length = _read_box(content, position)
        if length < _HEADER or position + length > size:
            return end
        position += length
        if kind == b"mdat" and has_head:
            end = position
        has_head = kind == b"moof"
    return position


def _read_box(content: BinaryIO, position: int) -> tuple[bytes, int]:
    """Kind and length of the box at `position`; a length of 0 where there is no box."""
    content.seek(position)
    header = content.read(_LONG_HEADER)
    if len(header) < _HEADER:
        return b"", 0
    length = int.from_bytes(header[:4], "big")
    if length == 1 and len(header) == _LONG_HEADER:
        length = int.from_bytes(header[8:], "big")
    return header[4:8], length
