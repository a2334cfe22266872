"""The real video of an evaluation, watched once, so that the face need not be found again for every comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.template import FacePlaces, VideoTemplate
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.observation import MIN_FACE_SHARE
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.errors import InputError
from hygiesync.evaluation.measures import MIN_FRAMES
from hygiesync.face.pose import apply_similarity
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.media.container import PathLike
from hygiesync.media.video import VideoInfo, probe
from hygiesync.progress import Progress
from hygiesync.rendering.interfaces import PlainFrame


@dataclass(frozen=True)
class RealVideo:
    """The real video, and where its face is.

    Attributes
    ----------
    info : VideoInfo
    track : FaceTrack
        As detected.
    places : FacePlaces
        Where mouths are put in.
    """

    info: VideoInfo
    track: FaceTrack
    places: FacePlaces

    @property
    def has_place(self) -> NDArray[Any]:
        """Frames (n_frames,), bool, that a mouth is put into."""
        return np.isfinite(self.places.to_picture).all((1, 2))

    def frames(self) -> AbstractContextManager[Iterator[PlainFrame]]:
        """The frames with their faces, read ahead by a thread that ends with the context."""
        once = VideoTemplate(self.info, self.places).frames_once()
        return closing(prefetched(once, depth=8))


def watch_real_video(avatar: VideoAvatar, video: PathLike, tell: Progress) -> RealVideo:
    """Find the face in the whole of the real video.

    Raises
    ------
    InputError
        When it shows no face, or hardly one that is not turned away.
    """
    info = probe(video)
    track = watch(
        info, MIN_FACE_SHARE, lambda done: tell("watching real", done, info.n_frames, ""), wanted=avatar.looks
    )
    real = RealVideo(info, track, FacePlaces.from_track(track, avatar.pose))
    n_usable = int(real.has_place.sum())
    if n_usable < MIN_FRAMES:
        raise InputError(
            f"{info.path}: {n_usable} frames show a face that is not turned away, and at least {MIN_FRAMES} are needed;"
            " name a longer video of the avatar's person, facing the camera"
        )
    return real


def to_canonical_face(avatar: VideoAvatar, track: FaceTrack) -> NDArray[Any]:
    """Lower faces (n_frames, n_lower, 2) of a track in the avatar's canonical frame; NaN without a face."""
    to_canonical = avatar.pose.to_canonical(track.rigid.astype(np.float64))
    return apply_similarity(to_canonical, track.lower.astype(np.float64))
