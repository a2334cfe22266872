"""The texts to read: every sound of the language is in them, and nearly every way from one mouth shape to the next."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from sounds_of_languages import PHONEMES, VISEME_PAIRS

from hygiesync.apps.record.script import (
    LANGUAGES,
    MAX_LETTERS,
    REST,
    SECONDS_OF_SILENCE,
    SENTENCE,
    SILENCE,
    Script,
    load_script,
    read_script,
    reading_time_s,
)
from hygiesync.errors import InputError, UsageError
from hygiesync.tts.espeak import synthesise
from hygiesync.tts.speech import PAUSE
from hygiesync.tts.visemes import VISEMES, visemes

FIRST_LETTER: dict[int, str] = {}
for _letter, _viseme in VISEMES.items():
    FIRST_LETTER.setdefault(id(_viseme), _letter)


@pytest.fixture(scope="module", params=LANGUAGES)
def script(request: pytest.FixtureRequest) -> Script:
    return load_script(request.param)


@pytest.fixture(scope="module")
def spoken(script: Script) -> tuple[Counter[str], Counter[str]]:
    """(phonemes, viseme pairs) of a script, counted; sentences begin and end in rest."""
    sentences = [item.text for item in script.items if item.kind == SENTENCE]
    phonemes: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    with ThreadPoolExecutor(2) as workers:
        for speech in workers.map(lambda text: synthesise(text, script.language, 300), sentences):
            symbols = [PAUSE, *(phoneme.symbol for phoneme in speech.phonemes), PAUSE]
            phonemes.update(symbol.strip("ˈˌ") for symbol in symbols)
            shapes = [FIRST_LETTER[id(shape)] for symbol in symbols for shape in visemes(symbol)]
            pairs.update(a + b for a, b in pairwise(shapes))
    return phonemes, pairs


@pytest.mark.slow
def test_every_phoneme_is_said(script: Script, spoken: tuple[Counter[str], Counter[str]]) -> None:
    assert set(PHONEMES[script.language].split()) - set(spoken[0]) == set()


@pytest.mark.slow
def test_every_viseme_is_shown(script: Script, spoken: tuple[Counter[str], Counter[str]]) -> None:
    wanted = {letter for pair in VISEME_PAIRS[script.language].split() for letter in pair}
    assert len(wanted) > 17
    assert wanted - {letter for pair in spoken[1] for letter in pair} == set()


@pytest.mark.slow
def test_nearly_every_pair_of_visemes_is_shown(script: Script, spoken: tuple[Counter[str], Counter[str]]) -> None:
    wanted = VISEME_PAIRS[script.language].split()
    missing = [pair for pair in wanted if pair not in spoken[1]]
    assert len(missing) <= 0.02 * len(wanted), missing
    # the most frequent two thirds without exception
    assert [pair for pair in wanted[: 2 * len(wanted) // 3] if pair not in spoken[1]] == []


@pytest.mark.slow
def test_closed_lips_come_often(spoken: tuple[Counter[str], Counter[str]]) -> None:
    """The mouth's most conspicuous shape is learnt from many examples, among all kinds of neighbours."""
    _, pairs = spoken
    before = {pair[0] for pair in pairs if pair[1] == "p"}
    after = {pair[1] for pair in pairs if pair[0] == "p"}
    assert sum(count for pair, count in pairs.items() if pair[1] == "p") > 90
    assert min(len(before), len(after)) >= 10


def test_it_takes_some_four_minutes(script: Script) -> None:
    read_s = sum(item.duration_s for item in script.items if item.kind == SENTENCE)
    assert 210 < read_s < 300
    assert 40 <= script.n_sentences <= 50


def test_sentences_fit_one_breath_and_are_told_apart(script: Script) -> None:
    sentences = [item.text for item in script.items if item.kind == SENTENCE]
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert sentence == sentence.strip()
        assert sentence[-1] in ".!?"
        assert sentence.lstrip("¿¡")[0].isupper()
        assert 5 <= len(sentence.split()) <= 18


def test_silence_first_then_each_manner_after_a_rest(script: Script) -> None:
    first, *others = script.items
    assert (first.kind, first.manner, first.duration_s) == (SILENCE, "calm", SECONDS_OF_SILENCE)
    changes = [
        (item.kind, item.manner)
        for before, item in zip(script.items, others, strict=False)
        if before.manner != item.manner or item.kind != SENTENCE
    ]
    assert changes == [(REST, manner) for manner in ("calm", "cheerful", "serious", "surprised")]
    assert len({item.direction for item in script.items}) == 4
    assert all(item.text.endswith("?") for item in others if item.manner == "surprised" and item.kind == SENTENCE)


def test_texts_differ_between_languages() -> None:
    texts = [{item.text for item in load_script(language).items if item.text} for language in LANGUAGES]
    assert sum(map(len, texts)) == len(set.union(*texts))


class TestSilence:
    def test_its_length_may_be_chosen(self) -> None:
        assert load_script("fr", 5).items[0].duration_s == 5

    def test_none_is_none(self) -> None:
        assert load_script("en", 0).items[0].kind == SENTENCE

    @pytest.mark.parametrize("seconds", [-1, 121, float("nan"), float("inf")])
    def test_nonsense_is_refused(self, seconds: float) -> None:
        with pytest.raises(UsageError, match="seconds of silence"):
            load_script("en", seconds)


class TestOwnSentences:
    def test_a_line_is_a_sentence(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.txt"
        path.write_text("\ufeff# greetings\nGood  morning!\n\n  Grüß dich, Łukasz. \r\nあ\n", encoding="utf-8")
        script = read_script(path, 0)
        assert [item.text for item in script.items] == ["Good morning!", "Grüß dich, Łukasz.", "あ"]
        assert script.language == ""
        assert script.items[0].duration_s == reading_time_s("Good morning!")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "nothing to say"),
            (b"# only remarks\n...\n", "nothing to say"),
            (b"\xff\xfe\x00", "UTF-8"),
            (b"word " * MAX_LETTERS, "each sentence on a line"),
            (b"bell \x07 rings", "printable"),
            (b"once more\n" * 1001, "1000 sentences"),
        ],
    )
    def test_other_files_are_refused_in_one_line(self, tmp_path: Path, content: bytes, words: str) -> None:
        path = tmp_path / "mine.txt"
        path.write_bytes(content)
        with pytest.raises(InputError, match=words) as refused:
            read_script(path)
        assert "\n" not in str(refused.value)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="can't be read"):
            read_script(tmp_path / "none.txt")

    def test_another_language(self) -> None:
        with pytest.raises(UsageError, match="en, fr, de, es"):
            load_script("tlh")
