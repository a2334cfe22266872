"""Pairs of frames to learn from: drawn, flipped, coloured."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.first_order.clips import Clip, FrameCache, Picture
from hygiesync.first_order.settings import DataSettings, TrainingSettings

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Source and driving pictures, each (n, 3, size, size), RGB, 0 to 1."""


class PairSampler:
    """Draws batches of pairs; all that is random comes from the generator that it is handed."""

    def __init__(self, clips: list[Clip], data: DataSettings, training: TrainingSettings) -> None:
        self._data, self._training = data, training
        self._cache = FrameCache(data.frame_size)
        people: dict[str, list[Clip]] = {}
        for clip in clips:
            people.setdefault(clip.identity if data.samples_identities else str(clip.path), []).append(clip)
        self._people = list(people.values())

    def steps_per_epoch(self, n_processes: int = 1) -> int:
        """How many batches an epoch has, in each of several processes."""
        if self._training.steps_per_epoch is not None:
            return max(1, self._training.steps_per_epoch)
        items = len(self._people) * self._training.n_repeats
        return max(1, items // (self._training.batch_size * n_processes))

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[Batch]:
        """`n_steps` batches; people take turns."""
        order: list[int] = []
        for _ in range(n_steps):
            pairs = []
            for _ in range(self._training.batch_size):
                if not order:
                    order = list(rng.permutation(len(self._people)))
                pairs.append(self._pair(self._people[order.pop()], rng))
            sources, drivings = zip(*pairs, strict=True)
            yield _stacked(sources), _stacked(drivings)

    def _pair(self, clips: list[Clip], rng: np.random.Generator) -> tuple[Picture, Picture]:
        clip = clips[rng.integers(len(clips))]
        numbers = np.sort(rng.integers(clip.n_frames, size=2))
        source, driving = (self._cache.frame(clip, int(number)) for number in numbers)
        return varied((source, driving), self._data, rng)


def varied(pair: tuple[Picture, Picture], data: DataSettings, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """A pair (h, w, 3) as it might have been filmed: turned round in time or mirrored, resized, in another light."""
    if data.flips_time and rng.random() < 0.5:
        pair = (pair[1], pair[0])
    elif data.flips_horizontally and rng.random() < 0.5:
        pair = (pair[0][:, ::-1], pair[1][:, ::-1])
    if data.resize_ratio:
        pair = _recut(pair, data.resize_ratio, rng)
    return _coloured(pair, data, rng)


def _recut(
    pair: tuple[Picture, Picture], ratio: tuple[float, ...], rng: np.random.Generator
) -> tuple[Picture, Picture]:
    size = pair[0].shape[0]
    scaled = max(1, round(size * float(rng.uniform(ratio[0], ratio[-1]))))
    border = max(0, size - scaled)
    top, left = rng.integers(max(1, scaled + border - size + 1), size=2)
    cut = []
    for picture in pair:
        larger = cv2.resize(picture, (scaled, scaled), interpolation=cv2.INTER_LINEAR)
        larger = np.pad(larger, ((border // 2, border - border // 2),) * 2 + ((0, 0),), mode="edge")
        cut.append(larger[top : top + size, left : left + size].astype(np.uint8))
    return cut[0], cut[1]


def _coloured(pair: tuple[Picture, Picture], data: DataSettings, rng: np.random.Generator) -> tuple[Picture, Picture]:
    changes = ["brightness", "contrast", "saturation", "hue"]
    amounts = {name: getattr(data, name) for name in changes}
    drawn = {
        name: rng.uniform(-amount, amount) if name == "hue" else rng.uniform(max(0.0, 1 - amount), 1 + amount)
        for name, amount in amounts.items()
        if amount > 0
    }
    order = [changes[k] for k in rng.permutation(len(changes)) if changes[k] in drawn]
    result = []
    for picture in pair:
        for name in order:
            picture = _changed(picture, name, float(drawn[name]))
        result.append(picture)
    return result[0], result[1]


def _changed(picture: Picture, name: str, amount: float) -> Picture:
    if name == "hue":
        hsv = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2HSV_FULL)
        hsv[..., 0] += np.uint8(round(amount * 256) % 256)
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL).astype(np.uint8)
    values = picture.astype(np.float32)
    grey = values @ np.array([0.299, 0.587, 0.114], np.float32)
    anchor = {"brightness": np.float32(0), "contrast": grey.mean(), "saturation": grey[..., None]}[name]
    mixed = anchor + amount * (values - anchor)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _stacked(pictures: tuple[Picture, ...]) -> NDArray[np.float32]:
    """Pictures (h, w, 3) as a batch (n, 3, h, w), 0 to 1."""
    return np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2), np.float32) / np.float32(255)
