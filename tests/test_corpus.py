"""The synthetic corpus: every frame knows what is spoken in it, and what a mouth would do."""

import numpy as np
import pytest

from hygiesync.learning.synthetic_corpus import (
    ENGLISH_VOICES,
    OTHER_VOICES,
    SOUNDS,
    VARIANTS,
    Corpus,
    sounds_at,
    synthesise_corpus,
)
from hygiesync.speech.mel import N_MELS
from hygiesync.tts.speech import PAUSE, Phoneme
from hygiesync.tts.visemes import CURVES, VISEMES

LOOKAHEAD = 8


def names_at(phonemes: list[Phoneme], times_s: list[float]) -> list[str]:
    return [SOUNDS[index] for index in sounds_at(phonemes, np.array(times_s))]


def test_each_time_has_the_sound_that_is_spoken_then() -> None:
    phonemes = [Phoneme("m", 0.0, 0.1), Phoneme("ˈɑː", 0.1, 0.3), Phoneme(PAUSE, 0.3, 0.5), Phoneme("s", 0.5, 0.6)]
    times_s = [0.0, 0.099, 0.1, 0.2, 0.299, 0.3, 0.4, 0.5, 0.599]
    assert names_at(phonemes, times_s) == ["m", "m", "ɑ", "ɑ", "ɑ", PAUSE, PAUSE, "s", "s"]


def test_before_between_and_after_there_is_a_pause() -> None:
    phonemes = [Phoneme("p", 0.2, 0.3), Phoneme("b", 0.5, 0.6)]
    assert names_at(phonemes, [-0.05, 0.1, 0.25, 0.4, 0.55, 0.6, 3.0]) == [PAUSE, PAUSE, "p", PAUSE, "b", PAUSE, PAUSE]


def test_parts_of_a_diphthong_share_its_span() -> None:
    assert names_at([Phoneme("ˈəʊ", 1.0, 1.2)], [1.0, 1.09, 1.11, 1.19]) == ["ə", "ə", "ʊ", "ʊ"]
    assert names_at([Phoneme("tʃ", 0.0, 0.1)], [0.02, 0.08]) == ["t", "ʃ"]


def test_marks_change_no_sound_and_strange_letters_are_others() -> None:
    assert names_at([Phoneme("ɔ̃", 0.0, 0.1), Phoneme("ǃ", 0.1, 0.2)], [0.05, 0.15]) == ["ɔ", "other"]


def test_sounds_are_an_index_of_their_own_kind() -> None:
    assert len(set(SOUNDS)) == len(SOUNDS) == len(VISEMES) + 1
    assert PAUSE in SOUNDS
    assert sounds_at([], np.zeros(3)).dtype == np.int64


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    pytest.importorskip("espeakng_loader")
    return synthesise_corpus(3, LOOKAHEAD, seed=2)


def test_a_corpus_is_labelled_frame_by_frame(corpus: Corpus) -> None:
    n_frames = len(corpus.mel)
    assert n_frames > 300
    assert corpus.mel.shape == (n_frames, N_MELS)
    assert corpus.curves.shape == (n_frames, len(CURVES))
    assert corpus.sounds.shape == (n_frames,)
    assert [corpus.mel.dtype, corpus.curves.dtype] == [np.dtype(np.float32)] * 2
    assert corpus.sounds.dtype == np.int64
    assert 0 <= corpus.sounds.min() <= corpus.sounds.max() < len(SOUNDS)
    assert len(np.unique(corpus.sounds)) > 12
    assert corpus.curves[:, 0].max() > 0.4


def test_the_same_seed_speaks_the_same(corpus: Corpus) -> None:
    n_done: list[int] = []
    again = synthesise_corpus(3, LOOKAHEAD, seed=2, progress=n_done.append)
    for name in ("mel", "curves", "sounds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(corpus, name))
    assert n_done == [1, 1, 1]
    other = synthesise_corpus(1, LOOKAHEAD, seed=3)
    assert len(other.mel) > 50
    assert not np.array_equal(other.mel[:50], corpus.mel[:50])


def test_fewer_utterances_are_the_first_of_more(corpus: Corpus) -> None:
    first = synthesise_corpus(1, LOOKAHEAD, seed=2)
    np.testing.assert_array_equal(first.mel, corpus.mel[: len(first.mel)])


def well_within(is_true: np.ndarray, margin: int) -> np.ndarray:
    return np.convolve(~is_true, np.ones(2 * margin + 1), "same") == 0


def test_mouths_are_closed_in_pauses_and_bilabials_but_not_in_vowels(corpus: Corpus) -> None:
    opening = corpus.curves[:, 0]
    in_pause = well_within(corpus.sounds == SOUNDS.index(PAUSE), 11)
    assert in_pause.sum() > 20
    assert opening[in_pause].max() == 0
    is_open_vowel = np.isin(corpus.sounds, [SOUNDS.index(letter) for letter in "aɑæɐʌɔɛ"])
    assert opening[is_open_vowel].mean() > 0.35
    is_bilabial = np.isin(corpus.sounds, [SOUNDS.index(letter) for letter in "pbm"])
    assert is_bilabial.any()
    assert opening[is_bilabial].mean() < 0.15


def test_the_sound_comes_as_much_later_as_the_lookahead_allows(corpus: Corpus) -> None:
    """What is heard at a frame is what is spoken `LOOKAHEAD` frames later, up to the window that hears it."""
    loudness = corpus.mel.mean(1)
    is_spoken = (corpus.sounds != SOUNDS.index(PAUSE)).astype(float)
    likeness = [
        np.corrcoef(loudness[30 - shift : len(loudness) - 30 - shift], is_spoken[30:-30])[0, 1]
        for shift in range(-5, 20)
    ]
    assert LOOKAHEAD - 4 <= int(np.argmax(likeness)) - 5 <= LOOKAHEAD + 4


@pytest.mark.slow
def test_the_voices_exist() -> None:
    pytest.importorskip("espeakng_loader")
    from hygiesync.tts.espeak import synthesise

    lengths = {len(synthesise("papa", voice).samples) for voice in (*ENGLISH_VOICES, *OTHER_VOICES)}
    assert len(lengths) > 3
    spoken = [synthesise("papa", "en" + variant).samples for variant in VARIANTS]
    assert len({samples.tobytes() for samples in spoken}) > 0.8 * len(VARIANTS)
