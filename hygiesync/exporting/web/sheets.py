"""Mouth pictures in sheets: a few consecutive ones in one compressed picture, opened when one of them is wanted.

Measured (docs/web.md): at equal error, AVIF with full chroma takes two thirds of JPEG's bytes. WebP has half the chroma
at best, and lips are a fine red line: it stays behind at any size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hygiesync.media.images import encode_avif
from hygiesync.rendering.atlas import Atlas

SHEET_ROWS, SHEET_COLUMNS = 2, 4
PICTURES_PER_SHEET = SHEET_ROWS * SHEET_COLUMNS
"""Speech goes on with the next picture of a take or jumps: few in a sheet waste little when it jumps."""

QUALITY = 72
"""Of 100, of libavif's scale: 39 dB of the pictures that are drawn, which is less error than warping makes."""


def runs_of(frame_numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Indices of atlas pictures, cut into runs of one sheet each that don't reach over a cut between takes."""
    takes = np.split(np.arange(len(frame_numbers)), np.flatnonzero(np.diff(frame_numbers) != 1) + 1)
    return [
        take[begin : begin + PICTURES_PER_SHEET] for take in takes for begin in range(0, len(take), PICTURES_PER_SHEET)
    ]


def encode_sheet(atlas: Atlas, run: NDArray[np.int64]) -> bytes:
    """One sheet: pictures as they are drawn, with the detail that warping takes off again.

    What is missing at its end repeats the last picture, which costs next to nothing.
    """
    padded = [*run, *[run[-1]] * (PICTURES_PER_SHEET - len(run))]
    rows = [
        np.concatenate([atlas.picture(index) for index in padded[first : first + SHEET_COLUMNS]], axis=1)
        for first in range(0, PICTURES_PER_SHEET, SHEET_COLUMNS)
    ]
    return encode_avif(np.concatenate(rows), QUALITY)


def kept_atlas(atlas: Atlas, pictures: NDArray[np.int64]) -> Atlas:
    """Some of an atlas's pictures, with codes as exact as they are exported."""
    return replace(
        atlas,
        pictures=tuple(atlas.pictures[index] for index in pictures),
        vertices=atlas.vertices[pictures],
        coefficients=atlas.coefficients[pictures],
        turns=atlas.turns[pictures],
        frame_numbers=atlas.frame_numbers[pictures],
        codes=atlas.codes[pictures].astype(np.float16).astype(np.float32),
    )
