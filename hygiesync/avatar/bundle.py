"""The avatar: all that is known of one person, on disk and in memory.

A bundle is a folder of ordinary files::

    avatar.json             what it is, and the sha256 of every other file (see manifest.py)
    face.safetensors        pose and shape models, resting mouth, loudness of silence
    speech_to_shape.onnx    one streaming step of the network
    weights.safetensors     the network's weights, to train on from
    atlas.mkv               mouth pictures as Motion-JPEG
    atlas.safetensors       their landmarks, coefficients, turns, looks
    look.safetensors        mesh, mouth canvas, and what a mouth of a given shape looks like
    idle.mp4                the person at rest, as a loop
    idle.safetensors        where the face is in each of its frames
    report.html             how the training went, for people (may be missing)

It is written beside its place and renamed into it, so it is whole or not there at all. There is no pickle anywhere.
Nothing is drawn from the report: its fingerprint is recorded, but loading neither asks for it nor checks it, so that
whoever deletes it or writes notes into it still has an avatar.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hygiesync.avatar.manifest import MANIFEST_NAME, Manifest, sha256_of
from hygiesync.avatar.template import FacePlaces, IdleTemplate
from hygiesync.avatar.whole_folder import check_place, whole_folder
from hygiesync.errors import InputError, UsageError
from hygiesync.face.pose import PoseModel
from hygiesync.face.shape import ShapeModel
from hygiesync.media.pictures import read_jpegs, write_jpegs
from hygiesync.motion.listener import Listener
from hygiesync.motion.predictor import Predictor
from hygiesync.render.appearance import AppearanceModel
from hygiesync.render.atlas import Atlas
from hygiesync.render.canvas import MouthCanvas
from hygiesync.render.compositor import Compositor
from hygiesync.render.mesh import FaceMesh
from hygiesync.timing import lookahead_frames, mel_frames_to_time

FACE, STEP, WEIGHTS = "face.safetensors", "speech_to_shape.onnx", "weights.safetensors"
ATLAS_PICTURES, ATLAS, IDLE_VIDEO, IDLE = "atlas.mkv", "atlas.safetensors", "idle.mp4", "idle.safetensors"
LOOK = "look.safetensors"
REPORT = "report.html"
FILES = (FACE, STEP, WEIGHTS, ATLAS_PICTURES, ATLAS, LOOK, IDLE_VIDEO, IDLE)

_HALF_PRECISION = ("canvas.spread", "appearance.basis")

_VERTEX_FRACTION = 32
"""Vertices are stored as whole 1/32 pixels: half the bytes, and no error that is seen."""


@dataclass(frozen=True)
class Avatar:
    """One person, ready to speak.

    Attributes
    ----------
    directory : Path
    manifest : Manifest
    pose : PoseModel
    shape : ShapeModel
    rest : ndarray, shape (n_components,)
        Coefficients of the resting mouth.
    background : float
        Loudness of the training video's pauses, log10 of power.
    atlas : Atlas
    mesh : FaceMesh
    canvas : MouthCanvas
    appearance : AppearanceModel
    idle : FacePlaces
        Where the face is in each frame of the idle loop.
    step : bytes
        ONNX model of one streaming step.
    """

    directory: Path
    manifest: Manifest
    pose: PoseModel
    shape: ShapeModel
    rest: np.ndarray
    background: float
    atlas: Atlas
    mesh: FaceMesh = field(repr=False)
    canvas: MouthCanvas = field(repr=False)
    appearance: AppearanceModel = field(repr=False)
    idle: FacePlaces = field(repr=False)
    step: bytes = field(repr=False)

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Avatar:
        """Load an avatar that ``hygiesync train`` made.

        Parameters
        ----------
        directory : str or os.PathLike
            The bundle's folder, such as ``models/me``.

        Raises
        ------
        InputError
            When it is missing, damaged (every file's sha256 is checked), or of a newer schema.
        """
        folder = Path(directory)
        manifest = Manifest.read(folder)
        manifest.check_files(folder, FILES)
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
                idle=FacePlaces(**idle),
                step=(folder / STEP).read_bytes(),
            )
        except (SafetensorError, KeyError, TypeError, OSError) as error:
            raise InputError(f"{folder}: can't be read ({error}); train the avatar again") from error

    @property
    def fps(self) -> Fraction:
        """Average rate of the training video."""
        return Fraction(self.manifest.fps)

    def listener(self, expressiveness: float = 1.0, lookahead_ms: float | None = None) -> Listener:
        """A new streaming part that turns samples into this person's coefficients; see :class:`Listener`.

        Parameters
        ----------
        expressiveness : float
        lookahead_ms : float, optional
            How far ahead it may hear: the avatar's answer with the longest lookahead within that is used. Left out, it
            is the one that the avatar was trained for.

        Raises
        ------
        UsageError
            When it is negative, or none of the avatar's answers comes as early as that.
        """
        lookahead, early = self._answer_within(lookahead_ms)
        return Listener(Predictor(self.step, early), self.rest, self.background, lookahead, expressiveness)

    def _answer_within(self, lookahead_ms: float | None) -> tuple[int, int | None]:
        """Lookahead in mel frames, and the number of the early answer that has it (None: the answer proper)."""
        proper, early = self.manifest.lookahead, self.manifest.early_lookaheads
        if lookahead_ms is not None and not 0 <= lookahead_ms < np.inf:
            raise UsageError(f"lookahead: expected 0 ms or more, got {lookahead_ms:g}")
        if lookahead_ms is None or lookahead_frames(lookahead_ms) >= proper:
            return proper, None
        within = [(frames, index) for index, frames in enumerate(early) if frames <= lookahead_frames(lookahead_ms)]
        if not within:
            least_ms = float(mel_frames_to_time(min([proper, *early])) * 1000)
            raise UsageError(
                f"lookahead: this avatar answers after {least_ms:g} ms or more, and {lookahead_ms:g} ms were asked for;"
                " train it again"
            )
        return max(within)

    def compositor(self, lag: int = 0) -> Compositor:
        """A new renderer with this person's mouth, which may hold back `lag` frames to choose a smooth path."""
        return Compositor(self.shape, self.atlas, self.mesh, self.canvas, self.appearance, lag)

    def idle_template(self, fps: Fraction) -> IdleTemplate:
        """The idle loop at a constant rate."""
        return IdleTemplate(self.directory / IDLE_VIDEO, self.idle, fps)


def save_face(directory: Path, pose: PoseModel, shape: ShapeModel, rest: np.ndarray, background: float) -> None:
    """Write a bundle's face models."""
    tensors = {f"pose.{name}": array for name, array in vars(pose).items()}
    tensors |= {f"shape.{name}": array for name, array in vars(shape).items()}
    tensors |= {"rest": rest, "background": np.float64(background)}
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, directory / FACE)


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
    save_file(tensors, directory / ATLAS)


def save_look(directory: Path, mesh: FaceMesh, canvas: MouthCanvas, appearance: AppearanceModel) -> None:
    """Write what else drawing needs; the large matrices at half precision, whose error is no 255th of a level."""
    tensors = {f"canvas.{name}": array for name, array in vars(canvas).items()}
    tensors |= {f"appearance.{name}": np.asarray(array) for name, array in vars(appearance).items()}
    for name in _HALF_PRECISION:
        tensors[name] = tensors[name].astype(np.float16)
    tensors["triangles"] = mesh.triangles
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, directory / LOOK)


def _load_atlas(directory: Path) -> Atlas:
    tensors = load_file(directory / ATLAS)
    vertices = tensors.pop("vertices").astype(np.float32) / _VERTEX_FRACTION
    detail = tensors.pop("detail").item()
    pictures = read_jpegs(directory / ATLAS_PICTURES)
    return Atlas(pictures=pictures, vertices=vertices, detail=detail, **tensors)


def _load_appearance(tensors: dict[str, np.ndarray]) -> AppearanceModel:
    width = tensors.pop("width").item()
    return AppearanceModel(width=width, **_widened(tensors))


def save_idle(directory: Path, places: FacePlaces) -> None:
    """Write where the face is in the idle loop; the video itself is written where it is cut."""
    save_file({name: np.ascontiguousarray(array) for name, array in vars(places).items()}, directory / IDLE)


def write_bundle(directory: Path, manifest: Manifest, fill: Callable[[Path], None]) -> None:
    """Make a bundle whole or not at all.

    Parameters
    ----------
    directory : Path
        Where the bundle will be; an older avatar there is replaced at the very end.
    manifest : Manifest
        Without fingerprints.
    fill : callable
        Writes all of `FILES` into the folder it is given, and `REPORT` where there is one.
    """
    with whole_folder(directory) as partial:
        fill(partial)
        written = (*FILES, REPORT) if (partial / REPORT).is_file() else FILES
        replace(manifest, files={name: sha256_of(partial / name) for name in written}).write(partial)


def check_destination(directory: Path) -> None:
    """Refuse to make a bundle where something else is.

    Raises
    ------
    UsageError
        When `directory` exists and is not an avatar, or is named by dots alone.
    InputError
        When its parent can't be written to.
    """
    check_place(directory, lambda folder: (folder / MANIFEST_NAME).is_file(), "avatar", "models/me")


def _widened(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.astype(np.float32) for name, array in tensors.items()}


def _with_prefix(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
