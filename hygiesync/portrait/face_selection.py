"""Whose face in a picture is meant, and whether it can be made to move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError, UsageError
from hygiesync.face.landmarks import find_faces, stands_wrongly
from hygiesync.face.target import LARGEST, LEFT, RIGHT, SPEAKING, FaceChoice, parse_face
from hygiesync.media.container import PathLike
from hygiesync.portrait.head import facing_deg
from hygiesync.portrait.parts import eye_distance, parts_cut_off

_MAX_YAW_DEG = 55.0
_MAX_ROLL_DEG = 60.0
_MIN_EYE_DISTANCE_PX = 16.0


def chosen_face(picture: NDArray[np.uint8], name: PathLike, choice: FaceChoice = None) -> NDArray[np.float64]:
    """Landmarks of the face that is meant.

    Parameters
    ----------
    picture : ndarray, shape (H, W, 3), uint8, RGB
    name : path
        Of its file, for messages.
    choice : int or str, optional
        Which face: a number, 1 is the leftmost, ``left``, ``right`` or ``largest``; needed where there are several.

    Returns
    -------
    ndarray, shape (478, 3), pixels

    Raises
    ------
    InputError
        When there is no such face, or none that can be moved: in profile, lying or upside down, cut by the picture's
        edge, too small, one of several.
    UsageError
        When `choice` is none, or ``speaking``: nobody speaks in a picture.
    """
    choice = parse_face(choice)
    if choice == SPEAKING:
        raise UsageError(f"`face`: expected a number, {LEFT}, {RIGHT} or {LARGEST}, got {choice}: {name} is a picture")
    faces = find_faces(picture)
    if not faces:
        raise InputError(
            f"{name}: no face was found; expected one that looks about towards the camera, not in profile, and is"
            " at least a tenth of the picture wide"
        )
    if choice is None and len(faces) > 1:
        raise InputError(f"{name}: shows {len(faces)} faces; choose one with `face`, 1 (the leftmost) to {len(faces)}")
    if isinstance(choice, int) and choice > len(faces):
        shows = "one face" if len(faces) == 1 else f"{len(faces)} faces"
        raise InputError(f"{name}: shows {shows}, so there is no face {choice}")
    face = _meant(faces, choice)
    _check_view(picture, face, name)
    return face


def _meant(faces: list[NDArray[np.float64]], choice: FaceChoice) -> NDArray[np.float64]:
    """The face of a list, from left to right, that a choice means."""
    if isinstance(choice, int):
        return faces[choice - 1]
    if choice == LARGEST:
        return max(faces, key=lambda face: float(np.ptp(face[:, :2], axis=0).max()))
    return faces[-1 if choice == RIGHT else 0]


def _check_view(picture: NDArray[np.uint8], face: FloatArray, name: PathLike) -> None:
    """Refuse a face (478, 3) that can't be moved, whatever else is in its picture."""
    yaw, _, roll = facing_deg(face)
    if abs(yaw) > _MAX_YAW_DEG:
        raise InputError(
            f"{name}: the face is in profile, turned by {abs(yaw):.0f} degrees; expected at most {_MAX_YAW_DEG:.0f}:"
            " choose a picture in which both eyes are seen"
        )
    unit = float(eye_distance(face[:, :2]))
    if unit < _MIN_EYE_DISTANCE_PX:
        raise InputError(
            f"{name}: the face is too small, its eyes are {unit:.0f} pixels apart; expected at least"
            f" {_MIN_EYE_DISTANCE_PX:.0f}: crop the picture around it, or use a larger one"
        )
    cut = parts_cut_off(face, picture.shape[1], picture.shape[0])
    if cut:
        raise InputError(f"{name}: the picture's edge cuts off the face's {' and '.join(cut)}; expected a whole face")
    if abs(roll) > _MAX_ROLL_DEG or stands_wrongly(picture, face):
        raise InputError(f"{name}: the face lies on its side or stands on its head; turn the picture upright")
