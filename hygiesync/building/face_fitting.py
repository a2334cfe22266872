"""From tracked videos to one person's face: pose, shape, and a coefficient label with a verdict for every frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.template import FacePlaces
from hygiesync.building.dead_sound import Span, heard_loudness, is_within
from hygiesync.building.sound_level import SoundLevel
from hygiesync.errors import InputError
from hygiesync.face.pose import PoseModel, apply_similarity
from hygiesync.face.shape import ShapeModel
from hygiesync.face.track import FaceTrack, is_turned_beyond
from hygiesync.media.video import VideoInfo
from hygiesync.speech.bands import loudness
from hygiesync.timing import n_mel_frames, time_to_mel_frames, time_to_samples

MIN_USABLE_FRAMES = 150

MAX_FITTED_FRAMES = 15_000
"""Frames that the shape model is fitted to, about: more of one person change nothing but the memory needed."""

_BACKGROUND_QUANTILE = 0.05

_VOICE_MARGIN = 0.7
"""How far over the pauses' loudness a sound in a training video is voice: 7 decibels, in log10 of power."""

_SILENCE_AROUND_S = 0.12
_MIN_REST_FRAMES = 10


@dataclass(frozen=True)
class Recording:
    """One training video, seen and heard.

    Attributes
    ----------
    video : VideoInfo
    track : FaceTrack
        As detected, not smoothed.
    mel : ndarray, shape (n_mel_frames, n_mels), float32
    sound : SoundLevel, optional
    sound_late_s : float
        How late the sound is to be taken to be against the pictures; negative is early.
    deaf_spans : tuple of (float, float)
        Where one sees speech and hears none, seconds: nothing is learnt there.
    """

    video: VideoInfo
    track: FaceTrack
    mel: NDArray[np.float32]
    sound: SoundLevel | None = None
    sound_late_s: float = 0.0
    deaf_spans: tuple[Span, ...] = ()

    @property
    def heard_times_s(self) -> NDArray[np.float64]:
        """When (n_frames,) in the sound one hears what each frame shows, seconds."""
        return self.track.times_s + self.sound_late_s


@dataclass(frozen=True)
class LabelledFrames:
    """One recording's frames in face space.

    Attributes
    ----------
    places : FacePlaces
    canonical : ndarray, shape (n_frames, n_lower, 2), canonical units
    coefficients : ndarray, shape (n_frames, n_components)
        Without the detector's jitter.
    targets : ndarray, shape (n_frames, n_components)
        Of the lips as they were detected: what a network learns from. Its answers are a mean over all it has seen, so
        jitter comes out of them by itself; smoothing would take a fifth off every quick closing, for good.
    is_usable : ndarray, shape (n_frames,), bool
        A frontal, sharp, unoccluded face.
    shots : ndarray, shape (n_frames,), int
    """

    places: FacePlaces
    canonical: NDArray[np.float32]
    coefficients: NDArray[np.float64]
    targets: NDArray[np.float64]
    is_usable: NDArray[np.bool_]
    shots: NDArray[np.int64]


@dataclass(frozen=True)
class FittedFace:
    """One person's face models, and all recordings' frames in their terms."""

    pose: PoseModel
    shape: ShapeModel
    frames: list[LabelledFrames]

    @property
    def usable_coefficients(self) -> NDArray[np.float64]:
        """Coefficients (n_usable, n_components) of all frames that may be learnt from."""
        return np.concatenate([frames.coefficients[frames.is_usable] for frames in self.frames])


def fit_face(recordings: list[Recording]) -> FittedFace:
    """Fit pose and shape models to all recordings of one person.

    Raises
    ------
    InputError
        When too few frames are usable.
    """
    smooth = [recording.track.smoothed() for recording in recordings]
    usable = [_looks_usable(recording) for recording in recordings]
    n_usable = sum(int(flags.sum()) for flags in usable)
    if n_usable < MIN_USABLE_FRAMES:
        raise InputError(
            f"{_names(recordings)}: {n_usable} frames show the face clearly, and at least {MIN_USABLE_FRAMES} are"
            " needed; film longer, frontal and well lit (five minutes are best)"
        )
    pose = PoseModel.fit(
        np.concatenate([track.rigid[flags] for track, flags in zip(smooth, usable, strict=True)]).astype(np.float64)
    )
    places = [FacePlaces.from_track(recording.track, pose) for recording in recordings]
    usable = [
        flags & ~is_turned_beyond(place.turns, pose.turn_scale) for flags, place in zip(usable, places, strict=True)
    ]
    placings = [pose.to_canonical(track.rigid.astype(np.float64)) for track in smooth]
    canonical = [_placed(placing, track) for placing, track in zip(placings, smooth, strict=True)]
    # the lips' own jitter is left in; the head's, which would shake all of them at once, is not
    detected = [_placed(placing, recording.track) for placing, recording in zip(placings, recordings, strict=True)]
    every = max(1, n_usable // MAX_FITTED_FRAMES)
    shape = ShapeModel.fit(
        np.concatenate([shapes[flags][::every] for shapes, flags in zip(canonical, usable, strict=True)]).astype(float),
        np.concatenate([place.turns[flags][::every] for place, flags in zip(places, usable, strict=True)]),
    )
    frames = [
        LabelledFrames(
            place,
            shapes,
            shape.transform(shapes, place.turns),
            shape.transform(raw, place.turns),
            flags,
            recording.track.shots(),
        )
        for recording, place, shapes, raw, flags in zip(recordings, places, canonical, detected, usable, strict=True)
    ]
    return FittedFace(pose, shape, frames)


def _placed(placing: FloatArray, track: FaceTrack) -> NDArray[np.float32]:
    return apply_similarity(placing, track.lower).astype(np.float32)


def _looks_usable(recording: Recording) -> NDArray[np.bool_]:
    track = recording.track
    is_deaf = is_within(recording.heard_times_s, recording.deaf_spans)
    return track.has_face & ~track.is_blurred() & ~track.is_occluded() & ~is_deaf


def _names(recordings: list[Recording]) -> str:
    return ", ".join(Path(recording.video.path).name for recording in recordings)


def background_loudness(recordings: list[Recording]) -> float:
    """Loudness of the recordings' pauses.

    Raises
    ------
    InputError
        When nothing stands out of it: the sound is silent, or all one noise.
    """
    level = np.concatenate([heard_loudness(recording.mel, recording.deaf_spans) for recording in recordings])
    background = float(np.quantile(level, _BACKGROUND_QUANTILE))
    if np.quantile(level, 0.9) < background + _VOICE_MARGIN:
        raise InputError(
            f"{_names(recordings)}: no speech stands out in the sound (it is silent, or all one noise); check that the"
            " microphone was on, and film again"
        )
    return background


def resting_coefficients(recordings: list[Recording], face: FittedFace, background: float) -> NDArray[np.float64]:
    """Coefficients (n_components,) of the mouth in the recordings' pauses; of its least open frames without any."""
    quiet = []
    for recording, frames in zip(recordings, face.frames, strict=True):
        is_quiet = is_quiet_at(recording, background)
        quiet.append(frames.coefficients[frames.is_usable & is_quiet])
    at_rest = np.concatenate(quiet)
    if len(at_rest) >= _MIN_REST_FRAMES:
        return np.median(at_rest, axis=0)
    from hygiesync.face.shape import mouth_opening

    usable = face.usable_coefficients
    opening = mouth_opening(face.shape.inverse_transform(usable))
    return np.median(usable[opening <= np.quantile(opening, 0.1)], axis=0)


def is_quiet_at(recording: Recording, background: float) -> NDArray[np.bool_]:
    """Video frames (n_frames,), bool, with no voice around them."""
    level = loudness(recording.mel)
    reach = time_to_mel_frames(_SILENCE_AROUND_S)
    padded = np.pad(level > background + _VOICE_MARGIN, reach, constant_values=False)
    has_voice_near = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).any(1)
    heard = np.array([n_mel_frames(time_to_samples(time_s)) for time_s in recording.heard_times_s])
    return ~has_voice_near[np.clip(heard, 0, len(level) - 1)]
