"""The sound's offset against the lips: found where it is, silent where nothing can be known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tracks import TrackOf

from hygiesync.building import from_video, observation
from hygiesync.building.av_offset import Offset, fix_offsets, measure_offset, record_of
from hygiesync.building.face_fitting import FittedFace, Recording, fit_face, is_quiet_at
from hygiesync.building.from_video import train
from hygiesync.building.job import Job
from hygiesync.errors import UsageError
from hygiesync.learning.dataset import LabelledClip
from hygiesync.media.audio import read_audio
from hygiesync.media.video import probe
from hygiesync.speech.lip_opening import WEIGHTS, heard_opening
from hygiesync.speech.mel import mel_spectrogram
from hygiesync.synthetic.opening_fit import fit_weights
from hygiesync.tts.espeak import synthesise

SHIFTS_MS = (-400, -150, 0, 90, 400)


def record(video: Path, track_of: TrackOf) -> tuple[Recording, np.ndarray]:
    """Recording and samples of a video."""
    samples = read_audio(video)
    return Recording(probe(video), track_of(video), mel_spectrogram(samples)), samples


def delayed(samples: np.ndarray, late_ms: int) -> np.ndarray:
    """Samples that come `late_ms` later, as many as before."""
    n = round(late_ms * 16)
    silence = np.zeros(abs(n), np.float32)
    return np.concatenate([silence, samples[:-n]]) if n > 0 else np.concatenate([samples[-n:], silence])


def heard_with(recording: Recording, samples: np.ndarray) -> Recording:
    return replace(recording, mel=mel_spectrogram(np.asarray(samples, np.float32)))


@pytest.fixture(scope="module")
def talker(talker_video: Path, track_of: TrackOf) -> tuple[Recording, np.ndarray, FittedFace]:
    """Recording, samples and fitted face of the synthetic talker."""
    recording, samples = record(talker_video, track_of)
    return recording, samples, fit_face([recording])


def offset_with(talker: tuple[Recording, np.ndarray, FittedFace], samples: np.ndarray) -> Offset:
    recording, _, face = talker
    return measure_offset(heard_with(recording, samples), face.frames[0])


@pytest.mark.slow
class TestFilter:
    def test_its_weights_are_those_of_the_fit(self) -> None:
        fitted = fit_weights()
        np.testing.assert_allclose(WEIGHTS, fitted, atol=0.02 * np.abs(fitted).max())

    def test_the_level_does_not_matter(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        _, samples, _ = talker
        loud, quiet = (heard_opening(mel_spectrogram(samples * gain)) for gain in (1.0, 0.1))
        assert np.corrcoef(loud, quiet)[0, 1] > 0.95

    def test_an_open_vowel_is_more_open_than_closed_lips(self) -> None:
        speech = synthesise("mamamamama", "en+m3")
        opening = heard_opening(mel_spectrogram(np.interp(
            np.arange(0, speech.duration_s, 1 / 16000), np.arange(len(speech.samples)) / 22050, speech.samples
        ).astype(np.float32)))  # fmt: skip

        def mean_of(letters: str) -> float:
            spans = [(p.start_s, p.end_s) for p in speech.phonemes if p.symbol.strip("ˈˌː")[:1] in letters]
            return np.mean([opening[round(100 * (start + end) / 2)] for start, end in spans])

        assert mean_of("ɑaæɐ") > mean_of("m")


@pytest.mark.slow
class TestSyntheticTalker:
    @pytest.mark.parametrize("late_ms", SHIFTS_MS)
    def test_a_known_shift_is_found(self, talker: tuple[Recording, np.ndarray, FittedFace], late_ms: int) -> None:
        offset = offset_with(talker, delayed(talker[1], late_ms))
        assert offset.is_certain
        assert offset.late_ms == pytest.approx(late_ms, abs=20)
        assert offset.is_worth_telling == (abs(late_ms) > 60)

    def test_the_same_recording_gives_the_same_answer(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        assert offset_with(talker, talker[1]) == offset_with(talker, talker[1])

    def test_words_say_the_direction(self) -> None:
        assert Offset(123.4, 5, 1, 0.6, 20).in_words == "123 ms late"
        assert Offset(-80.0, 5, 1, 0.6, 20).in_words == "80 ms early"


class TestUnsure:
    def test_silence(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        assert not offset_with(talker, np.zeros(len(talker[1]))).is_certain

    def test_noise(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        for seed in range(3):
            noise = 0.1 * np.random.default_rng(seed).standard_normal(len(talker[1]))
            assert not offset_with(talker, noise).is_certain

    def test_other_words(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        """Another voice saying other words."""
        texts = "Voici une longue phrase.", "Et en voilà une autre."
        spoken = [synthesise(text, "fr+m2").samples for text in texts]
        words = np.resize(np.concatenate(spoken), len(talker[1]))
        assert not offset_with(talker, words).is_certain

    def test_its_own_sound_backwards(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        assert not offset_with(talker, talker[1][::-1]).is_certain

    def test_an_offset_beyond_what_is_searched(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        assert not offset_with(talker, delayed(talker[1], 2500)).is_certain

    def test_a_few_seconds(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        recording, samples, face = talker
        few = face.frames[0].is_usable & (recording.track.times_s < 6)
        frames = replace(face.frames[0], is_usable=few)
        offset = measure_offset(heard_with(recording, samples), frames)
        assert not offset.is_certain
        assert offset.seen_s < 7


class TestFixing:
    late = Offset(160.0, 8.0, 1.0, 0.6, 20.0)

    def test_labels_move_with_the_sound(self, talker: tuple[Recording, np.ndarray, FittedFace]) -> None:
        recording, _, _ = talker
        messages: list[str] = []
        (fixed,) = fix_offsets([recording], [self.late], messages.append)
        np.testing.assert_allclose(fixed.heard_times_s - recording.track.times_s, 0.16)
        np.testing.assert_array_equal(fixed.track.times_s, recording.track.times_s)
        assert len(messages) == 1
        assert "160 ms late" in messages[0]
        assert record_of(self.late, fixed)["corrected_ms"] == 160

    @pytest.mark.parametrize(
        ("offset", "words"),
        [(Offset(160.0, 8.0, 0.5, 0.6, 20.0), "can't be told"), (Offset(20.0, 8.0, 1.0, 0.6, 20.0), "in time")],
    )
    def test_what_is_unsure_or_small_changes_nothing(
        self, talker: tuple[Recording, np.ndarray, FittedFace], offset: Offset, words: str
    ) -> None:
        messages: list[str] = []
        (kept,) = fix_offsets([talker[0]], [offset], messages.append)
        assert kept.sound_late_s == 0
        assert len(messages) == 1
        assert words in messages[0]

    def test_quiet_pictures_are_found_where_the_late_sound_is_quiet(
        self, talker: tuple[Recording, np.ndarray, FittedFace]
    ) -> None:
        recording, samples, _ = talker
        late = replace(heard_with(recording, delayed(samples, 200)), sound_late_s=0.2)
        background = float(np.quantile(recording.mel.mean(1), 0.05))
        before, after = is_quiet_at(recording, background), is_quiet_at(late, background)
        assert np.mean(before[10:-10] == after[10:-10]) > 0.99
        unfixed = is_quiet_at(replace(late, sound_late_s=0.0), background)
        assert np.mean(before[10:-10] == unfixed[10:-10]) < 0.95


class _LearningError(Exception):
    """Stops a training where it would begin to learn."""


@pytest.fixture
def labels_of(
    talker: tuple[Recording, np.ndarray, FittedFace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[LabelledClip, list[str]]]:
    """The labels that a training of the talker with its sound late would learn from, and what it said."""
    recording, samples, _ = talker

    def call(late_ms: int, **options: Any) -> tuple[LabelledClip, list[str]]:
        messages: list[str] = []
        labels: list[LabelledClip] = []

        def stop(sequences: list[LabelledClip], *_: object) -> None:
            labels.extend(sequences)
            raise _LearningError

        monkeypatch.setattr(from_video, "learn", stop)
        monkeypatch.setattr(observation, "read_audio", lambda *_, **__: delayed(samples, late_ms))
        monkeypatch.setattr(observation, "watch", lambda *_, **__: recording.track)
        with pytest.raises(_LearningError):
            train(recording.video.path, tmp_path / "avatar", preset="fast", warn=messages.append, **options)
        return labels[0], messages

    return call


class TestTraining:
    def test_labels_are_those_of_the_sound_in_time(
        self, labels_of: Callable[..., tuple[LabelledClip, list[str]]]
    ) -> None:
        """A network learns in time, whether or not what is made with it will be."""
        (true, _), (fixed, told), (kept, _) = labels_of(0), labels_of(200, fix_offset=True), labels_of(200)
        span = slice(100, -100)

        def distance(sequence: LabelledClip, n_late: int) -> float:
            later = np.roll(true.coefficients, n_late, axis=0)
            known = sequence.is_known[span] & np.roll(true.is_known, n_late)[span]
            return np.abs(sequence.coefficients[span] - later[span])[known].mean()

        assert distance(fixed, 20) < 0.35 * distance(true, 20)
        np.testing.assert_array_equal(fixed.coefficients, kept.coefficients)
        assert any("corrected" in message for message in told)

    @pytest.mark.parametrize(("is_fixed", "kept_s"), [(False, 0.2), (True, 0.0)])
    def test_renderings_keep_the_offset_unless_told_to_correct_it(
        self,
        talker: tuple[Recording, np.ndarray, FittedFace],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        is_fixed: bool,
        kept_s: float,
    ) -> None:
        recording, samples, _ = talker
        monkeypatch.setattr(observation, "read_audio", lambda *_, **__: delayed(samples, 200))
        monkeypatch.setattr(observation, "watch", lambda *_, **__: recording.track)
        job = Job.checked((Path(recording.video.path),), "fast", 80.0, 0, fix_offset=is_fixed)
        seen = observation.observe([recording.video], job, tmp_path, lambda *_: None, lambda message: None)
        assert seen.sound_late_s == pytest.approx(kept_s, abs=0.04)

    def test_without_it_one_is_told_how_to_correct(
        self, labels_of: Callable[..., tuple[LabelledClip, list[str]]]
    ) -> None:
        _, messages = labels_of(200)
        (message,) = [message for message in messages if "`fix_offset`" in message]
        assert "ms late" in message

    def test_in_time_changes_nothing(self, labels_of: Callable[..., tuple[LabelledClip, list[str]]]) -> None:
        (plain, _), (fixed, messages) = labels_of(0), labels_of(0, fix_offset=True)
        np.testing.assert_array_equal(plain.coefficients, fixed.coefficients)
        assert sum("in time" in message for message in messages) == 1

    def test_resuming_asks_for_the_same(
        self,
        labels_of: Callable[..., tuple[LabelledClip, list[str]]],
        talker: tuple[Recording, np.ndarray, FittedFace],
        tmp_path: Path,
    ) -> None:
        labels_of(0)
        with pytest.raises(UsageError, match="other videos or options"):
            train(talker[0].video.path, tmp_path / "avatar", preset="fast", resume=True, fix_offset=True)

    def test_a_resumed_run_is_told_the_same(
        self,
        labels_of: Callable[..., tuple[LabelledClip, list[str]]],
        talker: tuple[Recording, np.ndarray, FittedFace],
        tmp_path: Path,
    ) -> None:
        _, before = labels_of(200)
        save_file(talker[0].track.arrays(), tmp_path / ".avatar.training" / "track-0.safetensors")
        _, after = labels_of(200, resume=True)
        assert before == after


@pytest.mark.data
@pytest.mark.slow
class TestRealSpeech:
    @pytest.fixture(scope="class")
    def minute(self, data: Path, track_of: TrackOf) -> tuple[Recording, np.ndarray, FittedFace]:
        """One minute of a real speaker, in sync within a picture."""
        recording, samples = record(data / "grid" / "dev.mp4", track_of)
        return recording, samples, fit_face([recording])

    @pytest.mark.slow
    @pytest.mark.parametrize("late_ms", SHIFTS_MS)
    def test_a_known_shift_is_found(self, minute: tuple[Recording, np.ndarray, FittedFace], late_ms: int) -> None:
        offset = offset_with(minute, delayed(minute[1], late_ms))
        assert offset.is_certain
        assert offset.late_ms == pytest.approx(late_ms, abs=30)

    @pytest.mark.slow
    def test_shifts_are_told_apart_exactly(self, data: Path, track_of: TrackOf) -> None:
        recording, samples = record(data / "clips" / "newsreader_20s_512px.mp4", track_of)
        person = recording, samples, fit_face([recording])
        offsets = [offset_with(person, delayed(samples, late_ms)) for late_ms in SHIFTS_MS]
        assert all(offset.is_certain for offset in offsets)
        np.testing.assert_allclose([o.late_ms - offsets[2].late_ms for o in offsets], SHIFTS_MS, atol=10)

    def test_another_persons_voice_says_nothing(
        self, data: Path, minute: tuple[Recording, np.ndarray, FittedFace]
    ) -> None:
        other = np.resize(read_audio(data / "speech" / "english_60s.wav"), len(minute[1]))
        assert not offset_with(minute, other).is_certain
