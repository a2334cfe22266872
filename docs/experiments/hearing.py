"""How well does a recipe hear people? One line a person, and one mean over people, that recipes are chosen by.

  python docs/experiments/hearing.py --people PEOPLE --grid TRAIN.mp4 --words WORDS.csv
      --dev DEV.mp4 --dev-words DEV.csv
  python docs/experiments/hearing.py --people PEOPLE --only whole --seeds 1

PEOPLE holds a folder for each person, with train.mp4 to learn from and held_out.mp4 to be measured on. Of TRAIN.mp4,
whose WORDS.csv (start_s,end_s,word) begins and ends each sentence with ``sil``, all sentences with one of `NEW_WORDS`
are left out of the training, and some others whose words are all known: a network that knows words by heart does well
on these, and badly on those. DEV.mp4, which says the same words as TRAIN.mp4, is told of and never in the mean.

Everything goes the way of an avatar: fit, offset, training, export, streams with the voice gate. What is compared with
are the landmarks as they were detected, not smoothed. Networks are asked about the moments that the *training* video's
offset says, and nothing is fitted to what is measured on. `ratio` is the lip distance against a mouth that never moves;
`closures` the share of b, p and m, where the words are known, in which the lips come as near as the real ones.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from hearing_videos import Film, HeldOut, Person, person_in, sentence_speaker

from hygiesync.building.job import DEFAULT_LOOKAHEAD_MS, EARLY_LOOKAHEADS
from hygiesync.building.learning_step import streaming_network, whole_network
from hygiesync.face.comparison import compare_lips
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import split
from hygiesync.learning.export_onnx import export_persons_window, export_step
from hygiesync.learning.metric import mouth_metric
from hygiesync.learning.settings import PRESETS, preset, whole_preset
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.train import TrainingRun, train_network
from hygiesync.speech_to_shape.generic import GenericSpeech
from hygiesync.speech_to_shape.hearing import sounds_of
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.onnx_window import OnnxWindow
from hygiesync.speech_to_shape.stream import SpeechStream, SpeechToShapeStream, coefficients_at
from hygiesync.speech_to_shape.whole import ANSWER_FRAMES, WholeRecordingStream
from hygiesync.timing import lookahead_frames

LOOKAHEAD = lookahead_frames(DEFAULT_LOOKAHEAD_MS)
GENERIC = GenericSpeech.load()
COLUMNS = ("opening", "width", "distance", "ratio", "lag_ms", "closures")


@dataclass(frozen=True)
class Recipe:
    """What is changed against the product.

    Attributes
    ----------
    name : str
    hears_all : bool
        Whether it is the network of whole recordings; else it is the streaming one.
    settings, augmentation, network : dict
        Fields of :class:`TrainingSettings`, :class:`Augmentation` and of the network's sizes.
    preset : str
    has_encoder : bool
        Whether a streaming network begins as the speech encoder.
    has_sounds : bool
        Whether a network of whole recordings hears the generic model's sounds beside the mel frames.
    """

    name: str
    hears_all: bool
    settings: dict[str, object] = field(default_factory=dict)
    augmentation: dict[str, float] = field(default_factory=dict)
    network: dict[str, object] = field(default_factory=dict)
    preset: str = "balanced"
    has_encoder: bool = True
    has_sounds: bool = True


RECIPES = (
    Recipe("whole", hears_all=True),
    Recipe("whole, mel frames alone", hears_all=True, has_sounds=False),
    Recipe("whole, one network", hears_all=True, settings={"n_networks": 1}),
    Recipe("live", hears_all=False),
    Recipe("whole, width 64", hears_all=True, network={"conv_width": 64, "lstm_width": 64}),
    Recipe("whole, width 128", hears_all=True, network={"conv_width": 128, "lstm_width": 128}),
    Recipe("whole, twice the steps", hears_all=True, settings={"n_epochs": 48}),
    Recipe("whole, grain .3", hears_all=True, augmentation={"grain": 0.3}),
    Recipe("live, no encoder", hears_all=False, has_encoder=False),
    Recipe("live, grain .5", hears_all=False, augmentation={"grain": 0.5}),
    Recipe("live, grain .5, dropout .3", hears_all=False, augmentation={"grain": 0.5}, network={"dropout": 0.3}),
    Recipe(
        "live, small",
        hears_all=False,
        settings={"n_networks": 1},
        augmentation={"grain": 0.5},
        network={"conv_width": 64, "lstm_width": 96, "dropout": 0.3},
        has_encoder=False,
    ),
    *(Recipe(f"{kind}, preset {name}", kind == "whole", preset=name) for kind in ("whole", "live") for name in PRESETS),
)


def streams(person: Person, recipe: Recipe, seed: int) -> Iterator[tuple[str, SpeechStream]]:
    """Streams of the networks that `recipe` makes of a person, by how far they hear."""
    run = trained(person, recipe, seed)
    if recipe.hears_all:
        window = exported(run, partial(export_persons_window, generic=GENERIC.window))
        yield "all", WholeRecordingStream(OnnxWindow(window), person.rest, person.background)
        return
    step = exported(run, export_step)
    yield "80 ms", SpeechToShapeStream(OnnxStep(step), person.rest, person.background, LOOKAHEAD)
    for number, lookahead in enumerate(EARLY_LOOKAHEADS):
        stream = SpeechToShapeStream(OnnxStep(step, number), person.rest, person.background, lookahead)
        yield f"{10 * lookahead} ms", stream


def trained(person: Person, recipe: Recipe, seed: int) -> TrainingRun:
    """The network of a recipe."""
    clip, shape = person.clip(ANSWER_FRAMES if recipe.hears_all else LOOKAHEAD), person.face.shape
    early = tuple(LOOKAHEAD - lookahead for lookahead in EARLY_LOOKAHEADS)
    if recipe.hears_all and recipe.has_sounds:
        clip = clip.with_sounds(sounds_of(OnnxWindow(GENERIC.window), clip.mel))
    settings = (whole_preset if recipe.hears_all else preset)(recipe.preset, seed, len(clip))
    sizes = (
        whole_network(shape.n_components, len(clip), clip.n_sounds)
        if recipe.hears_all
        else streaming_network(shape.n_components, len(clip), early)
    )
    settings = replace(settings, **recipe.settings)
    return train_network(
        *split([clip]),
        mouth_metric(shape),
        replace(sizes, **recipe.network),
        replace(settings, augmentation=replace(settings.augmentation, **recipe.augmentation)),
        aperture=Aperture.fit(shape, person.face.usable_coefficients),
        encoder=SpeechEncoder.load() if recipe.has_encoder and not recipe.hears_all else None,
    )


def exported(run: TrainingRun, export: object) -> bytes:
    """A network as it stands in an avatar."""
    with tempfile.TemporaryDirectory() as folder:
        export(run.network, Path(folder) / "network.onnx")  # type: ignore[operator]
        return (Path(folder) / "network.onnx").read_bytes()


def measured(stream: SpeechStream, person: Person, held_out: HeldOut) -> dict[str, float]:
    """The columns of a table's row."""
    times_s = held_out.film.track.times_s
    heard = [Fraction(time_s + person.recording.sound_late_s).limit_denominator(90_000) for time_s in times_s]
    answer = coefficients_at(stream, held_out.film.samples, heard)
    shapes, is_seen = person.face.shape.inverse_transform(answer, held_out.turns), held_out.is_seen
    lips = compare_lips(held_out.shapes[is_seen], shapes[is_seen], float(np.median(np.diff(times_s))))
    ratio = lips.lip_distance_pct / held_out.still_pct
    values = (lips.opening_correlation, lips.width_correlation, lips.lip_distance_pct, ratio, lips.lag_ms)
    return dict(zip(COLUMNS, (*values, held_out.closures(shapes)), strict=True))


def table(people: list[Person], recipe: Recipe, n_seeds: int) -> Iterator[str]:
    """Lines about one recipe: every person's, the mean of the seeds, and the mean over people without ``dev``."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for person in people:
        for seed in range(n_seeds):
            for hears, stream in streams(person, recipe, seed):
                for held_out in person.held_out:
                    rows.setdefault((hears, held_out.name), []).append(measured(stream, person, held_out))
        for (hears, name), runs in rows.items():
            if name in {held_out.name for held_out in person.held_out}:
                yield line(f"{recipe.name} ({hears})", f"{name}, sound {person.offset.in_words}", runs)
    for hears in dict.fromkeys(hears for hears, _ in rows):
        means = [mean_of(runs) for (other, name), runs in rows.items() if other == hears and name != "dev"]
        yield line(f"**{recipe.name} ({hears})**", "**mean**", means)


def mean_of(runs: list[dict[str, float]]) -> dict[str, float]:
    """Each column's mean over what is known of it."""
    columns = {name: np.array([run[name] for run in runs]) for name in COLUMNS}
    return {name: float(np.nanmean(v)) if np.isfinite(v).any() else np.nan for name, v in columns.items()}


def line(recipe: str, who: str, runs: list[dict[str, float]]) -> str:
    """A table's line."""
    cells = [f"{value:.{1 if name == 'lag_ms' else 3}f}" for name, value in mean_of(runs).items()]
    return f"| {recipe} | {who} | " + " | ".join(cells) + " |"


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, help="folder with a folder for each person")
    parser.add_argument("--grid", type=Path, metavar="TRAIN.mp4", help="sentences of one person; needs --words")
    parser.add_argument("--words", type=Path, metavar="CSV", help="words of TRAIN.mp4")
    parser.add_argument("--dev", type=Path, metavar="DEV.mp4", help="more of the same person: told, never chosen by")
    parser.add_argument("--dev-words", type=Path, metavar="CSV")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each recipe (%(default)s)")
    parser.add_argument("--only", metavar="RECIPE", help="recipes whose name begins so (all)")
    parser.add_argument("--cache", type=Path, default=Path("recordings/.tracks"), help="tracked faces (%(default)s)")
    asked = parser.parse_args(arguments)
    if asked.people is None and asked.grid is None:
        parser.error("give --people, --grid or both")
    if asked.grid is not None and asked.words is None:
        parser.error("--grid needs --words")
    people = [person_in(video.parent, asked.cache) for video in sorted((asked.people or Path()).glob("*/train.mp4"))]
    if asked.grid is not None:
        dev = Film.read(asked.dev, asked.dev_words, asked.cache) if asked.dev else None
        people.append(sentence_speaker(Film.read(asked.grid, asked.words, asked.cache), dev))
    print("| recipe | who | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 2))
    for recipe in RECIPES:
        if recipe.name.startswith(asked.only or ""):
            for one in table(people, recipe, asked.seeds):
                print(one, flush=True)


if __name__ == "__main__":
    main()
