"""A synthetic talker: espeak's voice on a speaking portrait, as a video whose true landmarks are known.

It stands in for a person's recording in ``make demo`` and in the tests: no camera, no network, no private data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import UsageError
from hygiesync.media.writer import VideoWriter
from hygiesync.synthetic.portrait import Portrait
from hygiesync.timing import n_video_frames, sample_time, time_to_samples, video_frame_time
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.speech import PAUSE, Phoneme, Speech
from hygiesync.tts.visemes import mouth_curves

SENTENCES = (
    "Good morning, and thank you for coming so early.",
    "My mother bought a big bag of apples at the market.",
    "Could you please move the blue chair over there?",
    "Five old ships slowly left the foggy harbour.",
    "We usually have fish and chips on Friday evening.",
    "Bob put the paper cup back on the table.",
    "She sells fresh bread near the railway station.",
    "How far away is the nearest village?",
    "The weather was warm, but the wind blew hard.",
    "Peter may be able to help you tomorrow.",
    "I would rather watch a funny movie at home.",
    "Their white house stands between two tall trees.",
    "Jim and Joyce enjoy measuring huge boxes.",
    "Please open the window, it is far too hot in here.",
    "A small boy threw three stones into the pool.",
    "You forgot to buy butter, beans and mushrooms.",
    "What a lovely view of the valley we have!",
    "The doctor asked about my left arm and shoulder.",
    "Nobody believed that the map was wrong.",
    "He quickly wrote two words on the yellow wall.",
    "Maybe we should pay the bill before we leave.",
    "Our teacher showed us a very strange picture.",
    "Both of them speak French, German and Polish.",
    "That was all for now, so goodbye and take care.",
)
"""What the talker says to be learnt from."""

HELD_OUT = (
    "Welcome, my name is Robin, and I will be your guide today.",
    "Every beautiful voice moves both the lips and the jaw.",
    "If you have a problem, just give me a phone call.",
)
"""What the talker never says: for renderings of an avatar that was trained on it."""

VOICE, PITCH = "en+f3", 55
MIN_SILENCE_S, MAX_SILENCE_S = 0.4, 0.9
"""Bounds of the silences before, between and after the sentences."""

MAX_TURN_DEGREES, MAX_SHIFT, MAX_ZOOM = 3.0, 0.015, 0.02
"""Bounds of the head's motion: rotation, translation as a part of the picture's size, relative scale."""

_SLOWEST_HZ, _FASTEST_HZ, _N_WAVES = 0.06, 0.35, 4


@dataclass(frozen=True)
class TalkerTruth:
    """What is true of a synthetic talker's video.

    Parameters
    ----------
    times_s : tuple of Fraction, length n_frames
        Presentation times.
    landmarks : ndarray, shape (n_frames, 478, 2), float64, pixels, (x, y)
        Where FaceMesh's points lie in each frame.
    opening, width, tuck : ndarray, shape (n_frames,), float64
        Mouth curves, as in :data:`hygiesync.tts.visemes.CURVES`.
    poses : ndarray, shape (n_frames, 2, 3), float64
        Similarities from the unmoved head to each frame.
    speech : Speech
        The whole sound track with its phonemes.
    """

    times_s: tuple[Fraction, ...]
    landmarks: NDArray[np.float64]
    opening: NDArray[np.float64]
    width: NDArray[np.float64]
    tuck: NDArray[np.float64]
    poses: NDArray[np.float64]
    speech: Speech


def make_talker(
    path: str | os.PathLike[str],
    *,
    sentences: Sequence[str] | int = SENTENCES,
    fps: Fraction = Fraction(25),
    seed: int = 0,
    size: int = 512,
    progress: Callable[[int, int], None] | None = None,
) -> TalkerTruth:
    """Write an mp4 of the portrait saying some sentences.

    Parameters
    ----------
    path : str or PathLike
        The mp4 to write.
    sentences : sequence of str, or int
        What to say; a number means that many of the first :data:`SENTENCES`.
    fps : Fraction
        Frames a second.
    seed : int
        Of the head's motion and the lengths of the silences. The same arguments give the same frames and sound.
    size : int
        Width and height in pixels.
    progress : callable, optional
        Called after each frame with the number of frames done and their total.

    Returns
    -------
    TalkerTruth

    Raises
    ------
    UsageError
        When there are no sentences, fewer than asked for, or `size` is too small.
    InputError
        When the file can't be written.
    MissingDependencyError
        When espeakng-loader or scikit-image isn't installed.
    """
    generator = np.random.default_rng(seed)
    speech = speak_sentences(_chosen(sentences), generator)
    n_frames = n_video_frames(sample_time(len(speech.samples), speech.sample_rate), fps)
    times = tuple(video_frame_time(index, fps) for index in range(n_frames))
    seconds = np.array([float(time) for time in times])
    curves = mouth_curves(speech.phonemes, seconds)
    portrait = Portrait(size)
    poses = head_poses(seconds, portrait.centre, size, generator)
    landmarks = []
    with VideoWriter(path, size, size, fps, audio_rate=speech.sample_rate, audio_channels=1) as writer:
        for index, (time_s, (opening, width, tuck)) in enumerate(zip(times, curves, strict=True)):
            image, points = portrait.render(opening, width, tuck, poses[index])
            landmarks.append(points)
            writer.write(image, time_s)
            writer.write_audio(_samples_of_frame(speech, index, fps))
            if progress is not None:
                progress(index + 1, n_frames)
    opening, width, tuck = curves.T
    return TalkerTruth(times, np.stack(landmarks), opening, width, tuck, poses, speech)


def speak_sentences(sentences: Sequence[str], generator: np.random.Generator) -> Speech:
    """Sound track of some sentences, with a silence of random length before, between and after them.

    Parameters
    ----------
    sentences : sequence of str
    generator : Generator
        Source of the silences' lengths.

    Returns
    -------
    Speech
    """
    spoken = [synthesise(sentence, VOICE, pitch=PITCH) for sentence in sentences]
    rate = spoken[0].sample_rate
    pieces: list[NDArray[np.float32]] = []
    phonemes: list[Phoneme] = []
    n_samples = 0
    for part in [None, *spoken]:
        silence = np.zeros(time_to_samples(generator.uniform(MIN_SILENCE_S, MAX_SILENCE_S), rate), np.float32)
        for samples, inner in ((part.samples, part.phonemes) if part else (silence[:0], ()), (silence, ())):
            start_s = float(sample_time(n_samples, rate))
            n_samples += len(samples)
            pieces.append(samples)
            phonemes += _later(inner, start_s) if inner else _silent(start_s, float(sample_time(n_samples, rate)))
    return Speech(np.concatenate(pieces), rate, tuple(phonemes))


def head_poses(
    times_s: NDArray[np.float64], centre: FloatArray, size: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Slow random motion of a head.

    Parameters
    ----------
    times_s : ndarray, shape (n,), float64
    centre : ndarray, shape (2,), pixels
        Point that the head turns about.
    size : int
        Width and height of the picture in pixels.
    generator : Generator
        Source of the motion.

    Returns
    -------
    ndarray, shape (n, 2, 3), float64
        Similarities from the unmoved picture to each frame.
    """
    turn = np.deg2rad(MAX_TURN_DEGREES) * _slow_wave(times_s, generator)
    zoom = 1 + MAX_ZOOM * _slow_wave(times_s, generator)
    shift = MAX_SHIFT * size * np.column_stack([_slow_wave(times_s, generator) for _ in range(2)])
    cosine, sine = zoom * np.cos(turn), zoom * np.sin(turn)
    linear = np.stack([np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2)
    return np.concatenate([linear, (centre + shift - linear @ centre)[..., None]], axis=2)


def _slow_wave(times_s: FloatArray, generator: np.random.Generator) -> NDArray[np.float64]:
    """(n,) sum of slow sines that stays within -1 and 1."""
    frequencies_hz = generator.uniform(_SLOWEST_HZ, _FASTEST_HZ, _N_WAVES)
    phases = generator.uniform(0, 2 * np.pi, _N_WAVES)
    weights = generator.uniform(0.5, 1, _N_WAVES)
    return np.sin(2 * np.pi * times_s[:, None] * frequencies_hz + phases) @ (weights / weights.sum())


def _chosen(sentences: Sequence[str] | int) -> Sequence[str]:
    if isinstance(sentences, str):
        raise UsageError("talker's sentences: expected a list of sentences or their number, got a single text")
    if isinstance(sentences, int):
        if not 1 <= sentences <= len(SENTENCES):
            raise UsageError(f"talker's sentences: expected 1 to {len(SENTENCES)}, got {sentences}")
        return SENTENCES[:sentences]
    if not sentences:
        raise UsageError("talker's sentences: expected at least one, got none")
    return sentences


def _later(phonemes: Sequence[Phoneme], shift_s: float) -> list[Phoneme]:
    return [replace(sound, start_s=sound.start_s + shift_s, end_s=sound.end_s + shift_s) for sound in phonemes]


def _silent(start_s: float, end_s: float) -> list[Phoneme]:
    return [Phoneme(PAUSE, start_s, end_s)] if end_s > start_s else []


def _samples_of_frame(speech: Speech, index: int, fps: Fraction) -> NDArray[np.float32]:
    """Samples that sound while frame `index` is shown."""
    start, end = (time_to_samples(video_frame_time(edge, fps), speech.sample_rate) for edge in (index, index + 1))
    return speech.samples[start:end]
