"""How the generic speech model is made: its lips, its rooms, its training, and the file at half precision."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from simple_corpus import three_sounds

from hygiesync.learning.augment import in_rooms, other_tract
from hygiesync.learning.compact_weights import to_half_precision
from hygiesync.learning.export_onnx import export_step
from hygiesync.learning.synthetic_corpus import SOUNDS, Corpus, speak_as_flite, synthesise_corpus
from hygiesync.learning.train_generic import GenericSettings, train_generic
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.generic import GenericSpeech, hearing_metadata
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.tts.relaxed_visemes import RELAXED_VISEMES, natural_curves
from hygiesync.tts.speech import PAUSE, Phoneme
from hygiesync.tts.visemes import CURVES, VISEMES, mouth_curves

pytestmark = pytest.mark.usefixtures("one_thread")

EARLY = (6, 2)
SHORT = GenericSettings(n_epochs=1, steps_per_epoch=2, batch_size=2, window=40, warm_up=5)
PAPA = [Phoneme(PAUSE, 0.0, 0.3)] + [Phoneme("pɑ"[n % 2], 0.3 + 0.1 * n, 0.4 + 0.1 * n) for n in range(4)]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return three_sounds()


# --- lips


def test_natural_lips_meet_when_distinct_ones_do_and_open_further_between() -> None:
    times = np.linspace(0, 0.8, 161)
    distinct, natural = mouth_curves(PAPA, times), natural_curves(PAPA, times)
    meet = [np.abs(times - (p.start_s + 0.45 * (p.end_s - p.start_s))).argmin() for p in PAPA if p.symbol == "p"]
    assert not distinct[meet, 0].any() and not natural[meet, 0].any()
    assert natural[:, 0].max() <= 1.0 and not natural[times < 0.2, 0].any()


def test_sounds_of_the_tongue_take_the_lips_of_the_vowels_around_them() -> None:
    def opening_of(vowel: str) -> float:
        phonemes = [Phoneme(symbol, 0.1 * n, 0.1 * (n + 1)) for n, symbol in enumerate(f"{vowel}t{vowel}")]
        return float(natural_curves(phonemes, np.array([0.15]))[0, 0])

    assert opening_of("ɑ") > opening_of("i") > opening_of("u")


def test_rounded_lips_are_as_narrow_as_before() -> None:
    for letter, viseme in VISEMES.items():
        natural = RELAXED_VISEMES[letter]
        assert viseme.opening <= natural.opening <= 1.0
        assert natural.width == viseme.width and natural.tuck == viseme.tuck
    assert RELAXED_VISEMES["w"].opening == VISEMES["w"].opening
    assert RELAXED_VISEMES["i"].opening > 1.4 * VISEMES["i"].opening


# --- what is heard


def test_rooms_give_back_power_after_the_sound_and_never_before() -> None:
    quiet = np.full((8, 60, N_MELS), -6.0, np.float32)
    mel = quiet.copy()
    mel[:, 20:25] = -1.0
    heard, heard_quiet = (in_rooms(sound, 1.0, np.random.default_rng(0)) for sound in (mel, quiet))
    np.testing.assert_array_equal(heard[:, :20], heard_quiet[:, :20])
    after = (heard - heard_quiet)[:, 25:]
    assert (after[:, 0] > 0.5).all()
    assert (np.diff(after, axis=1) < 1e-4).all(), "it dies away"
    np.testing.assert_array_equal(in_rooms(mel, 0.0, np.random.default_rng(0)), mel)


def test_another_throat_moves_the_bands_and_not_the_times() -> None:
    mel = np.full((20, 10, N_MELS), -6.0, np.float32)
    mel[:, 4, 40] = 0.0
    heard = other_tract(mel, 0.1, np.random.default_rng(0))
    assert (heard[:, [0, 9]] == -6).all()
    assert len(set(heard[:, 4].argmax(1))) > 5


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flites_voices_say_where_their_sounds_are() -> None:
    from hygiesync.tts.flite import FLITE_VOICES, synthesise_with_flite

    for voice in FLITE_VOICES:
        speech = synthesise_with_flite("My baby, up above a big map.", voice, 1.2)
        assert abs(speech.phonemes[-1].end_s - speech.duration_s) < 0.01
        power = np.array(
            [
                np.mean(speech.samples[int(16_000 * p.start_s) : int(16_000 * p.end_s)] ** 2)
                for p in speech.phonemes
                if p.symbol in (PAUSE, "aɪ", "æ")
            ]
        )
        is_pause = np.array([p.symbol == PAUSE for p in speech.phonemes if p.symbol in (PAUSE, "aɪ", "æ")])
        assert power[~is_pause].min() > 10 * power[is_pause].max()
    made = synthesise_corpus(2, 8, speaker=speak_as_flite, lips=natural_curves)
    assert len(made.mel) == len(made.curves) == len(made.sounds) > 100


def test_a_missing_flite_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from hygiesync.apps.make_generic import main

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["generic", "--only", "generic", "--out", str(tmp_path / "models")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 4
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "apt install flite" in error
    assert not (tmp_path / "models").exists()


# --- training


@pytest.mark.slow
def test_all_heads_learn_when_lips_part(corpus: Corpus) -> None:
    told: list[tuple[int, int]] = []
    settings = replace(
        SHORT, n_epochs=4, steps_per_epoch=50, batch_size=6, tract_std=0.0, room_share=0.0, eagerness=0.0
    )
    network = train_generic(corpus, (2,), settings, progress=lambda n_done, n_all, _: told.append((n_done, n_all)))
    assert told == [(n, 4) for n in (1, 2, 3, 4)]
    with torch.no_grad():
        main, early, _ = network.predict(torch.from_numpy(corpus.mel)[None])
    assert main.shape == (1, len(corpus.mel), len(CURVES))
    for answer, later in ((main, 0), (early[0], 2)):
        opening, wanted = answer[0, : len(corpus.mel) - later, 0].numpy(), corpus.curves[later:, 0]
        assert np.median(opening[wanted > 0]) > 0.4
        assert np.median(opening[wanted == 0]) < 0.1


def test_the_same_seed_gives_the_same_model(corpus: Corpus) -> None:
    first = train_generic(corpus, EARLY, SHORT).state_dict()
    torch.manual_seed(9)
    again = train_generic(corpus, EARLY, SHORT).state_dict()
    other = train_generic(corpus, EARLY, replace(SHORT, seed=3)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])
    assert first["head.weight"].shape[0] == (1 + len(EARLY)) * (len(CURVES) + 1)


@pytest.mark.slow
def test_half_precision_costs_half_and_answers_alike(tmp_path: Path, corpus: Corpus) -> None:
    network = train_generic(corpus, EARLY, SHORT)
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    export_step(network, whole)
    shutil.copy(whole, half)
    to_half_precision(half, hearing_metadata(6, (0, 4)))
    assert half.stat().st_size < 0.52 * whole.stat().st_size
    speech = GenericSpeech.load(half)
    assert (speech.lookahead, speech.early_lookaheads) == (6, (0, 4))
    answers = [OnnxStep(step).push(corpus.mel) for step in (whole.read_bytes(), speech.step)]
    np.testing.assert_allclose(answers[1], answers[0], atol=5e-3)
    with torch.no_grad():
        expected = network(torch.from_numpy(corpus.mel)[None])[0][0].numpy()
    np.testing.assert_allclose(answers[0], expected, atol=1e-4)


@pytest.mark.slow
def test_weights_beyond_half_precision_are_not_stored(tmp_path: Path, corpus: Corpus) -> None:
    network = train_generic(corpus, EARLY, SHORT)
    with torch.no_grad():
        network.lstm.get_parameter("weight_hh_l0")[0, 0] = 1e6
    export_step(network, tmp_path / "step.onnx")
    with pytest.raises(ValueError, match="half precision"):
        to_half_precision(tmp_path / "step.onnx", {})


def test_the_corpus_knows_all_sounds(corpus: Corpus) -> None:
    assert corpus.sounds.max() < len(SOUNDS)
    both = Corpus.joined([corpus, corpus])
    assert len(both.mel) == 2 * len(corpus.mel)
