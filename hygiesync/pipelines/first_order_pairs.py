"""Many animations at once by learnt motion: which source goes with which driving video, and a folder of mp4s."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from hygiesync.errors import InputError
from hygiesync.first_order.clips import PICTURES, find_clips
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.media.atomic_folder import atomic_folder, check_place
from hygiesync.pipelines.first_order import FirstOrderOptions, animate_first_order
from hygiesync.progress import Progress


def animate_pairs(
    model: FirstOrderModel,
    pairs: list[tuple[Path, Path]],
    out: Path,
    options: FirstOrderOptions | None = None,
    *,
    has_consent: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write one mp4 for each pair of source and driving video into a folder, named ``SOURCE-DRIVING.mp4``."""
    check_place(
        out, lambda place: all(p.suffix == ".mp4" for p in place.iterdir()), "folder of videos", "recordings/fox"
    )
    results = {}
    with atomic_folder(out) as folder:
        for source, driving in pairs:
            name = f"{source.stem}-{driving.stem}.mp4"
            results[name] = animate_first_order(
                model, source, driving, folder / name, options, has_consent=has_consent, progress=progress
            )
    return results


def pairs_of_folder(folder: Path, driving: Path) -> list[tuple[Path, Path]]:
    """Each picture of a folder, with one driving video."""
    sources = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not sources:
        raise InputError(f"{folder}: has no pictures; expected PNG, JPEG, WebP, BMP or TIFF files")
    return [(source, driving) for source in sources]


def pairs_of_csv(path: Path) -> list[tuple[Path, Path]]:
    """Pairs of a csv file with columns source and driving, whose names are relative to its folder.

    Raises
    ------
    InputError
        When it can't be read, or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: can't be read ({error}); expected lines of source,driving") from error
    if not rows or not all(row.get("source") and row.get("driving") for row in rows):
        raise InputError(f"{path}: expected columns source and driving, and a line for each pair")
    return [(path.parent / row["source"], path.parent / row["driving"]) for row in rows]


def pairs_of_data(data: Path, n_pairs: int) -> list[tuple[Path, Path]]:
    """Pairs of a data folder's test videos, drawn from min(n_pairs, n)^2 without replacement, with seed 0."""
    clips = find_clips(data)[1]
    if not clips:
        raise InputError(f"{data}: has no videos to test on; put some into {data / 'test'}")
    n = min(n_pairs, len(clips))
    grid = [(clips[k].path, clips[j].path) for k in range(n) for j in range(n)]
    chosen = np.random.default_rng(0).permutation(len(grid))[:n_pairs]
    return [grid[k] for k in chosen]
