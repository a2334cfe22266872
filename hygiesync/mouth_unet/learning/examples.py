"""What the painter learns from: an atlas's mouths, each to be painted after a picture of another moment.

A moment's own picture, and those of the seconds around it, are never its reference: in use there is none of that moment
either. The last part of the video is not learnt from but validated on, with references of the part before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.face.pose import similarity_scale
from hygiesync.face.topology import LOWER_FACE, LOWER_MOUTH_REGION
from hygiesync.mouth_unet.patch import MouthPatch, atlas_in_patch, numbers_of
from hygiesync.mouth_unet.reference import KnownMouths, References
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.features import ShapeFeatures

HELD_OUT_SHARE = 0.2
"""Of the atlas, its end."""

_APART = 75
"""Frames between a moment and its reference, at least: three seconds, a sentence in many recordings."""

_N_REFERENCES = 12
"""The nearest so many are drawn from, so that the network has seen good references and bad ones."""

_N_FOLDS = 4
"""Parts of the recording, each of whose looks is expected by the others."""

_SMALL_FACE_PX = 165.0
"""Eye distance under which a mouth has a node of the warp for each pixel, and is sampled more finely."""

_LIPS_WEIGHT = 2.0
"""What lips, teeth and tongue count more than skin."""

_RIM = 0.05
"""Width over which the region's rim begins to count, as a share of the patch's width."""


@dataclass(frozen=True)
class Example:
    """One mouth to be painted.

    Attributes
    ----------
    index : int
        Of the picture that it is of.
    reference, real : ndarray, shape (height, width, 3), uint8
    outline : ndarray, shape (height, width, 2), uint8
    numbers : ndarray, shape (n_numbers,), float32
    weight : ndarray, shape (height, width), float32
    """

    index: int
    reference: NDArray[np.uint8]
    outline: NDArray[np.uint8]
    numbers: NDArray[np.float32]
    real: NDArray[np.uint8]
    weight: NDArray[np.float32]


class Examples:
    """An atlas's mouths as examples.

    Parameters
    ----------
    mouths : KnownMouths

    Attributes
    ----------
    patch : MouthPatch
    training, validation : ndarray, int
        Numbers of pictures.
    """

    def __init__(self, mouths: KnownMouths) -> None:
        self._atlas = atlas = mouths.atlas
        self.patch, self._to_pictures, self._vertices = atlas_in_patch(atlas, mouths.mesh)
        self._px_per_unit = float(np.median(similarity_scale(self._to_pictures)))
        self._maker = References(mouths, self.patch)
        n_training = max(1, round(len(atlas) * (1 - HELD_OUT_SHARE)))
        first_held_out = atlas.frame_numbers[min(n_training, len(atlas) - 1)]
        numbers = np.arange(len(atlas))
        self.training = numbers[:n_training][atlas.frame_numbers[:n_training] <= first_held_out - _APART]
        if not len(self.training):  # so short a video that nothing is three seconds from its end
            self.training = numbers[:n_training]
        self.validation = numbers[n_training:]
        self._features = ShapeFeatures(mouths.shape)(atlas.coefficients, atlas.turns)
        self._looks = self._expected_looks(mouths.appearance)
        self._near: dict[int, NDArray[np.int64]] = {}

    @property
    def n_numbers(self) -> int:
        """Numbers that the network is told."""
        return 2 * (self._atlas.coefficients.shape[1] + self._atlas.turns.shape[1])

    def references(self, index: int) -> NDArray[np.int64]:
        """The training pictures nearest in shape to picture `index`, of other moments, nearest first."""
        if index not in self._near:
            distance = np.linalg.norm(self._features[self.training] - self._features[index], axis=1)
            apart = np.abs(self._atlas.frame_numbers[self.training] - self._atlas.frame_numbers[index])
            # of a recording so short that nothing is far away, at least not the picture itself
            distance[apart < (_APART if (apart >= _APART).any() else 1)] = np.inf
            n_found = min(_N_REFERENCES, int(np.isfinite(distance).sum())) or 1
            nearest = np.argpartition(distance, n_found - 1)[:n_found]
            self._near[index] = self.training[nearest[np.argsort(distance[nearest])]]
        return self._near[index]

    def example(self, index: int, reference: int) -> Example:
        """Picture `index` to be painted after picture `reference`."""
        atlas, patch, vertices = self._atlas, self.patch, self._vertices[index]
        lower = vertices[: len(LOWER_FACE)]
        outline = patch.outline(lower)
        return Example(
            index,
            self._maker.make(vertices, reference, self._looks[index]),
            outline,
            numbers_of(
                atlas.coefficients[index], atlas.turns[index], atlas.coefficients[reference], atlas.turns[reference]
            ),
            self._real(index),
            _weight(patch, lower, outline),
        )

    def batches(self, n_batches: int, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        """Batches of training examples: reference, outline, numbers, real, weight."""
        for _ in range(n_batches):
            chosen = rng.choice(self.training, batch_size)
            yield as_batch([self.example(int(index), int(rng.choice(self.references(index)))) for index in chosen])

    def held_out(self, n_examples: int) -> list[Example]:
        """Examples of the part that is not learnt from, evenly over it, each after its nearest reference."""
        pool = self.validation if len(self.validation) else self.training
        chosen = np.unique(np.linspace(0, len(pool) - 1, n_examples).astype(int))
        return [self.example(int(index), int(self.references(index)[0])) for index in pool[chosen]]

    def _expected_looks(self, appearance: AppearanceModel) -> NDArray[np.float32]:
        """Codes (n_pictures, n_look_components) that looks are expected to have by pictures of other moments alone.

        A model that was fitted to a picture expects its very look, which it can do of no new one.
        """
        codes = np.zeros_like(self._atlas.codes)
        for part in np.array_split(self.training, _N_FOLDS):
            others = np.setdiff1d(self.training, part)
            known = others if len(others) else part
            model = appearance.refitted(self._features[known], self._atlas.codes[known])
            codes[part] = model.expected(self._features[part])
        model = appearance.refitted(self._features[self.training], self._atlas.codes[self.training])
        rest = np.setdiff1d(np.arange(len(codes)), self.training)
        codes[rest] = model.expected(self._features[rest])
        return codes

    def in_picture(
        self, index: int, patch: NDArray[np.uint8], weight: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """Picture `index`, and a patch and its weight sampled into it as frames are."""
        picture = self._atlas.camera_picture(index)
        size, to_picture = picture.shape[1::-1], cv2.invertAffineTransform(self._to_patch(index))
        # as `mouth_pasting` samples: small faces by cubic interpolation
        way = cv2.INTER_CUBIC if self._px_per_unit < _SMALL_FACE_PX else cv2.INTER_LINEAR
        flags = cv2.WARP_INVERSE_MAP
        sampled = cv2.warpAffine(patch, to_picture, size, flags=way | flags, borderMode=cv2.BORDER_REPLICATE)
        return picture, sampled, cv2.warpAffine(weight, to_picture, size, flags=cv2.INTER_LINEAR | flags)

    def _real(self, index: int) -> NDArray[np.uint8]:
        """The real mouth in the patch, by a similarity alone."""
        size, flags = (self.patch.width, self.patch.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = self._atlas.camera_picture(index)
        return cv2.warpAffine(picture, self._to_patch(index), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def _to_patch(self, index: int) -> NDArray[np.float64]:
        """Where each pixel of the patch lies in picture `index`, (2, 3)."""
        patch = self.patch
        to_canonical = np.array(
            [[1 / patch.px_per_unit, 0, patch.left + 0.5 / patch.px_per_unit],
             [0, 1 / patch.px_per_unit, patch.top + 0.5 / patch.px_per_unit]]
        )  # fmt: skip
        similarity = self._to_pictures[index]
        linear = similarity[:, :2] @ to_canonical[:, :2]
        shift = similarity[:, :2] @ to_canonical[:, 2] + similarity[:, 2]
        return np.concatenate([linear, shift[:, None]], 1)


def as_batch(examples: list[Example]) -> tuple[NDArray[Any], ...]:
    """Examples as arrays: reference, outline, numbers, real, weight."""
    names = ("reference", "outline", "numbers", "real", "weight")
    return tuple(np.stack([getattr(example, name) for example in examples]) for name in names)


def _weight(patch: MouthPatch, lower: NDArray[np.float64], outline: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much pixels count: those that are put in, and of these the lips' more."""
    region = np.zeros((patch.height, patch.width), np.uint8)
    cv2.fillPoly(region, [np.rint(lower[LOWER_MOUTH_REGION]).astype(np.int32)], 255)
    size = 2 * max(1, round(_RIM * patch.width / 2)) + 1
    inside = cv2.blur(region, (size, size)).astype(np.float32) / 255
    lips = cv2.blur(np.maximum(outline[..., 0], outline[..., 1]), (size, size)).astype(np.float32) / 255
    return np.minimum(inside, region / np.float32(255)) * (1 + _LIPS_WEIGHT * lips)
