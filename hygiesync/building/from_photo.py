"""From one picture to an avatar: find the face and the person, and put the generic speech models beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.bundle import STEP, WINDOW
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import FROM_PHOTO, Manifest, consent_text, sha256_of
from hygiesync.avatar.photo_avatar import PhotoAvatar, save_photo
from hygiesync.building.bundle_writing import check_destination, write_bundle
from hygiesync.errors import UsageError
from hygiesync.extras import require
from hygiesync.face.landmarks import mesh_triangles, person_matte
from hygiesync.face.target import FaceChoice
from hygiesync.media.images import MIN_SIDE, read_still
from hygiesync.portrait.face_selection import chosen_face
from hygiesync.portrait.measures import mouth_opening
from hygiesync.portrait.speaking.articulation import jaw_share
from hygiesync.portrait.speaking.photo_renderer import speaking_layers
from hygiesync.speech_to_shape.generic import LAG_MS, GenericSpeech
from hygiesync.version import __version__

MAX_SIDE = 768
"""A larger picture is scaled down to this: it is drawn anew 60 times a second."""

_FPS = 30
"""Pictures a second when none are asked for: nothing of a photo's own says how many."""

_WIDE_OPEN = 0.5
"""Part of a mouth's gap that is an open jaw's and no smile's, from which the user is told."""

_PHOTO_NOTE = (
    "Synthetic media: the face in this video was moved and made to speak by hygiesync from one picture; the person"
    " shown may never have said or done any of it."
)


def avatar_from_photo(
    image: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    face: FaceChoice = None,
    has_consent: bool = False,
    max_side: int = MAX_SIDE,
    warn: Callable[[str], None] | None = None,
) -> PhotoAvatar:
    """Make an avatar from one picture.

    Parameters
    ----------
    image : path
        A photograph, a painting, a statue, with a face that looks about towards the camera.
    out : path
        The bundle to make, such as ``models/mona``; an avatar already there is replaced at the end.
    face : int or str, optional
        Which of several faces: a number, 1 is the leftmost, ``left``, ``right`` or ``largest``.
    has_consent : bool
        Whether the person shown agreed; recorded in the bundle.
    max_side : int
        Longest side of the avatar's pictures, pixels.
    warn : callable, optional
        Told what the user should know.

    Returns
    -------
    PhotoAvatar

    Raises
    ------
    InputError
        When the picture can't be used: no face, several without `face`, in profile, too small, damaged.
    UsageError
        When `out` is something else already, or `max_side` too small.
    """
    require("photo", "an avatar from a photo")
    directory = Path(out)
    check_destination(directory)
    if max_side < MIN_SIDE:
        raise UsageError(f"`max_side`: expected {MIN_SIDE} pixels or more, got {max_side}")
    speech = GenericSpeech.load()
    picture = read_still(image, max_side, warn)
    landmarks = chosen_face(picture, image, face)
    if warn is not None and jaw_share(float(mouth_opening(landmarks))) > _WIDE_OPEN:
        warn(
            f"{image}: the mouth is wide open and was shut; lips, and what is behind them, are partly made up: a"
            " picture with closed lips or a smile speaks better"
        )
    layers = speaking_layers(picture, landmarks, person_matte(picture))
    manifest = _manifest(directory.name, picture, speech, Path(image), has_consent)

    def fill(folder: Path) -> None:
        (folder / STEP).write_bytes(speech.step)
        (folder / WINDOW).write_bytes(speech.window)
        save_photo(folder, picture, landmarks, layers, mesh_triangles())

    write_bundle(directory, manifest, (*PhotoAvatar.FILES, WINDOW), fill)
    return load_avatar(directory, PhotoAvatar)


def _manifest(name: str, picture: NDArray[np.uint8], speech: GenericSpeech, image: Path, has_consent: bool) -> Manifest:
    return Manifest(
        name=name,
        lookahead=speech.lookahead,
        early_lookaheads=list(speech.early_lookaheads),
        width=picture.shape[1],
        height=picture.shape[0],
        fps=str(_FPS),
        origin=FROM_PHOTO,
        sound_late_ms=LAG_MS,
        consent=consent_text(has_consent),
        sources=[{"name": image.name, "sha256": sha256_of(image)}],
        training={"speech": f"generic {speech.name}"},
        synthetic_media_note=_PHOTO_NOTE,
        hygiesync_version=__version__,
    )
