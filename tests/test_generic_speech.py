"""The generic speech model that ships: whole, small, and a mouth for any voice."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from librosa import resample
from tracks import TrackOf, opening_of

from hygiesync.errors import InputError
from hygiesync.face.comparison import correlation
from hygiesync.media.audio import read_audio
from hygiesync.speech.mel import N_MELS, mel_spectrogram
from hygiesync.speech_to_shape.generic import GenericSpeech
from hygiesync.speech_to_shape.onnx_step import OnnxStep
from hygiesync.speech_to_shape.stream import SpeechToShapeStream, coefficients_at
from hygiesync.timing import SAMPLE_RATE
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.speech import Phoneme
from hygiesync.tts.visemes import CURVES
from hygiesync.weights import GENERIC_SPEECH

WORDS = "papaya, Bombay, mayhem, Pamela, bobbing, bamboo, pompom, Mumbai"
"""Words with closures between vowels; none of them is in the text that the model learnt from."""


@pytest.fixture(scope="module")
def speech() -> GenericSpeech:
    return GenericSpeech.load()


def listener_of(speech: GenericSpeech, early: int | None = None) -> SpeechToShapeStream:
    lookahead = speech.lookahead if early is None else speech.early_lookaheads[early]
    return SpeechToShapeStream(OnnxStep(speech.step, early), np.zeros(len(CURVES)), None, lookahead)


def spoken(text: str, voice: str) -> tuple[np.ndarray, tuple[Phoneme, ...]]:
    said = synthesise(text, voice)
    return resample(said.samples, orig_sr=said.sample_rate, target_sr=SAMPLE_RATE), said.phonemes


def opening_at(listener: SpeechToShapeStream, samples: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    return coefficients_at(listener, samples, [Fraction(t).limit_denominator(90_000) for t in times_s])[:, 0]


def one_line(error: pytest.ExceptionInfo) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_it_ships_and_says_what_it_hears(speech: GenericSpeech) -> None:
    assert (speech.lookahead, speech.early_lookaheads) == (8, (0, 4))
    assert len(speech.name) == 16
    predictor = OnnxStep(speech.step)
    assert predictor.n_components == len(CURVES)


def test_early_answers_are_there(speech: GenericSpeech) -> None:
    mel = np.random.default_rng(0).normal(-4, 1, (20, N_MELS)).astype(np.float32)
    answers = [OnnxStep(speech.step, early).push(mel) for early in (None, *range(len(speech.early_lookaheads)))]
    assert all(answer.shape == (20, len(CURVES)) for answer in answers)
    assert not np.allclose(answers[0], answers[1]) and not np.allclose(answers[1], answers[2])


@pytest.mark.parametrize("n_at_a_time", [1, 7, 100])
def test_streaming_equals_whole(speech: GenericSpeech, n_at_a_time: int) -> None:
    mel = mel_spectrogram(spoken("Bamboo.", "en")[0])
    whole = OnnxStep(speech.step).push(mel)
    streamed = OnnxStep(speech.step)
    parts = [streamed.push(mel[at : at + n_at_a_time]) for at in range(0, len(mel), n_at_a_time)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


# --- the mouth


@pytest.mark.parametrize(("voice", "least"), [("en", 0.9), ("en-us+f2", 0.85), ("de", 0.8), ("fr+m3", 0.7)])
def test_lips_part_in_vowels_and_meet_in_p_b_m(speech: GenericSpeech, voice: str, least: float) -> None:
    """French voices hum through a b as through a vowel, so some of theirs are missed."""
    samples, phonemes = spoken(WORDS, voice)
    wide = [p for p in phonemes if p.symbol.lstrip("ˈˌ")[0] in "aɑæ" and p.end_s - p.start_s > 0.06]
    closure_logit = [p for p in phonemes if p.symbol in ("p", "b", "m")]
    assert len(wide) >= 4 and len(closure_logit) >= 10
    times_s = np.arange(0, phonemes[-1].end_s, 0.01)
    opening = opening_at(listener_of(speech), samples, times_s)

    def within(phoneme: Phoneme) -> np.ndarray:
        return opening[(times_s >= phoneme.start_s - 0.02) & (times_s <= phoneme.end_s + 0.02)]

    assert np.median([within(p).max() for p in wide]) > 0.5
    reached = [within(p).min() < 0.05 for p in closure_logit]
    assert np.mean(reached) >= least, f"{sum(reached)} of {len(reached)}"


def test_the_words_are_new_to_it() -> None:
    from pydoc_data.topics import topics

    learnt = set(re.findall(r"[a-z]+", " ".join(topics.values()).lower()))
    assert not learnt & set(re.findall(r"[a-z]+", WORDS.lower()))


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_silence_is_rest(speech: GenericSpeech, level: float) -> None:
    """Digital silence, and a quiet room's noise: the mouth stays exactly at rest."""
    samples = level * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    times_s = np.arange(0.5, 1.9, 0.04)
    assert not opening_at(listener_of(speech), samples, times_s).any()


def test_after_speech_comes_rest(speech: GenericSpeech) -> None:
    samples, phonemes = spoken("Bamboo.", "en")
    heard = np.concatenate([samples, np.zeros(SAMPLE_RATE, np.float32)])
    times_s = np.arange(phonemes[-1].end_s + 0.2, phonemes[-1].end_s + 0.9, 0.04)
    assert not opening_at(listener_of(speech), heard, times_s).any()


def test_early_answers_follow_the_answer_proper(speech: GenericSpeech) -> None:
    samples, phonemes = spoken(WORDS, "en")
    times_s = np.arange(0.1, phonemes[-1].end_s, 0.02)
    main = opening_at(listener_of(speech), samples, times_s)
    for early in range(len(speech.early_lookaheads)):
        assert correlation(main, opening_at(listener_of(speech, early), samples, times_s)) > 0.7


@pytest.mark.slow
@pytest.mark.data
def test_a_real_speaker_that_it_never_heard(data: Path, track_of: TrackOf, speech: GenericSpeech) -> None:
    video = data / "grid" / "dev.mp4"
    track = track_of(video)
    opening = opening_at(listener_of(speech), read_audio(video), track.times_s)
    assert correlation(opening_of(track)[track.has_face], opening[track.has_face]) >= 0.65


# --- the file


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "speech_to_shape.onnx"
    content = GENERIC_SPEECH.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"speech_to_shape\.onnx.*make generic") as error:
        GenericSpeech.load(path)
    one_line(error)


@pytest.mark.parametrize("name", ["none.onnx", ""])
def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="make generic") as error:
        GenericSpeech.load(tmp_path / name)
    one_line(error)


def test_a_persons_step_is_no_generic_one(tmp_path: Path) -> None:
    import onnx

    model = onnx.load(GENERIC_SPEECH)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "step.onnx")
    with pytest.raises(InputError, match="generic") as error:
        GenericSpeech.load(tmp_path / "step.onnx")
    one_line(error)
