"""``make generic``: what is in hygiesync/weights, made again from nothing but synthetic voices."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from hygiesync.apps.progress_bars import StageBars
from hygiesync.building.job import DEFAULT_LOOKAHEAD_MS, EARLY_LOOKAHEADS
from hygiesync.errors import HygieSyncError
from hygiesync.learning.export_onnx import export_step
from hygiesync.learning.half_precision import to_half_precision
from hygiesync.learning.loop import History, ProgressCallback
from hygiesync.learning.pretrain_encoder import PretrainingSettings, pretrain
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import Corpus, speak_as_flite, synthesise_corpus
from hygiesync.learning.synthetic_voices import LOSS, TOLD_SHARE
from hygiesync.learning.train_generic import GenericSettings, train_generic
from hygiesync.speech_to_shape.generic import GenericSpeech, hearing_metadata
from hygiesync.timing import lookahead_frames, mel_frames_to_time
from hygiesync.tts.flite import find_flite
from hygiesync.tts.relaxed_visemes import natural_curves
from hygiesync.weights import GENERIC_SPEECH, SPEECH_ENCODER

N_UTTERANCES, N_FLITE_UTTERANCES = 1600, 900
"""Some 100 minutes of speech, and an hour."""

_SPEECH_SEED = 1
"""Other sentences than the encoder's."""


def main() -> None:
    """Synthesise the speech, train both, write them."""
    parser = argparse.ArgumentParser("python -m hygiesync.apps.make_generic", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=SPEECH_ENCODER.parent, metavar="FOLDER", help="to write to (%(default)s)"
    )
    parser.add_argument("--only", choices=("encoder", "generic"), help="make one of them")
    parser.add_argument("--utterances", type=int, metavar="N", help="sentences of each synthesiser")
    parser.add_argument("--epochs", type=int, metavar="N", help="of training")
    arguments = parser.parse_args()
    try:
        if arguments.only != "encoder":
            find_flite()
        _make(arguments)
    except HygieSyncError as error:
        parser.exit(error.exit_code, f"make generic: {error}\n")


def _make(arguments: argparse.Namespace) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    lookahead = lookahead_frames(DEFAULT_LOOKAHEAD_MS)
    if arguments.only != "generic":
        _make_encoder(
            arguments.out,
            lookahead,
            arguments.utterances or N_UTTERANCES,
            arguments.epochs or PretrainingSettings.n_epochs,
        )
    if arguments.only != "encoder":
        n_espeak, n_flite = (arguments.utterances or n for n in (N_UTTERANCES, N_FLITE_UTTERANCES))
        _make_speech(arguments.out, lookahead, n_espeak, n_flite, arguments.epochs or GenericSettings.n_epochs)


def _make_encoder(folder: Path, lookahead: int, n_utterances: int, n_epochs: int) -> None:
    with StageBars() as bars:
        corpus = synthesise_corpus(n_utterances, lookahead, progress=_count(bars, "espeak speaks", n_utterances))
        encoder = pretrain(corpus, PretrainingSettings(n_epochs=n_epochs), _tell(bars))
    path = folder / SPEECH_ENCODER.name
    partial = path.with_suffix(".partial")
    encoder.save(partial)
    partial.replace(path)
    print(f"{path}: encoder {encoder.name}, trained on {_minutes(corpus):.0f} minutes of synthetic speech")


def _make_speech(folder: Path, lookahead: int, n_espeak: int, n_flite: int, n_epochs: int) -> None:
    own = folder / SPEECH_ENCODER.name
    encoder = SpeechEncoder.load(own if own.exists() else SPEECH_ENCODER)
    early = tuple(n for n in EARLY_LOOKAHEADS if n < lookahead)
    with StageBars() as bars:
        count = _count(bars, "flite speaks", n_flite)
        flite = synthesise_corpus(n_flite, lookahead, _SPEECH_SEED, count, speak_as_flite, natural_curves)
        count = _count(bars, "espeak speaks", n_espeak)
        espeak = synthesise_corpus(n_espeak, lookahead, _SPEECH_SEED, count, lips=natural_curves)
        corpus = Corpus.joined([espeak, flite])
        network = train_generic(
            corpus,
            tuple(lookahead - n for n in early),
            GenericSettings(n_epochs=n_epochs),
            encoder,
            _tell(bars),
        )
    path = folder / GENERIC_SPEECH.name
    partial = path.with_suffix(".partial")
    export_step(network, partial)
    to_half_precision(partial, hearing_metadata(lookahead, early))
    partial.replace(path)
    name = GenericSpeech.load(path).name
    print(f"{path}: speech model {name}, trained on {_minutes(corpus):.0f} minutes of synthetic speech")


def _count(bars: StageBars, stage: str, total: int) -> Callable[[int], None]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        bars(stage, done, total)

    return count


def _tell(bars: StageBars) -> ProgressCallback:
    def tell(n_done: int, n_epochs: int, history: History) -> None:
        bars("learning", n_done, n_epochs, f"loss {history[LOSS][-1]:.2f}, {history[TOLD_SHARE][-1]:.0%} of the sounds")

    return tell


def _minutes(corpus: Corpus) -> float:
    return float(mel_frames_to_time(len(corpus.mel))) / 60


if __name__ == "__main__":
    main()
