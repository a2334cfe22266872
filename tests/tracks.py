"""Faces of videos that several tests look at, each tracked once a run."""

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from made_once import made_once
from numpy.typing import NDArray

from hygiesync.face.pose import PoseModel, apply_similarity
from hygiesync.face.shape import mouth_opening
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import track_face
from hygiesync.media.video import probe

TrackOf = Callable[[Path], FaceTrack]


def track_once(shared_folder: Path, video: Path) -> FaceTrack:
    """A video's face, as the first process of the run that asked for it saw it; the video is not to be changed."""

    def track(folder: Path) -> None:
        (folder / "track").write_bytes(pickle.dumps(track_face(probe(video))))

    name = hashlib.sha256(str(video.resolve()).encode()).hexdigest()[:12]
    found: FaceTrack = pickle.loads((made_once(shared_folder / f"track {name}", track) / "track").read_bytes())
    return found


def opening_of(track: FaceTrack) -> NDArray[np.float64]:
    """How far the lips are open in each frame, in units of the person's own head; NaN where no face is seen."""
    pose = PoseModel.fit(track.smoothed().rigid[track.has_face].astype(np.float64))
    opening = np.full(len(track), np.nan)
    seen = apply_similarity(pose.to_canonical(track.rigid.astype(np.float64)), track.lower)
    opening[track.has_face] = mouth_opening(seen)[track.has_face]
    return opening
