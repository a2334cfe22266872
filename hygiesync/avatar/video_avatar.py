"""The avatar of a person who was filmed: all that is known of them, on disk and in memory.

Beside what every bundle has (see bundle.py) there are::

    face.safetensors        pose and shape models, resting mouth, loudness of silence
    weights.safetensors     the network's weights, to train on from
    atlas.mkv               mouth pictures as Motion-JPEG
    atlas.safetensors       their landmarks, coefficients, turns, looks
    look.safetensors        mesh, mouth canvas, and what a mouth of a given shape looks like
    idle.mp4                the person at rest, as a loop
    idle.safetensors        where the face is in each of its frames
    painter.onnx            the network that paints mouths, and
    painter.json            what goes with it (both only where that was asked for)
    report.html             how the training went, for people (may be missing)

Nothing is drawn from the report: its fingerprint is recorded, but loading neither asks for it nor checks it, so that
whoever deletes it or writes notes into it still has an avatar.
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
from hygiesync.avatar.bundle import STEP, WINDOW, Avatar
from hygiesync.avatar.manifest import FROM_VIDEO, RENDERERS, UNET, Manifest
from hygiesync.avatar.still_template import STILL_WITHIN_S, StillTemplate
from hygiesync.avatar.template import SPARE_S, FacePlaces, IdleTemplate, VideoTemplate, watched_places
from hygiesync.errors import InputError, UsageError
from hygiesync.face.identity import Look
from hygiesync.face.people import looks_in
from hygiesync.face.pose import PoseModel
from hygiesync.face.shape import ShapeModel
from hygiesync.face.target import FaceChoice
from hygiesync.media.container import PathLike
from hygiesync.media.mjpeg import read_jpegs, write_jpegs
from hygiesync.media.video import probe
from hygiesync.media.video_survey import survey_video
from hygiesync.mouth_unet.drawing import PaintedDrawing
from hygiesync.mouth_unet.painter import Painter, PainterFacts
from hygiesync.mouth_unet.reference import KnownMouths
from hygiesync.progress import Progress
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.compositor import Compositor
from hygiesync.rendering.interfaces import Scene, TemplateFace, TemplateSource
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.mouth_choice import MouthChoice

FACE, WEIGHTS = "face.safetensors", "weights.safetensors"
ATLAS_PICTURES, ATLAS, IDLE_VIDEO, IDLE = "atlas.mkv", "atlas.safetensors", "idle.mp4", "idle.safetensors"
LOOK = "look.safetensors"
PAINTER, PAINTER_FACTS = "painter.onnx", "painter.json"
REPORT = "report.html"

_HALF_PRECISION = ("canvas.spread", "appearance.basis")

_VERTEX_FRACTION = 32
"""Vertices are stored as whole 1/32 pixels: half the bytes, and no error that is seen."""


@dataclass(frozen=True)
class VideoAvatar(Avatar):
    """One person whose own mouth was filmed while speaking.

    Thread-safe; see :class:`Avatar`.

    Attributes
    ----------
    shape : ShapeModel
    background : float
    pose : PoseModel
    atlas : Atlas
    mesh : FaceMesh
    canvas : MouthCanvas
    appearance : AppearanceModel
    idle_places : FacePlaces
        Where the face is in each frame of the idle loop.
    painter : Painter or None
        What paints mouths, where the bundle has it.
    """

    ORIGIN: ClassVar[str] = FROM_VIDEO
    OPTIONAL: ClassVar[tuple[str, ...]] = (WINDOW, PAINTER, PAINTER_FACTS)
    FILES: ClassVar[tuple[str, ...]] = (FACE, STEP, WEIGHTS, ATLAS_PICTURES, ATLAS, LOOK, IDLE_VIDEO, IDLE)

    shape: ShapeModel
    background: float
    pose: PoseModel
    atlas: Atlas
    mesh: FaceMesh = field(repr=False)
    canvas: MouthCanvas = field(repr=False)
    appearance: AppearanceModel = field(repr=False)
    idle_places: FacePlaces = field(repr=False)
    painter: Painter | None = field(default=None, repr=False)

    @classmethod
    def from_files(cls, folder: Path, manifest: Manifest) -> VideoAvatar:
        """See :meth:`Avatar.from_files`."""
        try:
            face, idle, look = load_file(folder / FACE), load_file(folder / IDLE), load_file(folder / LOOK)
            shape = ShapeModel(**_with_prefix(face, "shape."))
            return cls(
                directory=folder,
                manifest=manifest,
                pose=PoseModel(**_with_prefix(face, "pose.")),
                shape=shape,
                rest=face["rest"],
                background=face["background"].item(),
                atlas=_load_atlas(folder),
                mesh=FaceMesh(shape, look["triangles"]),
                canvas=MouthCanvas(**_widened(_with_prefix(look, "canvas."))),
                appearance=_load_appearance(_with_prefix(look, "appearance.")),
                idle_places=FacePlaces(**idle),
                painter=_load_painter(folder, manifest),
                step=(folder / STEP).read_bytes(),
                window=cls.read_window(folder, manifest),
            )
        except (SafetensorError, KeyError, TypeError, OSError) as error:
            raise InputError(f"{folder}: can't be read ({error}); train the avatar again") from error

    def with_renderer(self, name: str | None) -> VideoAvatar:
        """See :meth:`Avatar.with_renderer`."""
        if name is None:
            return self
        if name not in RENDERERS:
            raise UsageError(f"`renderer`: expected one of {', '.join(RENDERERS)}, got {name!r}")
        if name == UNET and self.painter is None:
            raise UsageError(
                f"`renderer`: {self.manifest.name} has no network that paints; train it again with `renderer` {UNET}"
            )
        return replace(self, manifest=replace(self.manifest, renderer=name))

    def renderer(self, lag: int = 0) -> Compositor:
        """A new renderer with this person's mouth, which may hold back `lag` frames to choose a smooth path."""
        if self.manifest.renderer == UNET and self.painter is not None:
            choice = MouthChoice(self.shape, self.atlas, self.appearance, lag)
            mouths = KnownMouths(self.shape, self.atlas, self.mesh, self.canvas, self.appearance)
            return Compositor(choice, PaintedDrawing(mouths, self.painter))
        return Compositor.from_models(self.shape, self.atlas, self.mesh, self.canvas, self.appearance, lag)

    def idle(self, fps: Fraction, lag: int = 0) -> Scene[TemplateFace]:
        """The idle loop at a constant rate; see :meth:`Avatar.idle`."""
        return self._scene(IdleTemplate(self.directory / IDLE_VIDEO, self.idle_places, fps), fps, lag)

    def still(self, fps: Fraction, lag: int = 0) -> Scene[TemplateFace]:
        """One frame of the idle loop, with closed mouth and open eyes; see :meth:`Avatar.still`."""
        return self._scene(StillTemplate.from_video(self.directory / IDLE_VIDEO, self.idle_places, fps), fps, lag)

    def with_life(self, life: str) -> VideoAvatar:
        """Refused: the person moves as they were filmed; see :meth:`Avatar.with_life`."""
        raise UsageError(
            f"life: {self.manifest.name} was filmed and moves as it did then; leave it out, or ask for a still picture"
        )

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
    ) -> Scene[TemplateFace]:
        """A video of the person, whose mouth is to be replaced; see :meth:`Avatar.dub`."""
        info = probe(video)
        if places is None:
            places = self.watch(video, still=still, duration_s=duration_s, face=face, progress=progress, warn=warn)
        template: TemplateSource[TemplateFace]
        if still:
            template = StillTemplate.from_video(info.path, places, fps or info.fps)
        else:
            template = VideoTemplate(info, places, fps)
        return Scene(template, self.renderer(lag), (info.width, info.height), fps or info.fps)

    def watch(
        self,
        video: PathLike,
        *,
        still: bool = False,
        duration_s: Fraction | None = None,
        face: FaceChoice = None,
        progress: Progress | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> FacePlaces:
        """Where the face is in a video that is to be dubbed; parameters as of :meth:`Avatar.dub`."""
        alert = warn or (lambda message: None)
        for note in survey_video(video).notes():
            alert(f"{video}: {note}")
        until_s = STILL_WITHIN_S if still else duration_s + SPARE_S if duration_s else None
        return watched_places(probe(video), self.pose, until_s, progress, face=face, wanted=self.looks, warn=alert)

    def looks(self) -> list[Look]:
        """How this person looks in the idle loop, to be found among others."""
        return looks_in(probe(self.directory / IDLE_VIDEO))

    def _scene(self, template: TemplateSource[TemplateFace], fps: Fraction, lag: int) -> Scene[TemplateFace]:
        return Scene(template, self.renderer(lag), (self.manifest.width, self.manifest.height), fps)


def save_face(directory: Path, pose: PoseModel, shape: ShapeModel, rest: FloatArray, background: float) -> None:
    """Write a bundle's face models."""
    tensors = {f"pose.{name}": array for name, array in vars(pose).items()}
    tensors |= {f"shape.{name}": array for name, array in vars(shape).items()}
    tensors |= {"rest": rest, "background": np.float64(background)}
    (directory / FACE).write_bytes(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))


def save_atlas(directory: Path, atlas: Atlas, size: tuple[int, int]) -> None:
    """Write a bundle's atlas; `size` is (width, height) of its pictures."""
    write_jpegs(directory / ATLAS_PICTURES, list(atlas.pictures), *size)
    vertices = np.rint(atlas.vertices * _VERTEX_FRACTION)
    if np.abs(vertices).max() > np.iinfo(np.int16).max:
        raise InputError("the face is larger than 1000 pixels; scale the video down to 1080 lines and train again")
    tensors = {
        "vertices": vertices.astype(np.int16),
        "coefficients": atlas.coefficients,
        "turns": atlas.turns,
        "frame_numbers": atlas.frame_numbers,
        "codes": atlas.codes,
        "detail": np.array(atlas.detail, np.float32),
    }
    (directory / ATLAS).write_bytes(save(tensors))


def save_look(directory: Path, mesh: FaceMesh, canvas: MouthCanvas, appearance: AppearanceModel) -> None:
    """Write what else drawing needs; the large matrices at half precision, whose error is no 255th of a level."""
    tensors = {f"canvas.{name}": array for name, array in vars(canvas).items()}
    tensors |= {f"appearance.{name}": np.asarray(array) for name, array in vars(appearance).items()}
    for name in _HALF_PRECISION:
        tensors[name] = tensors[name].astype(np.float16)
    tensors["triangles"] = mesh.triangles
    (directory / LOOK).write_bytes(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))


def _load_atlas(directory: Path) -> Atlas:
    tensors = load_file(directory / ATLAS)
    vertices = tensors.pop("vertices").astype(np.float32) / _VERTEX_FRACTION
    detail = tensors.pop("detail").item()
    pictures = read_jpegs(directory / ATLAS_PICTURES)
    return Atlas(pictures=pictures, vertices=vertices, detail=detail, **tensors)


def save_painter(directory: Path, model: bytes, facts: PainterFacts) -> None:
    """Write what paints."""
    (directory / PAINTER).write_bytes(model)
    (directory / PAINTER_FACTS).write_text(facts.to_json(), encoding="utf-8")


def _load_painter(directory: Path, manifest: Manifest) -> Painter | None:
    if PAINTER not in manifest.files or PAINTER_FACTS not in manifest.files:
        return None
    facts = PainterFacts.from_json((directory / PAINTER_FACTS).read_text(encoding="utf-8"))
    return Painter((directory / PAINTER).read_bytes(), facts)


def _load_appearance(tensors: dict[str, FloatArray]) -> AppearanceModel:
    width = tensors.pop("width").item()
    return AppearanceModel(width=width, **_widened(tensors))


def save_idle(directory: Path, places: FacePlaces) -> None:
    """Write where the face is in the idle loop; the video itself is written where it is cut."""
    (directory / IDLE).write_bytes(save({name: np.ascontiguousarray(array) for name, array in vars(places).items()}))


def _widened(tensors: dict[str, FloatArray]) -> dict[str, NDArray[np.float32]]:
    return {name: array.astype(np.float32) for name, array in tensors.items()}


def _with_prefix(tensors: dict[str, FloatArray], prefix: str) -> dict[str, FloatArray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
