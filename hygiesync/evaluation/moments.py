r"""Moments of a video that are worth looking at: mouths that differ as much as mouths of that person do.

The lips shut for b, p and m, and that is where a viewer notices first. Such a closure is a deep, short minimum of the
opening *between* two openings; the mouth's least opening of all is mostly a silence, where shut lips are no feat::

    opening   _.-._     .-.      _.-._      .-"-._
                   \   /   \    /     \    /      \__________   silence
                    `-'     `--'       `--'
                     shut    shut       shut: b, p or m
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import apply_similarity, fit_similarity
from hygiesync.face.shape import mouth_opening, mouth_width
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, RIGID
from hygiesync.face.track import FaceTrack
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoInfo
from hygiesync.speech.activity import VoiceActivity
from hygiesync.speech.bands import loudness
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.timing import n_mel_frames, time_to_samples

MIN_APART_S = 0.2
"""Moments are at least this far from each other, so that none shows the same mouth again."""

CLOSURE_REACH_S = 0.25
"""Lips are shut within speech when they are open at most this long before and after."""

_SHUT, _OPEN, _WIDE = 0.15, 0.35, 0.7
"""Parts of the way from a person's shut to a person's wide mouth."""

_SHUT_QUANTILE, _WIDE_QUANTILE = 0.02, 0.98
_BACKGROUND_QUANTILE = 0.05
_EYES = [RIGID.index(RIGHT_EYE_OUTER), RIGID.index(LEFT_EYE_OUTER)]
_LEVEL_EYES = np.array([[-0.5, 0.0], [0.5, 0.0]])


@dataclass(frozen=True)
class Moment:
    """A time, seconds, and what the mouth does then."""

    time_s: float
    caption: str


def to_level_face(track: FaceTrack) -> NDArray[np.float64]:
    """Similarities (n_frames, 2, 3) from the pictures to a face with level eyes one unit apart around the origin."""
    return fit_similarity(track.rigid[:, _EYES].astype(np.float64), _LEVEL_EYES)


def choose_moments(track: FaceTrack, is_voice: NDArray[np.bool_], n_moments: int = 8) -> list[Moment]:
    """Moments for a contact sheet, the most telling first.

    Parameters
    ----------
    track : FaceTrack
        Of the real video.
    is_voice : ndarray, shape (n_frames,), bool
    n_moments : int
        At most so many; fewer when the video is short.
    """
    apart = np.isfinite(track.rigid).all((1, 2))
    moments: list[Moment] = []
    for caption, score in _wishes(track, is_voice):
        score = np.where(apart, score, np.nan)
        if len(moments) == n_moments or np.isnan(score).all():
            continue
        time_s = float(track.times_s[np.nanargmax(score)])
        apart = apart & (np.abs(track.times_s - time_s) >= MIN_APART_S)
        moments.append(Moment(time_s, caption))
    return moments


def find_closures(track: FaceTrack, is_voice: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How deep each closure of the lips within speech is.

    Parameters
    ----------
    track : FaceTrack
    is_voice : ndarray, shape (n_frames,), bool

    Returns
    -------
    ndarray, shape (n_frames,), distances between the eyes
        By how much the mouth is wider before *and* after, at the most shut frame of each closure; NaN elsewhere.
    """
    opening = mouth_opening(_level_lower(track))
    depth = np.full(len(opening), np.nan)
    shut, wide = _extremes(opening)
    spoken = np.where(is_voice & np.isfinite(opening), opening, -np.inf)
    shots = track.shots()
    for index in _peaks(-opening, is_voice & (opening <= shut + _SHUT * (wide - shut))):
        reach = np.searchsorted(track.times_s, track.times_s[index] + np.array([-CLOSURE_REACH_S, CLOSURE_REACH_S]))
        first, end = np.clip(reach, *np.searchsorted(shots, [shots[index], shots[index] + 1]))
        widest = min(spoken[first:index].max(initial=-np.inf), spoken[index + 1 : end].max(initial=-np.inf))
        if widest > shut + _OPEN * (wide - shut):
            depth[index] = widest - opening[index]
    return depth


def _wishes(track: FaceTrack, is_voice: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """What to look for, with how well each frame (n_frames,) shows it; NaN where not at all."""
    lower = _level_lower(track)
    opening, width = mouth_opening(lower), mouth_width(lower)
    spoken = np.where(is_voice, 0.0, np.nan)
    closures, vowels = find_closures(track, is_voice), _wide_vowels(spoken + opening)
    yield "silence", _distance_to_edge(~is_voice)
    yield "shut: b, p, m", closures
    yield "shut again", closures
    yield "wide open", vowels
    yield "rounded", spoken - width
    yield "spread", spoken + width
    yield "wide open again", vowels
    if len(opening) > 2 and np.isfinite(opening).any():
        speed = np.gradient(opening, track.times_s)
        speed[1:][np.diff(track.shots()) > 0] = np.nan  # a cut is no movement
        yield "opening", spoken + speed
        yield "closing", spoken - speed
        yield "half open", spoken - np.abs(opening - (np.nanmin(opening) + np.nanmax(opening)) / 2)


def _level_lower(track: FaceTrack) -> NDArray[np.float64]:
    """Lower faces (n_frames, n_lower, 2), level, in distances between the eyes."""
    return apply_similarity(to_level_face(track), track.lower.astype(np.float64))


def _wide_vowels(opening: FloatArray) -> NDArray[np.float64]:
    """`opening` (n,) at the widest frame of each stretch of wide ones; NaN elsewhere."""
    shut, wide = _extremes(opening)
    vowels = np.full(len(opening), np.nan)
    peaks = _peaks(opening, opening >= shut + _WIDE * (wide - shut))
    vowels[peaks] = opening[peaks]
    return vowels


def _extremes(opening: FloatArray) -> tuple[float, float]:
    """How far this person's mouth is open when it is shut and when it is wide; NaN when it is never seen."""
    seen = opening[np.isfinite(opening)]
    if not len(seen):
        return np.nan, np.nan
    shut, wide = np.quantile(seen, [_SHUT_QUANTILE, _WIDE_QUANTILE])
    return float(shut), float(wide)


def _peaks(score: FloatArray, flags: NDArray[np.bool_]) -> list[int]:
    """Where `score` (n,) is highest in each run of true `flags` (n,); the middle one of equals."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    peaks = []
    for start, end in edges.reshape(-1, 2):
        best = np.flatnonzero(score[start:end] == score[start:end].max())
        peaks.append(int(start + best[len(best) // 2]))
    return peaks


def _distance_to_edge(flags: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Frames to the nearest end of the run of true `flags` (n,) that a frame is in; NaN where it is false."""
    number = np.arange(len(flags))
    before = np.maximum.accumulate(np.where(flags, -1, number))
    after = np.minimum.accumulate(np.where(flags, len(flags), number)[::-1])[::-1]
    return np.where(flags, np.minimum(number - before, after - number).astype(float), np.nan)


def voice_at(video: VideoInfo, times_s: FloatArray) -> NDArray[np.bool_]:
    """Whether there is voice at each time (n_times,); everywhere when the video has no sound."""
    if not video.has_audio:
        return np.ones(len(times_s), bool)
    mel = mel_spectrogram(read_audio(video.path))
    if not len(mel):
        return np.ones(len(times_s), bool)
    voice = VoiceActivity(float(np.quantile(loudness(mel), _BACKGROUND_QUANTILE))).push(mel)
    heard = np.array([n_mel_frames(time_to_samples(time_s)) for time_s in times_s.tolist()])
    return voice[np.clip(heard, 0, len(voice) - 1)]
