"""Speech with phoneme times: in order, where they are heard, and the same every time."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hygiesync.errors import InputError, MissingDependencyError, UsageError
from hygiesync.timing import time_to_samples
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.speech import PAUSE, Phoneme, Speech

TEXT = "Bob, please move the vanilla cheese. My papa bought a pretty box."


@pytest.fixture(scope="module")
def speech() -> Speech:
    return synthesise(TEXT)


def loudness(speech: Speech, start_s: float, end_s: float) -> float:
    start, end = (time_to_samples(time, speech.sample_rate) for time in (start_s, end_s))
    return float(np.sqrt(np.mean(speech.samples[start:end] ** 2)))


def of(speech: Speech, symbol: str) -> list[Phoneme]:
    return [phoneme for phoneme in speech.phonemes if phoneme.symbol.strip("ˈˌ") == symbol]


def test_samples_are_mono_float_speech(speech: Speech) -> None:
    assert speech.samples.dtype == np.float32 and speech.samples.ndim == 1
    assert speech.sample_rate == 22050
    assert 0.1 < np.abs(speech.samples).max() <= 1
    assert 2 < speech.duration_s < 8


def test_phonemes_cover_the_audio_in_order_without_gaps(speech: Speech) -> None:
    assert speech.phonemes[0].start_s == 0
    assert speech.phonemes[-1].end_s == pytest.approx(speech.duration_s, abs=1e-9)
    for before, after in zip(speech.phonemes, speech.phonemes[1:], strict=False):
        assert before.start_s < before.end_s == after.start_s


def test_phonemes_are_those_of_the_text(speech: Speech) -> None:
    symbols = [phoneme.symbol.strip("ˈˌ") for phoneme in speech.phonemes]
    assert symbols[:4] == ["b", "ɒ", "b", PAUSE]
    assert symbols.count("v") == 2 and "tʃ" in symbols and "iː" in symbols


def test_pauses_are_silent_and_vowels_are_loud(speech: Speech) -> None:
    pauses = [phoneme for phoneme in of(speech, PAUSE) if phoneme.end_s - phoneme.start_s > 0.15]
    assert len(pauses) == 2
    vowels = [loudness(speech, vowel.start_s, vowel.end_s) for vowel in (*of(speech, "ɑː"), *of(speech, "iː"))]
    for pause in pauses:
        assert loudness(speech, pause.start_s + 0.03, pause.end_s - 0.03) < 0.01 * min(vowels)


@pytest.mark.parametrize("voice", ["en", "en-us", "en+f3"])
def test_a_voiceless_stop_begins_with_its_closure_and_not_at_its_burst(voice: str) -> None:
    speech = synthesise("My papa took a paper cup.", voice)
    stops = of(speech, "p")
    assert len(stops) >= 4
    for stop in stops:
        assert stop.end_s - stop.start_s > 0.06
        closure = loudness(speech, stop.start_s, stop.start_s + 0.025)
        assert closure < 0.1 * loudness(speech, stop.start_s - 0.06, stop.start_s - 0.01)


def test_same_text_same_speech_whatever_was_said_before(speech: Speech) -> None:
    synthesise("Something else entirely.", "fr")
    again = synthesise(TEXT)
    np.testing.assert_array_equal(again.samples, speech.samples)
    assert again.phonemes == speech.phonemes


@pytest.mark.slow
def test_breath_noise_does_not_depend_on_the_time_of_day() -> None:
    before = synthesise("Papa.", "en+f3")
    time.sleep(1.1)  # whole seconds are the seed, where there is none
    np.testing.assert_array_equal(synthesise("Papa.", "en+f3").samples, before.samples)


def test_threads_do_not_disturb_each_other(speech: Speech) -> None:
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(synthesise, [TEXT] * 4):
            np.testing.assert_array_equal(other.samples, speech.samples)


def test_options_are_heard(speech: Speech) -> None:
    assert synthesise(TEXT, words_per_minute=220).duration_s < 0.85 * speech.duration_s
    assert not np.array_equal(synthesise(TEXT, pitch=80).samples, speech.samples)
    assert [phoneme.symbol for phoneme in synthesise("bonjour", "fr").phonemes][:2] == ["b", "ɔ̃"]


@pytest.mark.parametrize("text", ["", "  \n", "..."])
def test_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="at least one word"):
        synthesise(text)


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="klingonish"):
        synthesise("Hello.", "klingonish")


@pytest.mark.parametrize("options", [{"words_per_minute": 79}, {"words_per_minute": 1000}, {"pitch": 101}])
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"expected \d+ to \d+"):
        synthesise("Hello.", "en", **options)


def test_without_espeakng_loader_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingDependencyError, match="pip install espeakng-loader"):
        synthesise("Hello.")
