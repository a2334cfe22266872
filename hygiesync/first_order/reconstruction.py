"""The published test: each video made anew from its first frame, with its own points.

AED, the distance of identities, needs a network that knows persons, which comes from the user.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError, UsageError
from hygiesync.extras import is_there
from hygiesync.first_order.clips import Clip, find_clips
from hygiesync.first_order.identity import IdentityEmbedder, identity_distance
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.progress import Progress

AKD_SIDE_PX = 256
"""Side of the pictures in whose pixels key point distances are told."""


def reconstruct(
    model: FirstOrderModel,
    data: Path,
    *,
    max_videos: int | None = None,
    finds_faces: bool = True,
    embedder: IdentityEmbedder | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure a model on the test videos of a data folder.

    Parameters
    ----------
    model : FirstOrderModel
    data : Path
    max_videos : int, optional
        The configuration's when left out.
    finds_faces : bool
        Measure AKD and MKR where MediaPipe is installed.
    embedder : IdentityEmbedder, optional
        Measure AED with it.
    progress : callable, optional

    Returns
    -------
    dict
        ``l1``, ``copy_l1``, ``ratio``, ``sharpness`` (variance of the Laplacian against the real frames'), ``akd``
        (mean distance of face landmarks along x and y, pixels at 256; None without faces), ``mkr`` (share of faces
        found in the real frame and not in the made one), ``aed`` (mean squared distance of the persons' features; None
        without a network that gives them), means over all frames; ``videos``: the same by name.

    Raises
    ------
    InputError
        When there is nothing to test on.
    """
    most = model.configuration.reconstruction.n_videos if max_videos is None else max_videos
    if most < 1:
        raise UsageError(f"`max_videos`: expected 1 or more, got {most}")
    clips = find_clips(data)[1][:most]
    if not clips:
        raise InputError(f"{data}: has no videos to test on; put some into {data / 'test'}")
    report, n_frames = progress or (lambda *_: None), sum(clip.n_frames for clip in clips)
    measure = _Measure(model, finds_faces and is_there("mediapipe"), embedder)
    videos, done = {}, 0
    with measure:
        for clip in clips:
            videos[clip.path.name] = measure.clip(clip, partial(_count, report, done, n_frames))
            done += clip.n_frames
    return {**_joined(list(videos.values())), "n_frames": n_frames, "videos": videos}


def _count(report: Progress, before: int, total: int, number: int) -> None:
    report("frames", before + number, total, "")


class _Measure:
    def __init__(self, model: FirstOrderModel, finds_faces: bool, embedder: IdentityEmbedder | None) -> None:
        self._model, self._finds_faces, self._embedder = model, finds_faces, embedder
        self._detectors: list[Any] = []

    def __enter__(self) -> _Measure:
        if self._finds_faces:
            from hygiesync.face.landmarks import LandmarkDetector

            self._detectors = [LandmarkDetector(), LandmarkDetector()]
        return self

    def __exit__(self, *_: object) -> None:
        for detector in self._detectors:
            detector.close()

    def clip(self, clip: Clip, report: Any) -> dict[str, Any]:
        """Figures of one video."""
        size = self._model.size
        first = clip.frame(0, size)
        source = self._model.source(first)
        sums = dict.fromkeys(("l1", "copy_l1", "made_detail", "real_detail", "akd", "aed", "n_both", "n_real"), 0.0)
        for number in range(clip.n_frames):
            real = clip.frame(number, size)
            prediction = self._model.predict(source, self._model.points(real))
            sums["l1"] += float(np.abs(prediction - real / np.float32(255)).mean())
            sums["copy_l1"] += float(np.abs(first.astype(np.float32) - real).mean() / 255)
            made = np.rint(prediction * 255).astype(np.uint8)
            sums["made_detail"] += _detail(made)
            sums["real_detail"] += _detail(real)
            self._compare_faces(real, made, sums)
            if self._embedder is not None:
                shown = real.astype(np.float32) / np.float32(255)
                sums["aed"] += identity_distance(self._embedder(shown), self._embedder(prediction))
            report(number + 1)
        return _figures(sums, clip.n_frames) | {"aed": sums["aed"] / clip.n_frames if self._embedder else None}

    def _compare_faces(self, real: NDArray[np.uint8], made: NDArray[np.uint8], sums: dict[str, float]) -> None:
        if not self._detectors:
            return
        pair = [_landmarks(detector, image) for detector, image in zip(self._detectors, (real, made), strict=True)]
        if pair[0] is None:
            return
        sums["n_real"] += 1
        if pair[1] is not None:
            sums["n_both"] += 1
            sums["akd"] += float(np.abs(pair[0] - pair[1]).mean())


def _landmarks(detector: Any, image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    scaled = cv2.resize(image, (AKD_SIDE_PX, AKD_SIDE_PX), interpolation=cv2.INTER_CUBIC)
    found: NDArray[np.float64] | None = detector.detect(scaled)
    return found


def _detail(image: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def _figures(sums: dict[str, float], n: int) -> dict[str, Any]:
    return {
        "n_frames": n,
        "l1": sums["l1"] / n,
        "copy_l1": sums["copy_l1"] / n,
        "ratio": sums["l1"] / max(sums["copy_l1"], 1e-12),
        "sharpness": sums["made_detail"] / max(sums["real_detail"], 1e-12),
        "akd": sums["akd"] / sums["n_both"] if sums["n_both"] else None,
        "mkr": 1 - sums["n_both"] / sums["n_real"] if sums["n_real"] else None,
    }


def _joined(videos: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over all frames."""

    def mean(name: str) -> float | None:
        some = [(v[name], v["n_frames"]) for v in videos if v[name] is not None]
        return float(np.average([v for v, _ in some], weights=[n for _, n in some])) if some else None

    result = {name: mean(name) for name in ("l1", "copy_l1", "sharpness", "akd", "mkr", "aed")}
    assert result["l1"] is not None
    assert result["copy_l1"] is not None
    return {**result, "ratio": result["l1"] / max(result["copy_l1"], 1e-12)}
