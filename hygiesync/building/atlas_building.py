"""Gathering what rendering needs from the training videos: the atlas of mouths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.building.face_fitting import FittedFace, LabelledFrames, Recording
from hygiesync.face.tracking import over_stretches
from hygiesync.media.video import SourceFrame, read_frames
from hygiesync.rendering.atlas import Atlas, cut_patch, encode_picture, patch_size
from hygiesync.rendering.mesh import FaceMesh

MAX_ATLAS_BYTES = 16_000_000
"""Compressed pictures in one atlas, so that a bundle stays under 30 MB."""

_INSTANT_S = Fraction(1, 1_000_000)
"""Less than any two frames are apart, more than a float errs."""

FrameCallback = Callable[[int], None]


@dataclass(frozen=True)
class _Cut:
    """One atlas picture on its way: frame index in its recording, JPEG, and the patch's place in the frame."""

    index: int
    jpeg: bytes
    origin: NDArray[np.int64]


def build_atlas(
    recordings: list[Recording], face: FittedFace, mesh: FaceMesh, progress: FrameCallback | None = None
) -> tuple[Atlas, tuple[int, int]]:
    """Atlas of all usable frames, thinned out evenly in shape where they would not fit.

    Returns
    -------
    atlas : Atlas
    size : tuple of int
        (width, height) of its pictures.
    """
    size = patch_size(np.concatenate([frames.places.lower[frames.is_usable] for frames in face.frames]))
    chosen = _choose(recordings, face, size)
    pictures: list[bytes] = []
    vertices, coefficients, turns, numbers = [], [], [], []
    first = 0
    for recording, frames, wanted in zip(recordings, face.frames, chosen, strict=True):
        for cut in _cut_all(recording, frames, wanted, size, progress):
            pictures.append(cut.jpeg)
            placed = mesh.place(frames.places.lower[cut.index], frames.places.to_picture[cut.index])
            vertices.append(placed - cut.origin)
            coefficients.append(frames.coefficients[cut.index])
            turns.append(frames.places.turns[cut.index])
            # a new shot starts far away, so that no jump across a cut looks like a step
            numbers.append(first + cut.index + 1000 * int(frames.shots[cut.index]))
        first += len(frames.is_usable) + 1000 * (int(frames.shots[-1]) + 1)
    atlas = Atlas(
        tuple(pictures),
        np.array(vertices, np.float32),
        np.array(coefficients, np.float32),
        np.array(turns, np.float32),
        np.array(numbers, np.int64),
        np.zeros((len(pictures), 0), np.float32),
    )
    return atlas, size


def _cut_all(
    recording: Recording,
    frames: LabelledFrames,
    wanted: NDArray[np.bool_],
    size: tuple[int, int],
    progress: FrameCallback | None,
) -> list[_Cut]:
    index_at = {time_s: index for index, time_s in enumerate(recording.track.times_s.tolist())}

    def cut_stretch(source: Iterator[SourceFrame]) -> list[_Cut]:
        cuts = []
        for frame in source:
            index = index_at[float(frame.time_s)]
            if wanted[index]:
                patch, origin = cut_patch(frame.image, frames.places.lower[index], size)
                cuts.append(_Cut(index, encode_picture(patch), origin))
            if progress is not None:
                progress(1)
        return cuts

    return [cut for cuts in over_stretches(recording.video, cut_stretch) for cut in cuts]


def _choose(recordings: list[Recording], face: FittedFace, size: tuple[int, int]) -> list[NDArray[np.bool_]]:
    """Flags (n_frames,) of each recording's frames to keep."""
    usable = [frames.is_usable for frames in face.frames]
    n_usable = sum(int(flags.sum()) for flags in usable)
    n_fitting = int(MAX_ATLAS_BYTES / _typical_bytes(recordings[0], face.frames[0], size))
    if n_usable <= n_fitting:
        return usable
    rms_displacement = np.sqrt((face.shape.components**2).mean(1))
    points = np.concatenate([frames.coefficients[frames.is_usable] for frames in face.frames]) * rms_displacement
    kept = np.zeros(n_usable, bool)
    kept[farthest_points(points, n_fitting)] = True
    chosen, start = [], 0
    for flags in usable:
        part = np.zeros(len(flags), bool)
        part[flags] = kept[start : start + int(flags.sum())]
        chosen.append(part)
        start += int(flags.sum())
    return chosen


def _typical_bytes(recording: Recording, frames: LabelledFrames, size: tuple[int, int]) -> float:
    """Compressed size of a patch, from the first usable frame with a tenth to spare."""
    index = int(np.flatnonzero(frames.is_usable)[0])
    start_s = Fraction(float(recording.track.times_s[index])) - _INSTANT_S
    frame = next(read_frames(recording.video.path, start_s, n_threads=1))
    patch, _ = cut_patch(frame.image, frames.places.lower[index], size)
    return 1.1 * len(encode_picture(patch))


def farthest_points(points: NDArray[Any], n_chosen: int) -> NDArray[Any]:
    """Indices of points that cover all points: each one is the farthest from those before (Gonzalez, 1985).

    Parameters
    ----------
    points : ndarray, shape (n_points, n_dimensions)
    n_chosen : int
    """
    chosen = np.empty(min(n_chosen, len(points)), np.int64)
    distance = np.full(len(points), np.inf)
    chosen[0] = int(((points - points.mean(0)) ** 2).sum(1).argmax())
    for place in range(1, len(chosen)):
        distance = np.minimum(distance, ((points - points[chosen[place - 1]]) ** 2).sum(1))
        chosen[place] = int(distance.argmax())
    return chosen
