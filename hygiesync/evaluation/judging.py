"""How near the lips and the look of a video that was made are to the real ones of the same moments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.template import FacePlaces
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.evaluation.measures import lip_measures
from hygiesync.evaluation.mouth_look import MouthLook
from hygiesync.evaluation.picture_quality import mouth_window
from hygiesync.evaluation.real_video import RealVideo, to_canonical_face
from hygiesync.face.pose import similarity_scale
from hygiesync.face.track import FaceTrack
from hygiesync.media.video import read_frames
from hygiesync.timing import video_frame_time


def real_shapes(avatar: VideoAvatar, real: RealVideo) -> NDArray[np.float64]:
    """Canonical lower faces (n_frames, n_lower, 2) of the real video; NaN where a mouth could not be put in."""
    lower = to_canonical_face(avatar, real.track)
    lower[~real.has_place] = np.nan
    return lower


def shapes_at(avatar: VideoAvatar, track: FaceTrack, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Canonical lower faces (n_times, n_lower, 2) of a track, interpolated between its frames; NaN without a face."""
    lower = to_canonical_face(avatar, track)
    after = np.clip(np.searchsorted(track.times_s, times_s), 1, len(track) - 1)
    span_s = track.times_s[after] - track.times_s[after - 1]
    share = np.clip((times_s - track.times_s[after - 1]) / span_s, 0, 1)[:, None, None]
    between = (1 - share) * lower[after - 1] + share * lower[after]
    # on a frame itself only that frame counts, whatever its neighbours show
    exact = np.where(share == 0, lower[after - 1], np.where(share == 1, lower[after], between))
    exact[times_s > track.times_s[-1] + span_s.max()] = np.nan
    return exact


def judge(
    avatar: VideoAvatar,
    real: RealVideo,
    out: Path,
    track: FaceTrack,
    wanted: NDArray[np.float64],
    got: NDArray[np.float64],
) -> dict[str, float]:
    """Measures of a video that was made, whose lips are `got` where they should be `wanted`.

    Parameters
    ----------
    avatar : VideoAvatar
    real : RealVideo
    out : Path
        What was made.
    track : FaceTrack
        Its face.
    wanted, got : ndarray, shape (n_frames, n_lower, 2), canonical units
        At the real frames' times.
    """
    frame_s = float(video_frame_time(1, real.info.fps))
    got = np.where(np.isnan(wanted), np.nan, got)
    measures = {**lip_measures(wanted, got, real.track.shots(), frame_s), **_compare_mouths(avatar, real, out, track)}
    return {name: round(value, 4) for name, value in measures.items()}


def _compare_mouths(avatar: VideoAvatar, real: RealVideo, out: Path, track: FaceTrack) -> dict[str, float]:
    """How the mouths look, each cut out where its own face is, paired by time."""
    places = FacePlaces.from_track(track, avatar.pose)
    px_per_unit = float(np.median(similarity_scale(real.places.to_picture[real.has_place])))
    window, look = mouth_window(avatar.shape, px_per_unit), MouthLook()
    others = enumerate(read_frames(out, n_threads=1))
    number, other = next(others)
    with real.frames() as frames:
        for frame in frames:
            while number + 1 < len(track) and _is_nearer(track.times_s, number + 1, float(frame.time_s)):
                number, other = next(others)
            face = places.face(number)
            if frame.face is None or face is None:
                look.skip()
            else:
                look.add(window.cut(frame.image, frame.face.to_picture), window.cut(other.image, face.to_picture))
    return look.measures()


def _is_nearer(times_s: NDArray[np.float64], number: int, time_s: float) -> bool:
    return abs(float(times_s[number]) - time_s) <= abs(float(times_s[number - 1]) - time_s)
