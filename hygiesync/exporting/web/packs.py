"""Packs: arrays of numbers in one compressed file, and what has to be known to read it.

A pack is a gzip file whatever its name says, so that a web server that knows nothing of it sends it as it is, and the
browser opens it. In it arrays lie one after another, little-endian, C order, each at a multiple of 8 bytes.

Whole numbers that change little from one row to the next are stored as differences between rows, low bytes of all
first and then the high ones: what gzip is then left with is a third smaller.
"""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Description = dict[str, Any]

_ALIGNMENT = 8

_DTYPES = {"float64", "float32", "float16", "int32", "int16", "uint8"}

_LEVEL = 9
"""Compression is done once, and read many times."""


def pack(arrays: dict[str, NDArray[Any]], *, by_difference: tuple[str, ...] = ()) -> tuple[bytes, Description]:
    """Arrays as one file, and where each lies in it.

    Parameters
    ----------
    arrays : dict
        Name -> array of a number type that a browser has.
    by_difference : tuple of str
        Names of int16 arrays that are stored as differences between rows.

    Returns
    -------
    content : bytes
    description : dict
        `sha256` and `bytes` of the file, `arrays`: name -> `dtype`, `shape`, `offset`, `by_difference`.
    """
    content, described = bytearray(), {}
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise TypeError(f"{name}: a browser has no numbers of type {array.dtype}")
        content += bytes(-len(content) % _ALIGNMENT)
        is_different = name in by_difference
        described[name] = {
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "offset": len(content),
            "by_difference": is_different,
        }
        stored = _differences(array) if is_different else np.ascontiguousarray(array)
        content += stored.astype(stored.dtype.newbyteorder("<"), copy=False).tobytes()
    packed = gzip.compress(bytes(content), _LEVEL, mtime=0)
    return packed, {**fingerprint(packed), "arrays": described}


def fingerprint(content: bytes) -> Description:
    """`sha256` and `bytes` of a file's content."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _differences(array: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Bytes (2, n) of the differences, which wrap around, between rows of int16: low ones, then high ones."""
    if array.dtype != np.int16:
        raise TypeError(f"expected int16 to store by difference, got {array.dtype}")
    rows = array.reshape(len(array), -1).astype(np.int32)
    steps = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.int32)).ravel()
    wrapped = steps & 0xFFFF
    return np.stack([wrapped & 0xFF, wrapped >> 8]).astype(np.uint8)
