"""The avatar of one picture: a photograph, a painting, a statue.

Beside what every bundle has (see bundle.py) there are::

    photo.png               the picture, upright
    person.png              the person in it, cut out of it and continued beyond their outline
    background.png          what is behind them, filled in
    face.safetensors        the face's landmarks and mesh

Nothing is learnt from a picture: how mouths move is the same for all of them, and what they say is heard by the generic
speech model (:mod:`hygiesync.speech_to_shape.generic`). A video of the person knows better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from hygiesync.array_types import FloatArray
from hygiesync.avatar.bundle import STEP, Avatar
from hygiesync.avatar.manifest import FROM_PHOTO, Manifest
from hygiesync.avatar.template import FacePlaces
from hygiesync.errors import InputError, UsageError
from hygiesync.face.landmarks import N_LANDMARKS
from hygiesync.face.target import FaceChoice
from hygiesync.media.container import PathLike
from hygiesync.media.images import read_png, write_png
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.parts import eye_distance, parts_cut_off
from hygiesync.portrait.speaking.idle_motion import LIVELINESS, IdleMotion
from hygiesync.portrait.speaking.photo_renderer import PhotoRenderer
from hygiesync.portrait.speaking.photo_template import PhotoFace, PhotoTemplate
from hygiesync.portrait.speaking.talking_face import SpokenShapes, TalkingFace
from hygiesync.progress import Progress
from hygiesync.rendering.interfaces import Scene
from hygiesync.tts.visemes import CURVES

PICTURE, PERSON, BACKGROUND, FACE = "photo.png", "person.png", "background.png", "face.safetensors"


@dataclass(frozen=True)
class PhotoAvatar(Avatar):
    """One picture that speaks.

    Thread-safe; see :class:`Avatar`.

    Attributes
    ----------
    picture : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    layers : Layers
        The picture taken apart.
    triangles : ndarray, shape (n, 3), int
        Of the face's mesh.
    life : str
        Its manner of life, among :data:`hygiesync.portrait.speaking.idle_motion.LIVELINESS`.
    """

    ORIGIN: ClassVar[str] = FROM_PHOTO
    FILES: ClassVar[tuple[str, ...]] = (STEP, PICTURE, PERSON, BACKGROUND, FACE)

    picture: NDArray[np.uint8] = field(repr=False)
    landmarks: NDArray[np.float64] = field(repr=False)
    layers: Layers = field(repr=False)
    triangles: NDArray[np.int64] = field(repr=False)
    life: str = "calm"

    @classmethod
    def from_files(cls, folder: Path, manifest: Manifest) -> PhotoAvatar:
        """See :meth:`Avatar.from_files`."""
        try:
            tensors = load_file(folder / FACE)
            landmarks, triangles = tensors["landmarks"].astype(np.float64), tensors["triangles"].astype(np.int64)
            picture, layers = read_png(folder / PICTURE), _load_layers(folder)
            if not _is_face(landmarks, triangles, manifest) or not _is_picture(picture, layers, manifest):
                raise ValueError("pictures, face and avatar.json don't belong together")
            return cls(
                directory=folder,
                manifest=manifest,
                shape=SpokenShapes(TalkingFace(landmarks)),
                rest=np.zeros(len(CURVES)),
                background=None,
                step=(folder / STEP).read_bytes(),
                window=cls.read_window(folder, manifest),
                picture=picture,
                landmarks=landmarks,
                layers=layers,
                triangles=triangles,
            )
        except (SafetensorError, KeyError, ValueError, IndexError, OSError) as error:
            raise InputError(f"{folder}: can't be read ({error}); make the avatar again") from error

    def renderer(self) -> PhotoRenderer:
        """A new renderer."""
        return PhotoRenderer(self.picture, self.landmarks, self.layers, self.triangles)

    def idle(self, fps: Fraction, lag: int = 0) -> Scene[PhotoFace]:
        """The picture, breathing, swaying and blinking; see :meth:`Avatar.idle`."""
        liveliness = LIVELINESS[self.life]
        life = IdleMotion(liveliness=liveliness) if liveliness else None
        return self._scene(PhotoTemplate(self.picture, self.landmarks, fps, life), fps)

    def with_life(self, life: str) -> PhotoAvatar:
        """The same person in another manner of life; see :meth:`Avatar.with_life`."""
        if life not in LIVELINESS:
            raise UsageError(f"`life`: expected {', '.join(LIVELINESS)}, got {life!r}")
        return replace(self, life=life)

    def still(self, fps: Fraction, lag: int = 0) -> Scene[PhotoFace]:
        """The picture as it is; see :meth:`Avatar.still`."""
        return self._scene(PhotoTemplate(self.picture, self.landmarks, fps), fps)

    def dub(
        self,
        video: PathLike,
        *,
        fps: Fraction | None = None,
        still: bool = False,
        duration_s: Fraction | None = None,
        lag: int = 0,
        face: FaceChoice = None,
        places: FacePlaces | None = None,
        progress: Progress | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Scene[PhotoFace]:
        """Refused: there is no mouth of this person that could be put into a video; see :meth:`Avatar.dub`."""
        raise UsageError(
            f"template: {self.manifest.name} was made from a photo and can't speak in a video; leave it out, or put the"
            " photo's face there by a face swap, with `hygiesync animate`"
        )

    def _scene(self, template: PhotoTemplate, fps: Fraction) -> Scene[PhotoFace]:
        return Scene(template, self.renderer(), (self.manifest.width, self.manifest.height), fps)


def _load_layers(folder: Path) -> Layers:
    person = read_png(folder / PERSON)
    return Layers(np.ascontiguousarray(person[..., :3]), person[..., 3].copy(), read_png(folder / BACKGROUND))


def _is_picture(picture: NDArray[np.uint8], layers: Layers, manifest: Manifest) -> bool:
    """Whether all that is drawn from has the avatar's size."""
    size = (manifest.height, manifest.width)
    in_colour = [image.shape == (*size, 3) for image in (picture, layers.person, layers.background)]
    return all(in_colour) and layers.alpha.shape == size


def _is_face(landmarks: FloatArray, triangles: NDArray[np.int64], manifest: Manifest) -> bool:
    """Whether there is a face in the picture, and a mesh of its points."""
    return (
        landmarks.shape == (N_LANDMARKS, 3)
        and bool(np.isfinite(landmarks).all())
        and not parts_cut_off(landmarks, manifest.width, manifest.height)
        and float(eye_distance(landmarks)) >= 1
        and triangles.shape[1:] == (3,)
        and len(triangles) > 0
        and 0 <= int(triangles.min()) <= int(triangles.max()) < N_LANDMARKS
    )


def save_photo(
    directory: Path, picture: NDArray[np.uint8], landmarks: FloatArray, layers: Layers, triangles: NDArray[np.int64]
) -> None:
    """Write a bundle's picture and face; arguments as the attributes of :class:`PhotoAvatar`."""
    write_png(directory / PICTURE, picture)
    write_png(directory / PERSON, np.dstack([layers.person, layers.alpha]))
    write_png(directory / BACKGROUND, layers.background)
    tensors = {"landmarks": landmarks.astype(np.float32), "triangles": triangles.astype(np.int32)}
    (directory / FACE).write_bytes(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))
