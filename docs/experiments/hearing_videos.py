"""The people that recipes are measured on: tracked once, split into what is learnt from and what is held out."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from hygiesync.avatar.template import FacePlaces
from hygiesync.building.av_offset import fix_offsets, measure_offset
from hygiesync.building.face_fitting import FittedFace, Recording, background_loudness, fit_face, resting_coefficients
from hygiesync.face.comparison import lip_distance
from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import mouth_opening
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.learning.dataset import LabelledClip, align
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoInfo, probe
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.timing import sample_time, time_to_samples

NEW_WORDS = ("seven", "five", "m", "w", "f")
"""Words that the training on a corpus of sentences never hears."""

N_KNOWN = 15
"""Held-out sentences of that corpus whose words are all heard in training."""

SILENCE = "sil"
_TINY_S = 1e-4
MIN_FACE_SHARE = 0.3
REACHED = 0.003
"""A closure is reached when the opening comes within 0.3 % of the eye distance of the real one."""

REALLY_CLOSED = 0.01

Words = list[tuple[float, float, str]]


@dataclass(frozen=True)
class Film:
    """A video, tracked and heard, or some stretches of one, joined.

    Attributes
    ----------
    info : VideoInfo
    track : FaceTrack
    samples : ndarray, shape (n,), float32, at 16 kHz
    words : list of (start_s, end_s, word)
        Empty where they are not known.
    """

    info: VideoInfo
    track: FaceTrack
    samples: np.ndarray
    words: Words

    @classmethod
    def read(cls, video: Path, words: Path | None, cache: Path) -> Film:
        """Track and hear a video; the track comes from `cache` where it is there already."""
        info, path = probe(video), cache / f"{video.parent.name}-{video.stem}.safetensors"
        if path.exists():
            track = FaceTrack(**load_file(path))
        else:
            track = watch(info, MIN_FACE_SHARE, lambda done: None, lambda message: print(message, file=sys.stderr))
            cache.mkdir(parents=True, exist_ok=True)
            save_file(track.arrays(), path)
        return cls(info, track, read_audio(video), read_words(words) if words else [])

    def joined(self, stretches: list[tuple[float, float]]) -> Film:
        """These stretches (start_s, end_s) alone, one after the other."""
        tracks, samples, words, done = [], [], [], 0
        for start_s, end_s in stretches:
            first, last = time_to_samples(start_s), min(time_to_samples(end_s), len(self.samples))
            later_s = float(sample_time(done)) - start_s
            is_inside = (self.track.times_s >= start_s - _TINY_S) & (self.track.times_s < end_s - _TINY_S)
            part = {name: array[is_inside] for name, array in self.track.arrays().items()}
            tracks.append(FaceTrack(**part | {"times_s": part["times_s"] + later_s}))
            samples.append(self.samples[first:last])
            words += [(a + later_s, b + later_s, word) for a, b, word in self.words if start_s <= a < end_s]
            done += last - first
        return Film(self.info, FaceTrack.concatenate(tracks), np.concatenate(samples), words)


@dataclass(frozen=True)
class HeldOut:
    """What answers are compared with."""

    name: str
    film: Film
    shapes: np.ndarray
    turns: np.ndarray
    is_seen: np.ndarray
    still_pct: float

    @classmethod
    def see(cls, name: str, film: Film, face: FittedFace) -> HeldOut:
        """A film in the terms of a face that was fitted to another one."""
        placing = face.pose.to_canonical(film.track.rigid.astype(np.float64))
        shapes, turns = apply_similarity(placing, film.track.lower), FacePlaces.from_track(film.track, face.pose).turns
        is_seen = film.track.has_face & np.isfinite(turns).all(1)
        mean = np.tile(face.usable_coefficients.mean(0), (len(turns), 1))
        still = face.shape.inverse_transform(mean, turns)
        return cls(name, film, shapes, turns, is_seen, lip_distance(shapes[is_seen], still[is_seen]))

    def closures(self, shapes: np.ndarray) -> float:
        """Share of the words beginning with b, p or m in which the real lips meet, whose lips meet here too."""
        real, said, reached = mouth_opening(self.shapes), mouth_opening(shapes), []
        for start_s, end_s, word in self.film.words:
            inside = self.is_seen & (self.film.track.times_s >= start_s) & (self.film.track.times_s <= end_s)
            if word[0] in "bpm" and inside.any() and real[inside].min() < REALLY_CLOSED:
                reached.append(said[inside].min() <= real[inside].min() + REACHED)
        return float(np.mean(reached)) if reached else np.nan


class Person:
    """One person's training film, fitted as an avatar's is, and what is held out.

    Parameters
    ----------
    name : str
    film : Film
        To learn from.
    held_out : dict of str to Film
    """

    def __init__(self, name: str, film: Film, held_out: dict[str, Film]) -> None:
        recording = Recording(film.info, film.track, mel_spectrogram(film.samples))
        self.name, self.face = name, fit_face([recording])
        self.offset = measure_offset(recording, self.face.frames[0])
        (self.recording,) = fix_offsets([recording], [self.offset])
        self.background = background_loudness([self.recording])
        self.held_out = [HeldOut.see(part, film, self.face) for part, film in held_out.items()]

    @cached_property
    def rest(self) -> np.ndarray:
        """Coefficients of the resting mouth."""
        return resting_coefficients([self.recording], self.face, self.background)

    def clip(self, lookahead: int) -> LabelledClip:
        """What is learnt from."""
        frames, recording = self.face.frames[0], self.recording
        return align(recording.mel, frames.targets, recording.heard_times_s, frames.shots, frames.is_usable, lookahead)


def person_in(folder: Path, cache: Path) -> Person:
    """The person of a folder with train.mp4 and held_out.mp4."""
    films = [Film.read(folder / f"{part}.mp4", None, cache) for part in ("train", "held_out")]
    return Person(folder.name, films[0], {folder.name: films[1]})


def sentence_speaker(film: Film, dev: Film | None) -> Person:
    """A person who reads sentences, some of which are held out: those with new words, and some without."""
    spans = sentences_of(film.words)
    said = [{word for start_s, _, word in film.words if span[0] <= start_s < span[1]} - {SILENCE} for span in spans]
    new, known = held_out_sentences(said)
    learnt_from = [span for number, span in enumerate(spans) if number not in {*new, *known}]
    parts = {"known words": known, "new words": new}
    held_out = {name: film.joined([spans[number] for number in numbers]) for name, numbers in parts.items()}
    return Person("sentences", film.joined(learnt_from), held_out | ({} if dev is None else {"dev": dev}))


def sentences_of(words: Words) -> list[tuple[float, float]]:
    """Spans (start_s, end_s) of sentences that begin and end with silence: from each beginning to the next."""
    is_silence = [word == SILENCE for _, _, word in words]
    starts = [start_s for (start_s, _, _), now, before in zip(words, is_silence, [True, *is_silence], strict=False)
              if now and before]  # fmt: skip
    return list(zip(starts, [*starts[1:], words[-1][1]], strict=True))


def held_out_sentences(said: list[set[str]], seed: int = 0) -> tuple[list[int], list[int]]:
    """Numbers of the sentences (sets of words) with new words, and of some others whose words others say, too."""
    new = [number for number, words in enumerate(said) if words & set(NEW_WORDS)]
    rest = [number for number in range(len(said)) if number not in new]
    known: list[int] = []
    for number in np.random.default_rng(seed).permutation(rest).tolist():
        others = [said[other] for other in rest if other != number and other not in known]
        if len(known) < N_KNOWN and said[number] <= set().union(*others):
            known.append(number)
    return new, known


def read_words(path: Path) -> Words:
    """Words of a file with the columns start_s, end_s, word."""
    with path.open(newline="") as file:
        return [(float(row["start_s"]), float(row["end_s"]), row["word"]) for row in csv.DictReader(file)]
