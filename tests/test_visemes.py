"""Mouth curves: lips that really close, vowels that really open, and neither early nor late."""

import numpy as np
import pytest

from hygiesync.synthetic.talker import HELD_OUT, SENTENCES
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.speech import PAUSE, Phoneme, Speech
from hygiesync.tts.visemes import TONGUE, VISEMES, closures, mouth_curves, visemes

FRAME_S = 0.04


@pytest.fixture(scope="module")
def speech() -> Speech:
    return synthesise("Bob may buy my papa a big map. Five warm shoes, two far spas.", "en+f3")


def bilabials(speech: Speech) -> list[Phoneme]:
    return [phoneme for phoneme in speech.phonemes if phoneme.symbol in ("p", "b", "m")]


def test_marks_are_dropped_and_diphthongs_are_two() -> None:
    assert visemes("ˈiː") == (VISEMES["i"],)
    assert visemes("ˌəʊ") == (VISEMES["ə"], VISEMES["ʊ"])
    assert visemes("tʃ") == (VISEMES["t"], VISEMES["ʃ"])
    assert visemes("ɔ̃") == (VISEMES["ɔ"],)
    assert visemes(PAUSE) == (VISEMES[PAUSE],)
    assert visemes("ǃ") == (TONGUE,)


def test_every_sound_of_the_talker_is_in_the_table() -> None:
    symbols = {
        sound.symbol for text in (" ".join(SENTENCES), " ".join(HELD_OUT)) for sound in synthesise(text).phonemes
    }
    assert len(symbols) > 40
    assert {letter for symbol in symbols for letter in symbol.strip("ˈˌ").replace("ː", "")} <= set(VISEMES)


def test_lips_touch_in_every_p_b_m(speech: Speech) -> None:
    sounds = bilabials(speech)
    assert len(sounds) >= 9
    for sound in sounds:
        span = np.linspace(sound.start_s, sound.end_s, 50)
        assert mouth_curves(speech.phonemes, span)[:, 0].min() == 0


@pytest.mark.parametrize("phase_s", [0.0, 0.01, 0.02, 0.03])
def test_no_video_frame_rate_misses_a_closure(speech: Speech, phase_s: float) -> None:
    times = np.arange(phase_s, speech.duration_s, FRAME_S)
    opening = mouth_curves(speech.phonemes, times)[:, 0]
    for start, end in closures(speech.phonemes):
        assert opening[(times >= start - 1e-9) & (times <= end + 1e-9)].max(initial=0) == 0
    for sound in bilabials(speech):
        near = np.abs(times - (sound.start_s + sound.end_s) / 2) < (sound.end_s - sound.start_s) / 2 + FRAME_S
        assert opening[near].min() == 0


def test_mouth_rests_in_silence_and_outside_speech(speech: Speech) -> None:
    pause = max((sound for sound in speech.phonemes if sound.symbol == PAUSE), key=lambda s: s.end_s - s.start_s)
    times = np.array([-3.0, pause.start_s + 0.12, pause.end_s - 0.08, speech.duration_s + 0.5])
    assert np.abs(mouth_curves(speech.phonemes, times)[:, 0]).max() == 0
    np.testing.assert_allclose(mouth_curves((), times), 0, atol=1e-12)


def test_shapes_are_those_of_the_sounds(speech: Speech) -> None:
    def at(symbol: str) -> np.ndarray:
        sound = next(sound for sound in speech.phonemes if sound.symbol.strip("ˈˌ") == symbol)
        return mouth_curves(speech.phonemes, np.array([(sound.start_s + sound.end_s) / 2]))[0]

    opening, width, tuck = at("ɑː")
    assert opening > 0.7 and abs(width) < 0.3 and tuck < 0.1
    assert at("uː")[1] < -0.8 and at("uː")[0] < 0.35
    assert at("ʃ")[1] < -0.5
    assert at("f")[2] > 0.7


def test_curves_stay_in_range_and_move_smoothly(speech: Speech) -> None:
    curves = mouth_curves(speech.phonemes, np.arange(-0.5, speech.duration_s + 0.5, 0.001))
    assert curves[:, [0, 2]].min() >= 0 and curves[:, [0, 2]].max() <= 1
    assert np.abs(curves[:, 1]).max() <= 1
    assert np.abs(np.diff(curves, axis=0)).max() < 0.05


def test_opening_is_neither_early_nor_late(speech: Speech) -> None:
    times = np.arange(-0.5, speech.duration_s + 0.5, 0.005)
    opening = mouth_curves(speech.phonemes, times)[:, 0]
    wanted = np.zeros(len(times))
    for sound in speech.phonemes:
        wanted[(times >= sound.start_s) & (times < sound.end_s)] = np.mean([v.opening for v in visemes(sound.symbol)])
    lags = np.arange(-20, 21)
    likeness = [np.corrcoef(np.roll(opening, lag)[30:-30], wanted[30:-30])[0, 1] for lag in lags]
    assert max(likeness) > 0.85
    assert abs(lags[int(np.argmax(likeness))]) <= 2


def test_a_time_gets_the_same_shape_in_any_company(speech: Speech) -> None:
    times = np.linspace(0, speech.duration_s, 40)
    together = mouth_curves(speech.phonemes, times)
    alone = np.concatenate([mouth_curves(speech.phonemes, times[[index]]) for index in range(len(times))])
    np.testing.assert_allclose(together, alone, atol=1e-12)
