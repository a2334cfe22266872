"""Who of several people in a video speaks: whose mouth follows the sound best."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.comparison import correlation
from hygiesync.face.identity import look_of, place_of
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.face.people import People, Person
from hygiesync.face.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP, LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoInfo, read_frames
from hygiesync.speech.lip_opening import heard_opening
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.timing import mel_position

WATCHED_S = Fraction(16)
"""Seconds of a video that are watched for it: some five sentences."""

MAX_LAG_S, LAG_STEP_S = 0.24, 0.04
"""How far sound and picture of a recording may be apart."""

MIN_CORRELATION, MIN_LEAD = 0.2, 0.1
"""From which on a mouth follows the sound, and by how much better than the next: a silent face's nods reach 0.15."""

MIN_SHARE = 0.3
"""Share of the pictures in which a person must be seen."""


def who_speaks(video: VideoInfo, people: People, track: int | None = None) -> Person | None:
    """The person whose mouth follows a video's sound; None where that can't be said.

    Raises
    ------
    InputError
        When the video can't be read.
    """
    if not video.has_audio or not people.all:
        return None
    times_s, openings = _watched(video, people)
    if not len(times_s):
        return None
    heard = heard_opening(mel_spectrogram(read_audio(video.path, track=track)))
    scores = np.array([_follows(times_s, opening, heard) for opening in openings])
    best = int(scores.argmax())
    lead = scores[best] - np.delete(scores, best).max(initial=0.0)
    return people.all[best] if scores[best] >= MIN_CORRELATION and lead >= MIN_LEAD else None


def _watched(video: VideoInfo, people: People) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (n,) and inner lips' distances (n_people, n), eye distances; NaN where a person is not seen."""
    times, rows = [], []
    before: dict[int, tuple[NDArray[np.float64], float]] = {}
    with LandmarkDetector(max(2, people.most_at_once)) as detector:
        for frame in read_frames(video.path, end_s=min(WATCHED_S, video.duration_s), n_threads=1):
            row = np.full(len(people), np.nan)
            now: dict[int, tuple[NDArray[np.float64], float]] = {}
            for face in detector.detect_all(frame.image):
                number = _whose(frame.image, face, people, before)
                if number not in now:
                    now[number], row[number] = place_of(face), _opening(face)
            before = now
            times.append(float(frame.time_s))
            rows.append(row)
    return np.array(times), np.array(rows).T


def _whose(
    image: NDArray[np.uint8], face: FloatArray, people: People, before: dict[int, tuple[NDArray[np.float64], float]]
) -> int:
    """Number of the person whose face it is: who was there just before, and else who looks like it."""
    middle, width = place_of(face)
    near = [number for number, (there, _) in before.items() if np.linalg.norm(middle - there) < width]
    if len(near) == 1:
        return near[0]
    look = look_of(image, face)
    return int(np.argmin([person.unlike(look) for person in people.all]))


def _opening(face: FloatArray) -> float:
    lips, eyes = face[INNER_LIP_TOP] - face[INNER_LIP_BOTTOM], face[LEFT_EYE_OUTER] - face[RIGHT_EYE_OUTER]
    return float(np.linalg.norm(lips[:2]) / max(float(np.linalg.norm(eyes[:2])), 1.0))


def _follows(times_s: FloatArray, opening: FloatArray, heard: FloatArray) -> float:
    """Best correlation of a mouth with what is heard, over small delays; 0 for who is hardly seen."""
    is_seen = ~np.isnan(opening)
    if is_seen.mean() < MIN_SHARE:
        return 0.0
    positions = np.array([float(mel_position(time_s, 0)) for time_s in times_s[is_seen]])
    frames_per_s = float(mel_position(1, 0) - mel_position(0, 0))
    lags = np.arange(-MAX_LAG_S, MAX_LAG_S + 1e-9, LAG_STEP_S) * frames_per_s
    at = np.arange(len(heard))
    return max(correlation(opening[is_seen], np.interp(positions + lag, at, heard)) for lag in lags)
