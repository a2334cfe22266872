"""What a training video could do better: each problem with its measured number, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.building.av_offset import Offset
from hygiesync.building.face_fitting import FittedFace, LabelledFrames, Recording, background_loudness, is_quiet_at
from hygiesync.face.shape import mouth_width
from hygiesync.face.track import FaceTrack, is_turned_beyond

MIN_BRIGHTNESS, MAX_BRIGHTNESS = 45.0, 215.0
"""Of the mouth's surroundings, in grey levels up to 255 (median): lit skin of any colour lies between some 60 and 190.

Darker, noise and the encoder take the lips' edges; brighter, the skin has lost its texture.
"""

MIN_MOUTH_PX = 50.0
"""Width of a sharp mouth: teeth are then some 6 pixels wide. It belongs to a face about 180 pixels wide."""

MAX_TURNED_SHARE, MAX_UNSEEN_SHARE, MAX_BLURRED_SHARE = 0.05, 0.05, 0.05
"""Shares of the frames that may be useless: of good recordings it is 0 to 3 %, and a fault of the setup takes more."""

MIN_FPS = 23.9
"""Frames a second: lips close for p, b and m for 50 to 100 ms, of which fewer frames miss some. 23.976 is fine."""

MAX_CLIPPED_SHARE = 0.001
"""Share of the samples at full scale: single peaks are ten times fewer, and are not heard."""

MIN_SPEECH_DB = -45.0
"""Level of syllables below full scale: speech recorded as it should be is at -10 to -30 dB, and 16 bits end at -96."""

MIN_SPEECH_TO_BACKGROUND_DB = 20.0
"""Quiet rooms give 30 to 40 dB. Below 20 dB, soft sounds such as f and p are lost in the noise."""

MIN_DURATION_S = 120.0
"""Length of all videos: with less, many mouths are seen once or never. Three to five minutes are best."""

MIN_PAUSE_S = 2.0
"""Longest silence with the face in view: an idle loop is at least 1.5 s long, and has to find an end like its start."""


@dataclass(frozen=True)
class Advice:
    """One thing about a video that holds its avatar back.

    Attributes
    ----------
    problem : str
        One line: what is wrong, where, and the number measured.
    what_to_do : str
        One line.
    """

    problem: str
    what_to_do: str


def advise(recordings: Sequence[Recording], face: FittedFace, offsets: Sequence[Offset | None]) -> tuple[Advice, ...]:
    """All that would make the recordings of one training better: the sound's problems, the picture's, the length.

    Parameters
    ----------
    recordings : sequence of Recording
    face : FittedFace
        Fitted to them.
    offsets : sequence of Offset or None
        Each recording's measured offset of the sound against the lips.

    Returns
    -------
    tuple of Advice
        With several recordings, each problem begins with the name of the file it is in.
    """
    found = []
    for recording, frames, offset in zip(recordings, face.frames, offsets, strict=True):
        advice = [*_on_sound(recording, offset), *_on_picture(recording, frames, face.pose.turn_scale)]
        if len(recordings) > 1:
            name = Path(recording.video.path).name
            advice = [replace(one, problem=f"{name}: {one.problem}") for one in advice]
        found += advice
    return (*found, *_on_all(recordings, face))


def _on_sound(recording: Recording, offset: Offset | None) -> Iterator[Advice]:
    if offset is not None and offset.is_worth_telling and recording.sound_late_s == 0:
        yield Advice(
            f"the sound is {offset.in_words} against the lips (give or take {2 * offset.error_ms:.0f} ms)",
            "train with `fix_offset`, which corrects it, or move the sound in a video editor",
        )
    sound = recording.sound
    if sound is None:
        return
    if sound.clipped_share > MAX_CLIPPED_SHARE:
        yield Advice(
            f"the sound is clipped: {sound.clipped_share:.1%} of its samples are at full scale",
            "turn the microphone's level down and film again",
        )
    if sound.speech_db < MIN_SPEECH_DB:
        yield Advice(
            f"the speech is very quiet: {-sound.speech_db:.0f} dB below full scale",
            "go nearer to the microphone or turn its level up, and film again",
        )
    distance_db = sound.speech_db - sound.background_db
    if distance_db < MIN_SPEECH_TO_BACKGROUND_DB:
        yield Advice(
            f"the background is loud: the speech is {distance_db:.0f} dB above it"
            f" ({MIN_SPEECH_TO_BACKGROUND_DB:.0f} dB or more are good)",
            "turn off music and fans, go nearer to the microphone, and leave pauses between sentences",
        )


def _on_picture(recording: Recording, frames: LabelledFrames, turn_scale: FloatArray) -> Iterator[Advice]:
    track, has_face = recording.track, recording.track.has_face
    brightness = float(np.median(track.thumbnails[has_face]))
    if brightness < MIN_BRIGHTNESS:
        yield Advice(
            f"the face is dark: grey level {brightness:.0f} of 255 around the mouth",
            "put a lamp or a window in front of you, not behind you",
        )
    if brightness > MAX_BRIGHTNESS:
        yield Advice(
            f"the face is too bright: grey level {brightness:.0f} of 255 around the mouth",
            "lower the camera's exposure, or step back from the lamp",
        )
    mouth_px = float(np.median(mouth_width(track.lower[has_face])))
    if mouth_px < MIN_MOUTH_PX:
        yield Advice(
            f"the face is small in the picture: the mouth is {mouth_px:.0f} pixels wide, and sharp ones have"
            f" {MIN_MOUTH_PX:.0f} or more",
            "go nearer to the camera, or film at a higher resolution",
        )
    if recording.video.fps < MIN_FPS:
        yield Advice(
            f"the frame rate is low: {float(recording.video.fps):.3g} frames a second",
            "film at 25 frames a second or more; some cameras slow down in the dark",
        )
    yield from _on_frames(track, np.asarray(is_turned_beyond(frames.places.turns, turn_scale)))


def _on_frames(track: FaceTrack, is_turned: NDArray[np.bool_]) -> Iterator[Advice]:
    """Advice on shares of the frames that nothing can be learned from."""
    has_face = track.has_face
    missing, covered = float(np.mean(~has_face)), float(np.mean(track.is_occluded()))
    if missing + covered > MAX_UNSEEN_SHARE:
        yield Advice(
            f"the mouth is out of sight: in {missing:.0%} of the frames no face is found, and in {covered:.0%} the"
            " mouth is covered",
            "stay in the picture, and keep hands, cups and microphones away from the mouth",
        )
    turned = float(np.mean(is_turned[has_face]))
    if turned > MAX_TURNED_SHARE:
        yield Advice(
            f"the head turns a lot: in {turned:.0%} of the frames it is too far from the usual to learn from",
            "look into the camera while you speak",
        )
    blurred = float(np.mean(track.is_blurred()[has_face]))
    if blurred > MAX_BLURRED_SHARE:
        yield Advice(
            f"the picture is blurred at times: in {blurred:.0%} of the frames",
            "turn the automatic focus off, and take more light against motion blur",
        )


def _on_all(recordings: Sequence[Recording], face: FittedFace) -> Iterator[Advice]:
    """Advice on what all recordings together should hold."""
    duration_s = float(sum(recording.video.duration_s for recording in recordings))
    if duration_s < MIN_DURATION_S:
        yield Advice(f"there is little to learn from: {duration_s:.0f} s", "film three to five minutes of speech")
    background = background_loudness(list(recordings))
    pauses = [
        _longest_pause_s(recording, frames, background)
        for recording, frames in zip(recordings, face.frames, strict=True)
    ]
    if max(pauses) < MIN_PAUSE_S:
        yield Advice(
            f"there is no silence for the idle loop: the longest pause lasts {max(pauses):.1f} s",
            "sit still and silent for twenty seconds at the beginning, with the face to the camera",
        )


def _longest_pause_s(recording: Recording, frames: LabelledFrames, background: float) -> float:
    """Length of the longest run of quiet, usable frames within one shot, seconds."""
    times_s = recording.track.times_s
    is_quiet = frames.is_usable & is_quiet_at(recording, background)
    longest_s = 0.0
    for (_, quiet), run in groupby(range(len(times_s)), key=lambda index: (frames.shots[index], is_quiet[index])):
        if quiet:
            numbers = list(run)
            longest_s = max(longest_s, float(times_s[numbers[-1]] - times_s[numbers[0]]))
    return longest_s
