"""The training's report: its numbers on hand-made lips, its page, and the words that are laid beside it."""

import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from hygiesync.apps.cli import main
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import sha256_of
from hygiesync.avatar.video_avatar import REPORT, VideoAvatar
from hygiesync.building.evidence import HeldOut, TrainingEvidence, hold_out
from hygiesync.building.video_quality import Advice
from hygiesync.errors import InputError
from hygiesync.evaluation.training_report import make_report
from hygiesync.evaluation.training_report.classes import (
    MOUTHS,
    SOUNDS,
    errors_by_mouth,
    errors_by_sound,
    errors_by_word,
    mouth_classes,
    sound_classes,
)
from hygiesync.evaluation.training_report.closures import closures_in_speech, closures_in_words
from hygiesync.evaluation.training_report.headline import Findings, headline
from hygiesync.evaluation.training_report.next_steps import next_steps
from hygiesync.evaluation.training_report.silence import pauses, silence_behaviour
from hygiesync.evaluation.training_report.stretches import MouthRange, Stretch, runs
from hygiesync.evaluation.training_report.words import Word, read_words
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_FACE, LOWER_LEFT, LOWER_LIPS, LOWER_RIGHT
from hygiesync.learning.dataset import LabelledClip
from hygiesync.speech.mel import N_MELS, mel_spectrogram

N_COMPONENTS = 8
RANGE = MouthRange(shut=0.0, wide=10.0, narrow=38.0, spread=42.0)
SECTIONS = (
    "The video",
    "How good are the lips?",
    "What to do next",
    "Predicted against real opening",
    "Which mouths and sounds are wrong?",
    "Words",
    "Lag",
    "Silence",
    "Learning",
    "What this mouth does",
    "Where this comes from",
)
HOSTILE = '<script src="http://evil.example/a.js"></script>&"\'$\\frac$'


def simple_shape() -> ShapeModel:
    """Coefficient 0 is the opening and coefficient 1 the width less 40, both in % of the eyes' distance."""
    n_points = len(LOWER_FACE)
    mean = np.zeros((n_points, 2))
    mean[LOWER_RIGHT], mean[LOWER_LEFT] = (-0.2, 0.0), (0.2, 0.0)
    components = np.zeros((N_COMPONENTS, n_points, 2))
    components[0, LOWER_BOTTOM, 1] = 0.01
    components[1, LOWER_LEFT, 0] = 0.01
    components = components.reshape(N_COMPONENTS, -1)
    shares = np.linspace(0.5, 0.01, N_COMPONENTS)
    return ShapeModel(mean, np.zeros((2, 2 * n_points)), components, components.T * 1e4, shares)


SHAPE = simple_shape()


def coefficients(opening: np.ndarray, width: float | np.ndarray = 40.0) -> np.ndarray:
    made = np.zeros((len(opening), N_COMPONENTS))
    made[:, 0] = opening
    made[:, 1] = np.asarray(width) - 40
    return made


def held_out(
    opening: np.ndarray,
    predicted: np.ndarray,
    *,
    width: float = 40.0,
    is_known: np.ndarray | None = None,
    is_voice: np.ndarray | None = None,
    start_s: float = 0.0,
) -> HeldOut:
    n = len(opening)
    return HeldOut(
        times_s=start_s + 0.01 * np.arange(n),
        real=coefficients(opening, width),
        predicted=coefficients(predicted, width),
        is_known=np.ones(n, bool) if is_known is None else is_known,
        mel=np.full((n, N_MELS), -4.0, np.float32),
        is_voice=np.ones(n, bool) if is_voice is None else is_voice,
    )


def stretch(opening: ArrayLike, predicted: ArrayLike, **options: Any) -> Stretch:
    return Stretch.from_held_out(held_out(np.asarray(opening), np.asarray(predicted), **options), SHAPE)


def evidence(**changes: Any) -> TrainingEvidence:
    """Twenty seconds of which six were held out, with speech and two pauses."""
    times_s = 0.01 * np.arange(600)
    is_voice = (times_s % 3) < 2
    opening = np.where(is_voice, 5 + 5 * np.sin(2 * np.pi * 3 * times_s), 0.5)
    predicted = np.where(is_voice, 5 + 4 * np.sin(2 * np.pi * 3 * (times_s - 0.02)), 0.6)
    width = 40 + 4 * np.sin(2 * np.pi * 1.3 * times_s)
    whole = TrainingEvidence(
        name="me",
        preset="fast",
        sources=("me.mp4",),
        duration_s=20.0,
        training_loss=(1.0, 0.5, 0.2),
        validation_loss=(1.1, 0.7, 0.8),
        best_epoch=1,
        shape=SHAPE,
        rest=coefficients(np.array([0.5]))[0],
        coefficients=coefficients(opening, width),
        n_frames=700,
        held_out=(held_out(opening, predicted, width=width, is_voice=is_voice, start_s=14.0),),
    )
    return replace(whole, **changes)


class Reader(HTMLParser):
    """What a page is made of: its tags in order, headings, text, and all that it points to."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.headings: list[str] = []
        self.references: list[str | None] = []
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(content.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open_tags.append(tag)
        self.references += [value for name, value in attributes if name in ("href", "src", "xlink:href", "action")]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value for name, value in attributes if name in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] in ("h1", "h2"):
            self.headings.append(data)
        self.text.append(data)


def check_page(content: bytes) -> Reader:
    """Whole, with every section, and without anything outside it or any script."""
    page = Reader(content)
    assert page.open_tags == []
    assert tuple(page.headings[1:]) == SECTIONS
    assert page.references
    assert all((reference or "").startswith(("#", "data:")) for reference in page.references)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert b"url(http" not in content
    assert b"@import" not in content
    return page


class TestPage:
    def test_has_every_section_and_needs_nothing_else(self) -> None:
        page = check_page(make_report(evidence()))
        assert page.tags.count("svg") == 7
        assert "There is nothing odd about the video." in page.text

    @pytest.mark.slow
    def test_same_evidence_same_page(self) -> None:
        assert make_report(evidence()) == make_report(evidence())

    def test_advice_comes_first(self) -> None:
        advice = (Advice("The face is 60 pixels wide.", "Sit nearer."), Advice("The sound clips.", "Turn it down."))
        page = check_page(make_report(evidence(advice=advice)))
        order = [page.text.index(text) for text in ("Sit nearer.", "Turn it down.", "How good are the lips?")]
        assert order == sorted(order)

    def test_hostile_names_are_text(self) -> None:
        hostile = evidence(name=HOSTILE, sources=(HOSTILE, HOSTILE), preset=HOSTILE, advice=(Advice(HOSTILE, HOSTILE),))
        hostile = replace(hostile, held_out=hostile.held_out * 2)
        words = [(Word(14.1, 14.9, HOSTILE),)] * 2
        page = check_page(make_report(hostile, words))
        assert page.headings[0] == f"Training of {HOSTILE}"
        assert page.text.count(HOSTILE) >= 5

    def test_names_that_are_no_unicode(self) -> None:
        page = check_page(make_report(evidence(name="m\udce4", sources=("\udcff.mp4",))))
        assert page.headings[0] == "Training of m?"

    def test_without_a_pause(self) -> None:
        spoken = replace(evidence().held_out[0], is_voice=np.ones(600, bool))
        page = check_page(make_report(evidence(held_out=(spoken,))))
        assert page.text.count("no pause to measure") == 2

    def test_a_video_whose_held_out_part_shows_no_face(self) -> None:
        unseen = replace(evidence().held_out[0], is_known=np.zeros(600, bool))
        both = evidence(held_out=(evidence().held_out[0], unseen), sources=("a.mp4", "b.mp4"))
        check_page(make_report(both, [(Word(14.0, 14.5, "a"),), (Word(14.0, 14.5, "b"),)]))

    def test_one_epoch_and_lips_that_never_move(self) -> None:
        still = held_out(np.full(50, 2.0), np.full(50, 2.0))
        check_page(
            make_report(
                evidence(
                    training_loss=(1.0,),
                    validation_loss=(1.0,),
                    best_epoch=0,
                    held_out=(still,),
                    coefficients=coefficients(np.full(50, 2.0)),
                )
            )
        )

    def test_words_worst_and_best(self) -> None:
        said = [Word(14.0 + 0.2 * n, 14.2 + 0.2 * n, f"word{n}") for n in range(25)]
        page = check_page(make_report(evidence(), [said]))
        assert "The worst of 25 words" in page.text
        assert sum(text.startswith("word") for text in page.text) == 16

    def test_words_elsewhere(self) -> None:
        page = check_page(make_report(evidence(), [(Word(0.0, 1.0, "early"),)]))
        assert "None of the words lies within the parts that were kept for measuring." in page.text


class TestMeasures:
    def test_findings_of_known_lips(self) -> None:
        findings = Findings.from_evidence(evidence())
        assert findings.held_out_s == 6
        assert findings.comparison.lag_ms == pytest.approx(20, abs=3)
        assert findings.silence.n_ends == 2
        assert len(headline(findings)) == 8

    def test_next_steps_follow_from_the_numbers(self) -> None:
        problems = " ".join(step.problem for step in next_steps(Findings.from_evidence(evidence())))
        for word in ("rest on 6.0 s", "by heart"):
            assert word in problems
        assert "lasts 200 s" in next_steps(Findings.from_evidence(evidence(duration_s=200.0)))[0].problem
        same = evidence().held_out[0]
        perfect = replace(same, predicted=same.real)
        good = evidence(
            duration_s=300, held_out=(perfect, perfect), training_loss=(1.0, 0.7, 0.6),
            validation_loss=(1.0, 0.7, 0.75),
        )  # fmt: skip
        assert next_steps(Findings.from_evidence(good)) == []

    @pytest.mark.parametrize("scale, late, word", [(0.5, 0, "opens only 0.50"), (1.0, 8, "80 ms late")])
    def test_next_steps_about_the_lips(self, scale: float, late: int, word: str) -> None:
        real = evidence().held_out[0]
        changed = replace(real, predicted=np.roll(scale * real.real, late, axis=0))
        assert word in " ".join(
            step.problem for step in next_steps(Findings.from_evidence(evidence(held_out=(changed,))))
        )

    def test_silence_by_hand(self) -> None:
        is_voice = np.repeat([True, False, True], [50, 50, 20])
        opening = np.where(is_voice, 8.0, 0.0)
        opening[50:55] = 4.0
        predicted = np.where(is_voice, 8.0, 0.0)
        predicted[50:62] = 4.0
        predicted[70:100] = np.tile([0.0, 1.0], 15)
        behaviour = silence_behaviour([stretch(opening, predicted, is_voice=is_voice)], 0.0, 10.0)
        assert behaviour.n_ends == 1
        assert behaviour.duration_s == 0.5
        assert behaviour.real_closing_s == pytest.approx(0.05)
        assert behaviour.predicted_closing_s == pytest.approx(0.12)
        assert behaviour.real_motion_pct == 0
        assert behaviour.predicted_motion_pct == pytest.approx(0.5)

    def test_short_and_unseen_silences_are_no_pauses(self) -> None:
        is_voice = np.repeat([True, False, True, False, True], [10, 29, 10, 30, 10])
        made = stretch(np.ones(89), np.ones(89), is_voice=is_voice)
        assert pauses(made) == [slice(49, 79)]
        is_known = np.ones(89, bool)
        is_known[60] = False
        assert pauses(stretch(np.ones(89), np.ones(89), is_voice=is_voice, is_known=is_known)) == []

    def test_runs(self) -> None:
        assert list(runs(np.array([1, 1, 0, 0, 1], bool))) == [slice(0, 2), slice(4, 5)]
        assert list(runs(np.zeros(3, bool))) == []

    def test_held_out_tells_times_and_sounds_of_what_the_answers_describe(self) -> None:
        samples = np.zeros(32000, np.float32)
        samples[8000:20000] = 0.1 * np.random.default_rng(0).standard_normal(12000)
        mel = mel_spectrogram(samples)
        real = np.arange(len(mel), dtype=np.float32)[:, None] * np.ones((1, N_COMPONENTS), np.float32)
        sequence = LabelledClip(mel, real, np.ones(len(mel), bool))
        made = hold_out(sequence, np.zeros((150, N_COMPONENTS)), lookahead=8, background=-8.0)
        start = len(mel) - 150
        assert made.times_s[0] == pytest.approx(0.025 + 0.01 * (start - 8))
        np.testing.assert_array_equal(made.real[:, 0], np.arange(start, len(mel)))
        np.testing.assert_array_equal(made.mel, mel[start - 8 : -8])
        assert made.times_s[made.is_voice][0] == pytest.approx(0.5, abs=0.05)  # a noise is confirmed before it is voice


class TestClasses:
    def test_mouths_by_hand(self) -> None:
        opening = np.array([0.0, 1.5, 3.0, 5.0, 5.0, 5.0, 6.0, 9.0])
        width = np.array([40.0, 40.0, 36.0, 38.0, 42.0, 40.0, 36.0, 44.0])
        classes = mouth_classes(stretch(opening, opening, width=width), RANGE)
        expected = ["closed", "closed", "slit", "rounded", "spread", "half open", "wide open", "wide open"]
        assert [MOUTHS[number] for number in classes] == expected

    def test_sounds_by_hand(self) -> None:
        tone = np.sin(2 * np.pi * 200 * np.arange(1600) / 16000).astype(np.float32)
        hiss = np.diff(np.diff(np.random.default_rng(0).standard_normal(1602))).astype(np.float32)
        for samples, name in ((tone, "voiced"), (hiss, "hissing")):
            mel = mel_spectrogram(samples)
            voice = np.ones(len(mel), bool)
            assert {SOUNDS[number] for number in sound_classes(mel, voice)} == {name}
            assert {SOUNDS[number] for number in sound_classes(mel, ~voice)} == {"silence"}

    def test_errors_by_mouth_are_means_over_known_times(self) -> None:
        is_known = np.array([True, True, True, False, True])
        made = stretch([0.0, 0.0, 9.0, 9.0, 9.0], [1.0, 2.0, 5.0, 9.0, 6.0], is_known=is_known)
        closed, wide = errors_by_mouth([made], RANGE)
        assert (closed.name, wide.name) == ("closed", "wide open")
        assert (closed.opening_error_pct, wide.opening_error_pct) == pytest.approx((1.5, -3.5))
        assert (closed.duration_s, wide.duration_s) == pytest.approx((0.02, 0.02))
        # a point of the lips that is d off, with the mouths centred: it by d (1 - 1/n), the other n - 1 by d / n
        n_lips = len(LOWER_LIPS)
        assert closed.lip_distance_pct == pytest.approx(1.5 * 2 * (n_lips - 1) / n_lips**2)

    def test_errors_by_sound(self) -> None:
        is_voice = np.repeat([True, False], 5)
        errors = errors_by_sound([stretch(np.ones(10), np.ones(10), is_voice=is_voice)])
        assert [error.name for error in errors] == ["silence", "voiced"]

    def test_errors_by_word(self) -> None:
        real = np.full(100, 5.0)
        predicted = real.copy()
        predicted[10:20] = 9.0
        predicted[50:60] = 7.0
        said = [Word(0.1, 0.2, "bad"), Word(0.2, 0.5, "sil"), Word(0.5, 0.6, "bad"), Word(0.6, 0.9, "good"),
                Word(0.9, 1.2, "cut off")]  # fmt: skip
        bad, good = errors_by_word([stretch(real, predicted)], [said])
        assert (bad.name, bad.n_times, bad.duration_s) == ("bad", 2, 0.2)
        assert bad.opening_error_pct == pytest.approx(3.0)
        assert (good.name, good.n_times) == ("good", 1)
        assert good.lip_distance_pct == pytest.approx(0.0)

    def test_range_is_the_persons_own(self) -> None:
        mouth = MouthRange.from_shapes(
            SHAPE.inverse_transform(coefficients(np.linspace(0, 10, 101), np.linspace(36, 44, 101)))
        )
        assert (mouth.shut, mouth.wide) == pytest.approx((0.2, 9.8))
        assert (mouth.narrow, mouth.spread) == pytest.approx((38, 42))
        assert mouth.closed_below == pytest.approx(0.2 + 0.15 * 9.6)


class TestClosures:
    """Six words of 0.3 s: which of them shut the lips, and which of those closures are reached."""

    SPOKEN = ("bin", "green", "lamp", "photo", "my", "be")
    SAID = tuple(Word(0.3 * number, 0.3 * number + 0.3, word) for number, word in enumerate(SPOKEN))

    def made(self) -> Stretch:
        real, predicted = np.full(200, 5.0), np.full(200, 5.0)
        real[15], predicted[15 + 6] = 0.5, 0.8 - 1e-9  # bin: shut, reached 60 ms late
        real[45], predicted[45] = 0.5, 3.0  # green: shut, but has no bilabial
        real[75], predicted[75 + 7] = 0.5, 0.5  # lamp: shut, the predicted 70 ms late
        real[105], predicted[105] = 0.5, 0.5  # photo: its p is an f
        real[135], predicted[135] = 0.5, 0.85  # my: shut, 0.35 above
        real[165] = 2.0  # be: never shut
        return stretch(real, predicted)

    def test_in_words(self) -> None:
        counted = closures_in_words([self.made()], [self.SAID], RANGE)
        assert (counted.n_real, counted.n_reached) == (3, 1)
        assert counted.share == pytest.approx(1 / 3)

    def test_in_speech(self) -> None:
        counted = closures_in_speech([self.made()], RANGE)
        assert (counted.n_real, counted.n_reached) == (5, 2)

    def test_unknown_and_silent_lips_do_not_count(self) -> None:
        made = self.made().held_out
        is_known = np.ones(200, bool)
        is_known[15] = False
        unseen = Stretch.from_held_out(replace(made, is_known=is_known), SHAPE)
        assert closures_in_words([unseen], [self.SAID], RANGE).n_real == 2
        silent = Stretch.from_held_out(replace(made, is_voice=np.zeros(200, bool)), SHAPE)
        assert closures_in_speech([silent], RANGE).n_real == 0
        assert np.isnan(closures_in_speech([silent], RANGE).share)

    def test_two_videos_are_counted_together(self) -> None:
        counted = closures_in_words([self.made(), self.made()], [self.SAID, self.SAID[:1]], RANGE)
        assert (counted.n_real, counted.n_reached) == (4, 2)


class TestWords:
    def test_are_read_in_order(self, tmp_path: Path) -> None:
        path = tmp_path / "words.csv"
        path.write_text('start_s,end_s,word\r\n0,0.5,sil\r\n0.5,0.9,Bin\r\n\r\n0.9, 1.1 ,"a, b"\r\n')
        assert read_words(path) == (Word(0, 0.5, "sil"), Word(0.5, 0.9, "Bin"), Word(0.9, 1.1, "a, b"))

    @pytest.mark.parametrize("text, word", [
        ("", "line 1"),
        ("start,end,word\n0,1,a\n", "line 1"),
        ("0,1,a\n", "column names"),
        ("start_s,end_s,word\n", "no words"),
        ("start_s,end_s,word\n0,1\n", "line 2"),
        ("start_s,end_s,word\n0,1,a,b\n", "line 2"),
        ("start_s,end_s,word\n0,x,a\n", "two times"),
        ("start_s,end_s,word\n0,nan,a\n", "two times"),
        ("start_s,end_s,word\n0,inf,a\n", "two times"),
        ("start_s,end_s,word\n-1,1,a\n", "ends after it starts"),
        ("start_s,end_s,word\n1,1,a\n", "ends after it starts"),
        ("start_s,end_s,word\n0,1,\n", "has no word"),
        ("start_s,end_s,word\n0,1,a\n0.5,2,b\n", "line 3"),
        ('start_s,end_s,word\n0,1,"a\n', "CSV"),
    ])  # fmt: skip
    def test_faults_are_named_in_one_line(self, tmp_path: Path, text: str, word: str) -> None:
        path = tmp_path / "words.csv"
        path.write_text(text)
        with pytest.raises(InputError, match=r"words\.csv") as caught:
            read_words(path)
        assert word in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_files_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "words.csv"
        path.write_bytes(b"\xff\xfe\x00" * 20)
        with pytest.raises(InputError, match="UTF-8"):
            read_words(path)
        with pytest.raises(InputError, match="can't be read"):
            read_words(tmp_path)
        with pytest.raises(InputError, match="can't be read"):
            read_words(tmp_path / "missing.csv")

    @pytest.mark.data
    def test_of_a_real_recording(self, data: Path) -> None:
        words = read_words(data / "grid" / "dev.words.csv")
        assert {"bin", "place"} & {word.text for word in words if word.has_bilabial}
        assert words[0].is_silence
        assert not any(word.has_bilabial for word in words if word.text in ("red", "green", "white", "at", "in", "now"))

    @pytest.mark.parametrize("word, expected", [
        ("bin", True), ("please", True), ("at", False), ("PLACE", True), ("sil", False), ("graph", False),
        ("psalm", True), ("psychic", False), ("doubt", False), ("subtle", False), ("obtain", True), ("one", False),
    ])  # fmt: skip
    def test_bilabials_as_spelt(self, word: str, expected: bool) -> None:
        assert Word(0, 1, word).has_bilabial == expected

    def test_a_word_must_lie_within_the_times(self) -> None:
        times_s = 1 + 0.01 * np.arange(100)
        assert Word(1.1, 1.2, "a").within(times_s) == slice(10, 20)
        assert Word(0.9, 1.2, "a").within(times_s) is None
        assert Word(1.9, 2.2, "a").within(times_s) is None
        assert Word(1.101, 1.105, "a").within(times_s) is None
        assert Word(1.1, 1.2, "a").within(times_s[:0]) is None


class TestCommandLine:
    def test_bad_words_are_refused_before_any_work(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        bad = tmp_path / "words.csv"
        bad.write_text("start_s,end_s,word\n2,1,a\n")
        code = main(["train", str(tmp_path / "none.mp4"), "--out", str(tmp_path / "me"), "--words", str(bad)])
        lines = capsys.readouterr().err.strip().splitlines()
        assert code == 3
        assert len(lines) == 1
        assert "line 2" in lines[0]
        assert not (tmp_path / "me").exists()

    def test_words_for_each_video(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = tmp_path / "words.csv"
        words.write_text("start_s,end_s,word\n0,1,a\n")
        code = main(["train", "a.mp4", "b.mp4", "--out", str(tmp_path / "me"), "--words", str(words)])
        assert code == 2
        assert "each of the 2 videos" in capsys.readouterr().err


class TestInTheAvatar:
    def test_the_avatar_carries_its_report(self, avatar_directory: Path, talker_avatar: VideoAvatar) -> None:
        content = (avatar_directory / REPORT).read_bytes()
        check_page(content)
        assert b"talker.mp4" in content
        assert talker_avatar.manifest.files[REPORT] == sha256_of(avatar_directory / REPORT)
        assert REPORT not in VideoAvatar.FILES

    def test_its_numbers_are_those_of_the_manifest(self, avatar_directory: Path, talker_avatar: VideoAvatar) -> None:
        text = Reader((avatar_directory / REPORT).read_bytes()).text
        measures = talker_avatar.manifest.training["whole"]["validation"]
        told = [float(t.removeprefix("correlation ")) for t in text if t.startswith("correlation ")]
        assert told[0] == pytest.approx(measures["opening_correlation"], abs=0.0052)
        assert any(t.startswith(f"{measures['lip_distance_pct']:.2f} % (a mouth that never moves") for t in text)

    def test_an_avatar_without_its_report_or_with_notes_in_it_still_loads(
        self, avatar_directory: Path, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy"
        shutil.copytree(avatar_directory, copy)
        (copy / REPORT).write_text("my notes")
        assert load_avatar(copy, VideoAvatar).directory == copy
        (copy / REPORT).unlink()
        assert load_avatar(copy, VideoAvatar).directory == copy
