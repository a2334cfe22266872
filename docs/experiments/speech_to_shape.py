"""How exact are the lips that a network learns? The comparison table of docs/speech_to_shape.md, made again.

  python docs/experiments/speech_to_shape.py TRAIN.mp4 HELD_OUT.mp4 --words HELD_OUT.csv --seeds 3
  python docs/experiments/speech_to_shape.py TRAIN.mp4 HELD_OUT.mp4 --only lookahead

Each row trains on TRAIN with one thing changed, some seeds each, and is measured on HELD_OUT (the same person, never
trained on) by landmarks alone: the sound goes through the exported step and the voice gate, as in an avatar, and the
answer is compared with the landmarks that are detected there, not smoothed. Lip distance in % of the eye distance, the
openings' and the widths' correlation, the opening's spread against the real one, its lag, the closures of b, p and m
that are reached (with --words: start_s,end_s,word), the opening's spread in silence against the real one, and the
opening's correlation when the same sound is 10 dB quieter, comes by telephone, or has noise 15 dB beneath.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np
from safetensors.numpy import load_file, save_file

from hygiesync.avatar.template import FacePlaces
from hygiesync.building.face_fitting import Recording, background_loudness, fit_face, resting_coefficients
from hygiesync.building.job import EARLY_LOOKAHEADS
from hygiesync.face.comparison import compare_lips, correlation
from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import mouth_opening
from hygiesync.face.track import FaceTrack
from hygiesync.face.tracking import watch
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.augment import Augmentation
from hygiesync.learning.dataset import align, split
from hygiesync.learning.export_onnx import export_step
from hygiesync.learning.metric import mouth_metric
from hygiesync.learning.network import NetworkSettings
from hygiesync.learning.settings import PRESETS, TrainingSettings, preset
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.train import train_network
from hygiesync.media.audio import read_audio
from hygiesync.media.video import probe
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.stream import SpeechToShapeStream, coefficients_at
from hygiesync.timing import SAMPLE_RATE, lookahead_frames, time_to_mel_frames

REACHED = 0.003
"""A closure is reached when the opening comes within 0.3 % of the eye distance of the real one."""

REALLY_CLOSED = 0.01


@dataclass(frozen=True)
class Trial:
    """One row: what is changed."""

    name: str
    group: str = "recipe"
    preset: str = "balanced"
    change: dict[str, object] | None = None
    augmentation: dict[str, float] | None = None
    has_encoder: bool = True
    makes_meet: bool = True
    lookahead_ms: int = 80
    early_ms: int | None = None
    seconds: int = 300


TRIALS = (
    Trial("default"),
    Trial("without the speech encoder", has_encoder=False),
    Trial("without closing", makes_meet=False),
    Trial("opening: squared only", change={"opening_weight": 0.0}),
    Trial("without velocity", change={"velocity_weight": 0.0}),
    Trial("without augmentation", augmentation={"grain": 0.0, "gain": 0.0, "narrow_share": 0.0, "noise_share": 0.0}),
    Trial("grain only", augmentation={"gain": 0.0, "narrow_share": 0.0, "noise_share": 0.0}),
    Trial("gain and grain", augmentation={"narrow_share": 0.0, "noise_share": 0.0}),
    Trial("much noise", augmentation={"noise_share": 0.4}),
    *(Trial(f"lookahead {ms} ms", "lookahead", lookahead_ms=ms) for ms in (0, 20, 40, 80, 120, 200)),
    *(Trial(f"early answer at {ms} ms", "lookahead", early_ms=ms) for ms in (0, 40)),
    *(Trial(f"{seconds} s of video", "length", seconds=seconds) for seconds in (30, 60, 120, 300)),
    *(Trial(f"preset {name}", "preset", preset=name) for name in PRESETS),
)


class Bench:
    """Both videos, tracked, and everything that rows share."""

    def __init__(self, train: Path, held_out: Path, words: Path | None, cache: Path) -> None:
        self.learnt_from, _ = _recording(train, cache)
        self.real, self.samples = _recording(held_out, cache)
        self.face = fit_face([self.learnt_from])
        self.background = background_loudness([self.learnt_from])
        self.rest = resting_coefficients([self.learnt_from], self.face, self.background)
        pose = self.face.pose
        self.turns = FacePlaces.from_track(self.real.track, pose).turns
        seen = pose.to_canonical(self.real.track.rigid.astype(np.float64))
        self.shapes = apply_similarity(seen, self.real.track.lower)
        self.is_seen = self.real.track.has_face
        self.words = _words(words) if words else []
        self.is_silent = _is_silent(self.samples, self.real.track.times_s)
        self.conditions = dict(_other_sounds(self.samples))
        self.steps: dict[str, tuple[bytes, dict[str, float]]] = {}

    def run(self, trial: Trial, seed: int) -> dict[str, float]:
        """Train once and measure; answers of one training at other moments need no other."""
        lookahead = lookahead_frames(trial.lookahead_ms)
        key = repr((replace(trial, name="", group="", early_ms=None), seed))
        if key not in self.steps:
            self.steps[key] = self._train(trial, seed, lookahead)
        step, facts = self.steps[key]
        if trial.early_ms is None:
            listener = SpeechToShapeStream(OnnxStep(step), self.rest, self.background, lookahead)
        else:
            asked = lookahead_frames(trial.early_ms)
            number = [n for n in EARLY_LOOKAHEADS if n < lookahead].index(asked)
            listener = SpeechToShapeStream(OnnxStep(step, number), self.rest, self.background, asked)
        return {**self._measure(listener), **facts}

    def _train(self, trial: Trial, seed: int, lookahead: int) -> tuple[bytes, dict[str, float]]:
        """The exported step, and what its training took."""
        frames = self.face.frames[0]
        early = [n for n in EARLY_LOOKAHEADS if n < lookahead]
        sequence = align(
            self.learnt_from.mel,
            frames.targets,
            self.learnt_from.track.times_s,
            frames.shots,
            frames.is_usable,
            lookahead,
        )[: time_to_mel_frames(trial.seconds)]
        training, validation = split([sequence])
        settings = self._settings(trial, seed, len(sequence))
        shape = self.face.shape
        start_s = perf_counter()
        run = train_network(
            training,
            validation,
            mouth_metric(shape),
            NetworkSettings(shape.n_components, early_frames=tuple(lookahead - n for n in early)),
            settings,
            aperture=Aperture.fit(shape, frames.coefficients[frames.is_usable]) if trial.makes_meet else None,
            encoder=SpeechEncoder.load() if trial.has_encoder else None,
        )
        duration_s = perf_counter() - start_s
        with tempfile.TemporaryDirectory() as folder:
            export_step(run.network, Path(folder) / "step.onnx")
            step = (Path(folder) / "step.onnx").read_bytes()
        return step, {"seconds": duration_s, "networks": settings.n_networks}

    def _settings(self, trial: Trial, seed: int, n_frames: int) -> TrainingSettings:
        settings = replace(preset(trial.preset, seed, n_frames), **(trial.change or {}))
        return replace(settings, augmentation=replace(Augmentation(), **(trial.augmentation or {})))

    def _measure(self, listener: SpeechToShapeStream) -> dict[str, float]:
        shapes = self._answer(listener, self.samples)
        times_s = self.real.track.times_s
        real, said = mouth_opening(self.shapes), mouth_opening(shapes)
        lips = compare_lips(self.shapes[self.is_seen], shapes[self.is_seen], float(np.median(np.diff(times_s))))
        silent = self.is_silent & self.is_seen
        result = {
            "distance": lips.lip_distance_pct,
            "opening": lips.opening_correlation,
            "width": lips.width_correlation,
            "amplitude": lips.opening_amplitude,
            "lag_ms": lips.lag_ms,
            "closures": _reached_closures(self.words, times_s, real, said),
            "silence": float(said[silent].std() / real[silent].std()) if silent.sum() > 20 else np.nan,
        }
        for name, samples in self.conditions.items():
            other = mouth_opening(self._answer(listener, samples))
            result[name] = correlation(real[self.is_seen], other[self.is_seen])
        return result

    def _answer(self, listener: SpeechToShapeStream, samples: np.ndarray) -> np.ndarray:
        times = [Fraction(time_s).limit_denominator(90_000) for time_s in self.real.track.times_s]
        return self.face.shape.inverse_transform(coefficients_at(listener, samples, times), self.turns)


def _recording(video: Path, cache: Path) -> tuple[Recording, np.ndarray]:
    info = probe(video)
    samples = read_audio(video)
    path = cache / f"{video.parent.name}-{video.stem}.safetensors"
    if path.exists():
        track = FaceTrack(**load_file(path))
    else:
        track = watch(info, 0.5, lambda done: None, lambda message: print(message, file=sys.stderr))
        cache.mkdir(parents=True, exist_ok=True)
        save_file(track.arrays(), path)
    return Recording(info, track, mel_spectrogram(samples)), samples


def _words(path: Path) -> list[tuple[float, float, str]]:
    with path.open(newline="") as file:
        return [(float(row["start_s"]), float(row["end_s"]), row["word"]) for row in csv.DictReader(file)]


def _reached_closures(
    words: list[tuple[float, float, str]], times_s: np.ndarray, real: np.ndarray, said: np.ndarray
) -> float:
    """Share of the words beginning with b, p or m in which the real lips meet, whose lips meet here too."""
    reached = []
    for start_s, end_s, word in words:
        inside = (times_s >= start_s) & (times_s <= end_s)
        if word[0] in "bpm" and inside.any() and real[inside].min() < REALLY_CLOSED:
            reached.append(said[inside].min() <= real[inside].min() + REACHED)
    return float(np.mean(reached)) if reached else np.nan


def _is_silent(samples: np.ndarray, times_s: np.ndarray, around_s: float = 0.16) -> np.ndarray:
    """Frames in the midst of silence: nothing near them reaches a twentieth of the loud moments."""
    half = SAMPLE_RATE // 50
    level = np.array([np.sqrt(np.mean(samples[max(0, at - half) : at + half] ** 2) + 1e-12) for at in
                      (times_s * SAMPLE_RATE).astype(int)])  # fmt: skip
    quiet = level < 0.05 * np.quantile(level, 0.95)
    n_around = round(around_s / float(np.median(np.diff(times_s))))
    padded = np.pad(quiet, n_around, constant_values=False)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * n_around + 1).all(1)


def _other_sounds(samples: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    from scipy.signal import butter, sosfiltfilt

    yield "quiet", samples * 10 ** (-10 / 20)
    yield "telephone", sosfiltfilt(butter(4, (300, 3400), "band", fs=SAMPLE_RATE, output="sos"), samples).astype("f4")
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(len(samples)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 30), len(samples))
    yield "noise", (samples + pink * np.std(samples) / pink.std() * 10 ** (-15 / 20)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, metavar="TRAIN.mp4")
    parser.add_argument("held_out", type=Path, metavar="HELD_OUT.mp4")
    parser.add_argument("--words", type=Path, metavar="CSV", help="words of HELD_OUT, for the closures")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each row (%(default)s)")
    parser.add_argument("--only", metavar="TEXT", help="rows whose name or group holds TEXT")
    parser.add_argument("--cache", type=Path, default=Path("recordings/.tracks"), help="tracked faces (%(default)s)")
    arguments = parser.parse_args()
    bench = Bench(arguments.train, arguments.held_out, arguments.words, arguments.cache)
    columns: list[str] = []
    for trial in TRIALS:
        if arguments.only and arguments.only not in trial.name and arguments.only not in trial.group:
            continue
        runs = [bench.run(trial, seed) for seed in range(arguments.seeds)]
        if not columns:
            columns = list(runs[0])
            print("| | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
        cells = []
        for column in columns:
            values = np.array([run[column] for run in runs])
            digits = 1 if np.abs(values).max() >= 10 or column == "lag_ms" else 3
            spread = f" ± {values.std():.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.{digits}f}{spread}")
        print(f"| {trial.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
