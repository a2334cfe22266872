"""The avatar of one picture: a photograph, a painting, a statue.

Beside what every bundle has (see bundle.py) there are::

    photo.png               the picture, upright
    photo.safetensors       its face's landmarks and mesh, and how much of each pixel is the person

Nothing is learnt from a picture: how mouths move is the same for all of them, and what they say is heard by the generic
speech model (:mod:`hygiesync.motion.generic`). A video of the person knows better.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hygiesync.avatar.bundle import STEP, Avatar
from hygiesync.avatar.manifest import FROM_PHOTO, Manifest
from hygiesync.errors import InputError
from hygiesync.media.stills import read_still, write_png
from hygiesync.portrait.life import IdleLife
from hygiesync.portrait.living import LivingPicture
from hygiesync.portrait.renderer import PhotoRenderer
from hygiesync.portrait.talking import SpokenShapes, TalkingFace
from hygiesync.speech.visemes import CURVES

PICTURE, FACE = "photo.png", "photo.safetensors"


@dataclass(frozen=True)
class PhotoAvatar(Avatar):
    """One picture that speaks.

    Attributes
    ----------
    picture : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    matte : ndarray, shape (H, W), uint8
        How much of each pixel is the person.
    triangles : ndarray, shape (n, 3), int
        Of the face's mesh.
    """

    ORIGIN: ClassVar[str] = FROM_PHOTO
    FILES: ClassVar[tuple[str, ...]] = (STEP, PICTURE, FACE)

    picture: np.ndarray = field(repr=False)
    landmarks: np.ndarray = field(repr=False)
    matte: np.ndarray = field(repr=False)
    triangles: np.ndarray = field(repr=False)

    @classmethod
    def from_files(cls, folder: Path, manifest: Manifest) -> PhotoAvatar:
        """See :meth:`Avatar.from_files`."""
        try:
            tensors = load_file(folder / FACE)
            landmarks = tensors["landmarks"].astype(np.float64)
            return cls(
                directory=folder,
                manifest=manifest,
                shape=SpokenShapes(TalkingFace(landmarks)),
                rest=np.zeros(len(CURVES)),
                background=None,
                step=(folder / STEP).read_bytes(),
                picture=read_still(folder / PICTURE),
                landmarks=landmarks,
                matte=tensors["matte"],
                triangles=tensors["triangles"].astype(np.int64),
            )
        except (SafetensorError, KeyError, ValueError, IndexError, OSError) as error:
            raise InputError(f"{folder}: can't be read ({error}); make the avatar again") from error

    def renderer(self, lag: int = 0) -> PhotoRenderer:
        """A new renderer; it has no use for a lag."""
        return PhotoRenderer(self.picture, self.landmarks, self.matte.astype(np.float32) / 255, self.triangles)

    def idle_template(self, fps: Fraction) -> LivingPicture:
        """The picture, breathing, swaying and blinking."""
        return LivingPicture(self.picture, self.landmarks, fps, IdleLife())

    def still_template(self, fps: Fraction) -> LivingPicture:
        """The picture as it is."""
        return LivingPicture(self.picture, self.landmarks, fps)


def save_photo(
    directory: Path, picture: np.ndarray, landmarks: np.ndarray, matte: np.ndarray, triangles: np.ndarray
) -> None:
    """Write a bundle's picture and face; arguments as the attributes of :class:`PhotoAvatar`."""
    write_png(directory / PICTURE, picture)
    tensors = {
        "landmarks": landmarks.astype(np.float32),
        "matte": matte,
        "triangles": triangles.astype(np.int32),
    }
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, directory / FACE)
