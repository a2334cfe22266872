"""A photo as if it had been filmed: its mouths drawn once, its life once as a loop.

A browser then speaks with a photo as it does with a filmed person, by one way of drawing. The pictures are those of
:class:`hygiesync.portrait.speaking.photo_renderer.PhotoRenderer`, teeth, tongue, blinks and all:

* **Mouths.** A grid over the mouth curves, drawn with the head as in the picture: what is between them is warped, and
  takes the look that regression says, as every mouth does.
* **Coefficients.** The landmarks are linear in what opens, spreads, rounds and tucks the lips
  (:mod:`hygiesync.portrait.speaking.articulation`); width counts as spread where it is positive, else as round.
* **Turn.** How a head that sways moves its lower face beyond a similarity is fitted to the loop, linear in yaw and
  pitch.
* **Loop.** The first seconds of the idle life. Towards its end the head goes back to where it began, as numbers and
  not as pictures, so that nothing is shown twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.photo_avatar import PhotoAvatar
from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import IDLE_VIDEO, VideoAvatar
from hygiesync.extras import require
from hygiesync.face.pose import PoseModel, apply_similarity, invert_similarity, similarity_scale
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_FACE
from hygiesync.interpolation import smoothstep
from hygiesync.media.video import VideoWriter
from hygiesync.portrait.speaking.idle_motion import LIVELINESS, IdleMotion, IdlePose
from hygiesync.portrait.speaking.photo_template import PhotoFace, PhotoTemplate
from hygiesync.portrait.speaking.talking_face import SpokenShapes, TalkingFace
from hygiesync.progress import Progress
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas, cut_patch, encode_picture, patch_size
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.looks import atlas_looks
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.timing import n_video_frames, video_frame_time

LOOP_S = Fraction(10)
"""Of the idle loop: three blinks, which a viewer doesn't remember."""

_JOINED_S = 2.0
"""Within this time before the loop's end the head goes back to where it began, seconds; it sways in ten."""

_OPENINGS = (0.0, 0.03, 0.06, 0.1, 0.15, 0.21, 0.28, 0.36, 0.45, 0.55, 0.68, 0.82, 1.0)
_WIDTHS = (-1.0, -0.65, -0.3, 0.0, 0.35, 0.7, 1.0)
_TUCKS, _TUCKED_OPENINGS, _TUCKED_WIDTHS = (0.35, 0.7, 1.0), (0.0, 0.06, 0.15, 0.28), (-0.5, 0.0, 0.5)
"""Mouths that are drawn: near closed ones, which differ by a line's width, are closer together. The lower lip is tucked
under the teeth by mouths that are nearly closed alone."""

_LOOP_ENCODING: dict[str, Any] = {"crf": 14, "preset": "fast", "tune": "fastdecode"}


def filmed(photo: PhotoAvatar, folder: Path, progress: Progress | None = None) -> VideoAvatar:
    """A filmed avatar that looks and speaks as a photo's does; its coefficients are :func:`amounts_of` mouth curves.

    Parameters
    ----------
    photo : PhotoAvatar
    folder : Path
        Where the loop is written; the avatar's directory.
    progress : callable, optional

    Raises
    ------
    MissingDependencyError
        When scipy, of the extra `photo`, is missing.
    """
    require("photo", "exporting a photo for the web")
    tell = progress or (lambda *_: None)
    life = IdleMotion(liveliness=LIVELINESS[photo.life]) if LIVELINESS[photo.life] else None
    template = PhotoTemplate(photo.picture, photo.landmarks, photo.fps, life)
    faces = [template.face(life) for life in _looped_lives(photo)]
    shape, turns, scale = _shape(photo, faces)
    mesh = FaceMesh(shape)
    atlas = _mouths(photo, template.face(IdlePose.none()), mesh, tell)
    canvas = MouthCanvas.from_mesh(mesh, float(similarity_scale(faces[0].to_picture)))
    features = ShapeFeatures(shape)(atlas.coefficients, atlas.turns)
    appearance, codes = AppearanceModel.fit(atlas_looks(atlas, mesh, canvas), features)
    _write_loop(photo, faces, folder / IDLE_VIDEO, tell)
    times_s = np.array([float(video_frame_time(number, photo.fps)) for number in range(len(faces))])
    return VideoAvatar(
        directory=folder,
        manifest=photo.manifest,
        shape=shape,
        rest=photo.rest,
        background=photo.background,  # type: ignore[arg-type]  # a photo's room is not known
        step=photo.step,
        window=None,
        pose=PoseModel(SpokenShapes(TalkingFace(photo.landmarks)).rigid, np.zeros((2, 28)), scale),
        atlas=replace(atlas, codes=codes),
        mesh=mesh,
        canvas=canvas,
        appearance=appearance,
        idle_places=FacePlaces(
            times_s=times_s,
            to_picture=np.stack([face.to_picture for face in faces]),
            turns=turns,
            lower=np.stack([face.lower for face in faces]),
            strengths=np.ones(len(faces)),
        ),
    )


def amounts_of(curves: NDArray[Any]) -> NDArray[np.float64]:
    """How far lips open, spread, round and tuck (..., 4) for mouth curves (..., 3)."""
    opening, width, tuck = np.moveaxis(np.asarray(curves, np.float64), -1, 0)
    return np.stack([np.maximum(one, 0) for one in (opening, width, -width, tuck)], -1)


def _looped_lives(photo: PhotoAvatar) -> list[IdlePose]:
    """The life of the loop's frames, which ends as it begins."""
    n_frames, liveliness = n_video_frames(LOOP_S, photo.fps), LIVELINESS[photo.life]
    if not liveliness:
        return [IdlePose.none()] * n_frames
    life, lives = IdleMotion(liveliness=liveliness), []
    first = life.at(0.0)
    for number in range(n_frames):
        time_s = float(video_frame_time(number, photo.fps))
        now = life.at(time_s)
        share = float(smoothstep((time_s - float(LOOP_S) + _JOINED_S) / _JOINED_S))
        lives.append(_between(now, first, share))
    return lives


def _between(one: IdlePose, other: IdlePose, share: float) -> IdlePose:
    """A moment between two, all of whose entries are amounts."""
    amounts = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(IdlePose)}
    return IdlePose(**{name: begin + share * (end - begin) for name, (begin, end) in amounts.items()})


def _shape(photo: PhotoAvatar, faces: list[PhotoFace]) -> tuple[ShapeModel, NDArray[np.float64], NDArray[np.float64]]:
    """The shape model, the turns (n_frames, 2) of the loop's heads, and the degrees that a turn of 1 stands for."""
    spoken = photo.shape
    mean = spoken.inverse_transform(np.zeros(3))
    curves = np.array([[1.0, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]])
    components = np.stack([(spoken.inverse_transform(one) - mean).ravel() for one in curves])
    degrees = np.stack([face.life.turn_deg[:2] for face in faces])
    scale = np.maximum(degrees.std(0), 1e-6)
    seen = np.stack([apply_similarity(invert_similarity(face.to_picture), face.lower) for face in faces])
    turns = degrees / scale
    turn_basis, *_ = np.linalg.lstsq(turns, (seen - mean).reshape(len(seen), -1), rcond=None)
    shape = ShapeModel(
        mean=mean,
        turn_basis=turn_basis,
        components=components,
        analysis=np.linalg.pinv(components),
        explained_variance_ratio=np.full(len(components), 1 / len(components)),
    )
    return shape, turns, scale


def _curves() -> Iterator[NDArray[np.float64]]:
    """Mouth curves that are drawn, in rows in which the mouth opens."""
    for width, opening in product(_WIDTHS, _OPENINGS):
        yield np.array([opening, width, 0.0])
    for tuck, width, opening in product(_TUCKS, _TUCKED_WIDTHS, _TUCKED_OPENINGS):
        yield np.array([opening, width, tuck])


def _mouths(photo: PhotoAvatar, face: PhotoFace, mesh: FaceMesh, tell: Progress) -> Atlas:
    """Pictures of mouths, without codes; `face` is the picture's own."""
    renderer, talking, curves = photo.renderer(), TalkingFace(photo.landmarks), list(_curves())
    lower = np.stack([talking.landmarks(one)[list(LOWER_FACE), :2] for one in curves])
    size = patch_size(lower)
    pictures, vertices = [], []
    for number, (one, points) in enumerate(zip(curves, lower, strict=True)):
        patch, origin = cut_patch(renderer.draw(one, face), points, size)
        pictures.append(encode_picture(patch))
        vertices.append(mesh.place(points, face.to_picture) - origin)
        tell("drawing mouths", number + 1, len(curves), "")
    # a row's mouths follow each other; from row to row is a jump
    is_new_row = np.array([one[0] == 0 for one in curves])
    return Atlas(
        pictures=tuple(pictures),
        vertices=np.stack(vertices).astype(np.float32),
        coefficients=amounts_of(np.stack(curves)).astype(np.float32),
        turns=np.zeros((len(curves), 2), np.float32),
        frame_numbers=np.arange(len(curves)) + 10 * np.cumsum(is_new_row),
        codes=np.zeros((len(curves), 0), np.float32),
    )


def _write_loop(photo: PhotoAvatar, faces: list[PhotoFace], path: Path, tell: Progress) -> None:
    renderer, manifest = photo.renderer(), photo.manifest
    with VideoWriter(path, manifest.width, manifest.height, photo.fps, **_LOOP_ENCODING) as writer:
        for number, face in enumerate(faces):
            writer.write(renderer.draw(np.zeros(3), face), video_frame_time(number, photo.fps))
            tell("drawing the idle life", number + 1, len(faces), "")
