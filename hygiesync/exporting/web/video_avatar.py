"""The data of a filmed avatar for a browser: network, tables, mouths and the idle loop, within so many bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.video_avatar import IDLE_VIDEO, VideoAvatar
from hygiesync.errors import UsageError
from hygiesync.exporting.export import reference_signal
from hygiesync.exporting.metadata import describe_step
from hygiesync.exporting.web.coverage import choose_runs
from hygiesync.exporting.web.idle_loop import read_packets
from hygiesync.exporting.web.network import for_webassembly
from hygiesync.exporting.web.packs import Description, fingerprint, pack
from hygiesync.exporting.web.reference import REFERENCE_FPS, drawing_reference, resampling_reference, speech_reference
from hygiesync.exporting.web.sheets import SHEET_COLUMNS, SHEET_ROWS, encode_sheet, kept_atlas, runs_of
from hygiesync.exporting.web.tensors import (
    VERTEX_FRACTION,
    atlas_arrays,
    face_arrays,
    idle_arrays,
    look_arrays,
    mouth_vertices,
)
from hygiesync.progress import Progress
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.retrieval import Retriever

SPEECH, FACE, LOOK, ATLAS, IDLE = "speech.pack", "face.pack", "look.pack", "atlas.pack", "idle.pack"
MOUTHS, LOOP, REFERENCE = "mouths.bin", "loop.bin", "reference.pack"

_MB = 1_000_000

_OTHERS_BYTES = 300_000
"""Room for the index and the reference, which are made once the mouths are chosen."""


@dataclass(frozen=True)
class WebFiles:
    """What is written.

    Attributes
    ----------
    contents : dict
        File name -> content.
    index : dict
        What has to be known of them: a part of `avatar.json`.
    """

    contents: dict[str, bytes]
    index: dict[str, Any]


class _Files:
    """Files as they come, each described as it is added."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.described: dict[str, Description] = {}

    def add_pack(self, name: str, arrays: dict[str, NDArray[Any]], *, by_difference: tuple[str, ...] = ()) -> None:
        self.contents[name], self.described[name] = pack(arrays, by_difference=by_difference)

    def add(self, name: str, content: bytes) -> None:
        self.contents[name], self.described[name] = content, fingerprint(content)

    @property
    def n_bytes(self) -> int:
        return sum(map(len, self.contents.values()))


def video_avatar_files(
    avatar: VideoAvatar,
    max_mb: float,
    progress: Progress | None = None,
    *,
    of_curves: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
) -> WebFiles:
    """The data of a filmed avatar, with as many of its mouths as fit.

    Parameters
    ----------
    avatar : VideoAvatar
    max_mb : float
        What all files may take together, megabytes.
    progress : callable, optional
    of_curves : callable, optional
        What makes the shape's coefficients of the network's answers, where these are mouth curves.

    Raises
    ------
    UsageError
        When there is no room for a single mouth.
    """
    files = _Files()
    files.add_pack(SPEECH, {"step": np.frombuffer(for_webassembly(avatar.step), np.uint8)})
    files.add_pack(FACE, face_arrays(avatar))
    files.add_pack(LOOK, look_arrays(avatar))
    files.add_pack(IDLE, idle_arrays(avatar.idle_places))
    packets, loop = read_packets(avatar.directory / IDLE_VIDEO)
    files.add(LOOP, packets)
    reference = speech_reference(avatar, reference_signal())
    atlas, sheets = _chosen_mouths(avatar, files, max_mb, progress or (lambda *_: None))
    reference |= resampling_reference(reference["samples"])
    wanted = reference["coefficients"] if of_curves is None else of_curves(reference["coefficients"])
    files.add_pack(REFERENCE, reference | drawing_reference(avatar, atlas, wanted))
    return WebFiles(
        files.contents,
        {
            "files": files.described,
            "answers": "coefficients" if of_curves is None else "curves",
            "step": describe_step(avatar.step),
            "loop": loop,
            "atlas": _describe_mouths(avatar, atlas, sheets),
            "reference": {"fps": str(REFERENCE_FPS)},
        },
    )


def _describe_mouths(avatar: VideoAvatar, atlas: Atlas, sheets: list[tuple[bytes, int]]) -> dict[str, Any]:
    """What has to be known of the chosen mouths and their sheets."""
    features = ShapeFeatures(avatar.shape)(atlas.coefficients, atlas.turns)
    height, width = avatar.atlas.picture(0).shape[:2]
    rows, columns = avatar.canvas.lips_box()
    return {
        "n_pictures": len(atlas),
        "n_pictures_of_avatar": len(avatar.atlas),
        "appearance_scale": float(Retriever(atlas, features).appearance_scale),
        "kernel_width": avatar.appearance.width,
        "vertices": mouth_vertices(avatar).tolist(),
        "vertex_fraction": VERTEX_FRACTION,
        "lips_box": {
            "top": int(rows.start),
            "bottom": int(rows.stop),
            "left": int(columns.start),
            "right": int(columns.stop),
        },
        "sheets": {
            "rows": SHEET_ROWS,
            "columns": SHEET_COLUMNS,
            "picture_width": width,
            "picture_height": height,
            "type": "image/avif",
            "bytes": [len(content) for content, _ in sheets],
            "n_pictures": [n_pictures for _, n_pictures in sheets],
        },
    }


def _chosen_mouths(
    avatar: VideoAvatar, files: _Files, max_mb: float, tell: Progress
) -> tuple[Atlas, list[tuple[bytes, int]]]:
    """The atlas that fits, and its sheets, each with how many pictures it holds; both are added to `files`."""
    atlas, runs = avatar.atlas, runs_of(avatar.atlas.frame_numbers)
    left = max_mb * _MB - files.n_bytes - _OTHERS_BYTES
    no_room = UsageError(
        f"`max_mb`: the network and its tables take {(files.n_bytes + _OTHERS_BYTES) / _MB:.1f} MB, and no mouth fits"
        f" into {max_mb:g}; allow more"
    )
    if left <= 0:
        raise no_room
    contents = []
    for number, run in enumerate(runs):
        contents.append(encode_sheet(atlas, run))
        tell("compressing mouths", number + 1, len(runs), "")
    whole, _ = pack(atlas_arrays(avatar, atlas), by_difference=("vertices",))
    of_table = len(whole) / len(atlas)
    points = Retriever(atlas, ShapeFeatures(avatar.shape)(atlas.coefficients, atlas.turns)).points
    n_bytes = [len(content) + round(of_table * len(run)) for content, run in zip(contents, runs, strict=True)]
    chosen = choose_runs(points, runs, n_bytes, left)
    while True:
        kept = sorted(chosen)
        pictures = np.concatenate([runs[number] for number in kept])
        chosen_atlas = kept_atlas(atlas, pictures)
        table, _ = pack(atlas_arrays(avatar, chosen_atlas), by_difference=("vertices",))
        n_over = len(table) + sum(len(contents[number]) for number in kept) - left
        if n_over <= 0:
            break
        # the table of some pictures may take a little more than its share of the whole one
        n_dropped = max(1, round(n_over / max(n_bytes)))
        if n_dropped >= len(chosen):
            raise no_room
        chosen = chosen[:-n_dropped]
    files.add_pack(ATLAS, atlas_arrays(avatar, chosen_atlas), by_difference=("vertices",))
    files.add(MOUTHS, b"".join(contents[number] for number in kept))
    return chosen_atlas, [(contents[number], len(runs[number])) for number in kept]
