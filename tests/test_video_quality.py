"""Advice about training videos: a good one gets none, and each fault gets its own, with the number measured."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from present import present
from tracks import TrackOf

from hygiesync.apps.cli import main
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building import from_video
from hygiesync.building.av_offset import Offset
from hygiesync.building.face_fitting import FittedFace, Recording, fit_face
from hygiesync.building.sound_level import SoundLevel
from hygiesync.building.video_quality import advise
from hygiesync.errors import InputError
from hygiesync.face.track import FaceTrack
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.speech.mel import mel_spectrogram

IN_TIME = Offset(10.0, 5.0, 1.0, 0.6, 20.0)


def record(video: Path, track_of: TrackOf) -> Recording:
    info, samples = probe(video), read_audio(video)
    return Recording(info, track_of(video), mel_spectrogram(samples), SoundLevel.from_samples(samples))


@pytest.fixture(scope="module")
def good(talker_video: Path, track_of: TrackOf) -> Recording:
    """A recording without faults: the talker, said to last for three minutes, with three seconds of silence."""
    samples = read_audio(talker_video)
    recording = record(talker_video, track_of)
    mel = recording.mel.copy()
    mel[300:600] = np.quantile(mel.mean(1), 0.02)
    return replace(
        recording,
        video=replace(recording.video, duration_s=Fraction(180)),
        mel=mel,
        sound=SoundLevel.from_samples(samples),
    )


@pytest.fixture(scope="module")
def face(good: Recording) -> FittedFace:
    return fit_face([good])


def problems(recording: Recording, face: FittedFace, offset: Offset | None = IN_TIME) -> list[str]:
    return [one.problem for one in advise([recording], face, [offset])]


def with_track(recording: Recording, **arrays: np.ndarray) -> Recording:
    return replace(recording, track=FaceTrack(**{**recording.track.arrays(), **arrays}))


def with_video(recording: Recording, **facts: Any) -> Recording:
    return replace(recording, video=replace(recording.video, **facts))


def only(found: list[str], *words: str) -> None:
    (problem,) = found
    for word in words:
        assert word in problem, problem


class TestOneFault:
    @pytest.mark.slow
    def test_a_good_video_gets_no_advice(self, good: Recording, face: FittedFace) -> None:
        assert problems(good, face) == []

    def test_an_offset_is_told_with_its_direction_and_the_way_out(self, good: Recording, face: FittedFace) -> None:
        (advice,) = advise([good], face, [Offset(-140.0, 6.0, 1.0, 0.6, 20.0)])
        assert "140 ms early" in advice.problem
        assert "`fix_offset`" in advice.what_to_do

    def test_an_offset_that_is_uncertain_small_or_corrected_is_not(self, good: Recording, face: FittedFace) -> None:
        for offset in (None, Offset(-140.0, 6.0, 0.5, 0.6, 20.0), Offset(55.0, 6.0, 1.0, 0.6, 20.0)):
            assert problems(good, face, offset) == []
        corrected = replace(good, sound_late_s=0.14)
        assert not any("late" in problem for problem in problems(corrected, face, Offset(140.0, 6.0, 1.0, 0.6, 20.0)))

    @pytest.mark.parametrize(("gain", "word", "level"), [(0.25, "dark", (20, 44)), (2.2, "bright", (216, 255))])
    def test_light(self, good: Recording, face: FittedFace, gain: float, word: str, level: tuple[int, int]) -> None:
        lit = np.clip(good.track.thumbnails * gain, 0, 255).astype(np.uint8)
        (problem,) = [one for one in problems(with_track(good, thumbnails=lit), face) if "grey level" in one]
        assert word in problem
        assert level[0] <= int(present(re.search(r"level (\d+)", problem))[1]) <= level[1]

    def test_a_small_face(self, good: Recording, face: FittedFace) -> None:
        only(problems(with_track(good, lower=good.track.lower / 3), face), "small", "pixels wide")

    @pytest.mark.parametrize(("fps", "is_low"), [(Fraction(15), True), (Fraction(24000, 1001), False)])
    def test_the_frame_rate(self, good: Recording, face: FittedFace, fps: Fraction, is_low: bool) -> None:
        found = problems(with_video(good, fps=fps), face)
        assert found == (["the frame rate is low: 15 frames a second"] if is_low else [])

    def test_a_face_that_goes_missing(self, good: Recording, face: FittedFace) -> None:
        sharpness = good.track.sharpness.copy()
        sharpness[-50:] = np.nan
        only(problems(with_track(good, sharpness=sharpness), face), "out of sight", f"{50 / len(sharpness):.0%}")

    def test_a_covered_mouth(self, good: Recording, face: FittedFace) -> None:
        thumbnails = good.track.thumbnails.copy()
        thumbnails[-50:] = 255 - thumbnails[-50:]
        only(problems(with_track(good, thumbnails=thumbnails), face), "covered", f"{50 / len(thumbnails):.0%}")

    def test_blurred_frames(self, good: Recording, face: FittedFace) -> None:
        sharpness = good.track.sharpness.copy()
        sharpness[::10] *= 0.1
        only(problems(with_track(good, sharpness=sharpness), face), "blurred", "10%")

    def test_turning(self, good: Recording, face: FittedFace) -> None:
        places = face.frames[0].places
        turns = places.turns.copy()
        turns[::8] += 30
        turned = replace(face, frames=[replace(face.frames[0], places=replace(places, turns=turns))])
        only(problems(good, turned), "turns a lot", f"{len(turns[::8]) / len(turns):.0%}")

    def test_clipping(self, good: Recording, face: FittedFace) -> None:
        sound = replace(present(good.sound), clipped_share=0.02)
        only(problems(replace(good, sound=sound), face), "clipped", "2.0%")

    def test_quiet_speech(self, good: Recording, face: FittedFace) -> None:
        sound = replace(present(good.sound), speech_db=-60.0, background_db=-95.0)
        only(problems(replace(good, sound=sound), face), "quiet", "60 dB")

    def test_noise(self, good: Recording, face: FittedFace) -> None:
        sound = replace(present(good.sound), background_db=present(good.sound).speech_db - 12)
        only(problems(replace(good, sound=sound), face), "background", "12 dB")

    def test_a_short_video(self, good: Recording, face: FittedFace) -> None:
        only(problems(with_video(good, duration_s=Fraction(20)), face), "little to learn from", "20 s")

    def test_no_silence(self, good: Recording, face: FittedFace, talker_video: Path) -> None:
        spoken = replace(good, mel=mel_spectrogram(read_audio(talker_video)))
        only(problems(spoken, face), "no silence", "longest pause")

    def test_several_videos_are_told_apart(self, good: Recording, face: FittedFace) -> None:
        loud = replace(good, sound=replace(present(good.sound), clipped_share=0.02))
        other = with_video(good, path="/elsewhere/other.mp4")
        two = replace(face, frames=face.frames * 2)
        (advice,) = advise([other, loud], two, [IN_TIME, IN_TIME])
        assert advice.problem.startswith("talker.mp4: the sound is clipped")
        assert advise([other, good], two, [IN_TIME, IN_TIME]) == ()


class TestSoundLevel:
    def test_speech_against_silence(self, talker_video: Path) -> None:
        level = SoundLevel.from_samples(read_audio(talker_video))
        assert -30 < level.speech_db < -5
        assert level.background_db < level.speech_db - 30
        assert level.clipped_share < 0.001

    def test_gain_moves_both_levels(self, talker_video: Path) -> None:
        samples = read_audio(talker_video)
        level, quieter = SoundLevel.from_samples(samples), SoundLevel.from_samples(0.1 * samples)
        assert quieter.speech_db == pytest.approx(level.speech_db - 20, abs=0.01)

    def test_a_clipped_sine(self) -> None:
        sine = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
        assert SoundLevel.from_samples(np.clip(2 * sine, -1, 1)).clipped_share == pytest.approx(2 / 3, abs=0.03)
        assert SoundLevel.from_samples(0.9 * sine).clipped_share == 0

    @pytest.mark.parametrize("n", [0, 100, 16000])
    def test_nothing_and_silence(self, n: int) -> None:
        level = SoundLevel.from_samples(np.zeros(n, np.float32))
        assert (level.speech_db, level.background_db) == pytest.approx((-100, -100))
        assert level.clipped_share == 0


@pytest.fixture(scope="module")
def bad_video(tmp_path_factory: pytest.TempPathFactory, talker_video: Path) -> Path:
    """Eighteen seconds filmed badly: dark, small, at times out of focus, at 12.5 frames a second, noisy, too loud."""
    path = tmp_path_factory.mktemp("bad") / "bad.mp4"
    samples = read_audio(talker_video)[: 18 * 16000]
    hum = np.cumsum(np.random.default_rng(0).standard_normal(len(samples) + 200))
    hum = hum[200:] - hum[:-200]
    noise = (0.022 * hum / hum.std()).astype(np.float32)
    with VideoWriter(path, 176, 176, Fraction(25, 2), audio_rate=16000, audio_channels=1, crf=10) as writer:
        writer.write_audio(np.clip(8 * (samples + noise), -1, 1))
        for number, frame in enumerate(islice(read_frames(talker_video), 0, 450, 2)):
            picture = cv2.resize(frame.image, (176, 176), interpolation=cv2.INTER_AREA)
            if number % 25 >= 22:
                picture = cv2.GaussianBlur(picture, None, 5)
            writer.write((0.25 * picture).astype(np.uint8), frame.time_s)
    return path


class TestRealPictures:
    @pytest.mark.slow
    def test_a_badly_filmed_video(self, bad_video: Path, track_of: TrackOf) -> None:
        recording = record(bad_video, track_of)
        found = problems(recording, fit_face([recording]), None)
        for word in ("clipped", "background", "dark", "small", "frame rate", "blurred", "little", "no silence"):
            assert sum(word in problem for problem in found) == 1, (word, found)

    def test_the_avatar_keeps_what_was_said(self, talker_avatar: VideoAvatar) -> None:
        training = talker_avatar.manifest.training
        assert {"problem", "what_to_do"} == set(training["advice"][0])
        assert any("little to learn" in one["problem"] for one in training["advice"])
        (offset,) = training["sound_offsets"]
        assert offset["is_certain"]
        assert abs(offset["late_ms"]) < 30
        assert offset["corrected_ms"] == 0


class TestCommandLine:
    def test_help_names_the_option(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["train", "--help"]) == 0
        assert "--fix-offset" in capsys.readouterr().out

    @pytest.mark.slow
    def test_each_advice_is_one_line_before_learning(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bad_video: Path
    ) -> None:
        def stop(*_: object) -> None:
            raise InputError("stopped here")

        monkeypatch.setattr(from_video, "learn", stop)
        assert main(["train", str(bad_video), "--out", str(tmp_path / "a"), "--fix-offset", "--i-have-consent"]) == 3
        notes = [line for line in capsys.readouterr().err.splitlines() if "note: " in line]
        assert sum("nothing is corrected" in note for note in notes) == 1
        (dark,) = [note for note in notes if "the face is dark" in note]
        assert "put a lamp" in dark


@pytest.mark.data
@pytest.mark.slow
def test_real_recordings_get_the_advice_they_deserve(data: Path, track_of: TrackOf) -> None:
    """A newsreader's clip is only short; the corpus of small pictures is small, and has no long silence."""
    newsreader, corpus = (record(data / name, track_of) for name in ("clips/newsreader_20s_512px.mp4", "grid/dev.mp4"))
    assert len(problems(newsreader, fit_face([newsreader]))) == 2
    found = problems(corpus, fit_face([corpus]))
    assert [words for words in found if "small" in words]
    assert len(found) == 3
