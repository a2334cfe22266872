"""Advice while filming: each fault gets its own, within two seconds, and a good setup gets none."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from present import present

from hygiesync.apps.record.face_advice import ADVICE, FaceAdviser, Sighting, asymmetry, summarise
from hygiesync.apps.record.face_watch import FaceWatch
from hygiesync.apps.record.sound_advice import SoundAdviser
from hygiesync.face.track import FaceObserver, Observation
from hygiesync.media.audio import read_audio
from hygiesync.media.video import read_frames

SIZE = (512, 512)


@pytest.fixture(scope="module")
def faces(talker_video: Path) -> list[Observation]:
    """Observations of the talker, five a second."""
    with FaceObserver() as observer:
        return [present(observer.observe(frame.image)) for frame in islice(read_frames(talker_video), 0, 250, 5)]


def problems(
    faces: Sequence[Observation | None],
    size: tuple[int, int] = SIZE,
    n_faces: int = 1,
    adviser: FaceAdviser | None = None,
    begin_s: float = 0.0,
) -> list[str]:
    adviser = adviser or FaceAdviser()
    for number, face in enumerate(faces):
        adviser.see(Sighting(begin_s + 0.2 * number, size, n_faces, face))
    return [one.problem for one in adviser.advice()]


def moved(face: Observation, by: tuple[int, int] = (0, 0), scale: float = 1.0) -> Observation:
    return replace(face, rigid=face.rigid * scale + by, lower=face.lower * scale + by)


def turned(face: Observation, angle: float) -> Observation:
    """The head turned: points in front of the eyes shift to the side."""
    middle = face.rigid[:, 0].mean()
    rigid = face.rigid.copy().astype(np.float64)
    depth = np.where(np.isin(np.arange(len(rigid)), [4, 5, 6, 7]), 40.0, 0.0)  # the bridge of the nose
    rigid[:, 0] = middle + (rigid[:, 0] - middle) * np.cos(angle) + depth * np.sin(angle)
    return replace(face, rigid=rigid.astype(np.float32))


class TestFace:
    def test_a_good_picture_gets_none(self, faces: list[Observation]) -> None:
        assert problems(faces) == []

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            (lambda face: None, "no face"),
            (lambda face: moved(face, scale=0.5), "small"),
            (lambda face: moved(face, (-150, 0)), "left side"),
            (lambda face: moved(face, (150, 0)), "right side"),
            (lambda face: moved(face, (0, -140)), "above"),
            (lambda face: moved(face, (0, 130)), "below"),
            (lambda face: replace(face, thumbnail=face.thumbnail // 5), "dark"),
            (lambda face: replace(face, thumbnail=face.thumbnail // 10 + 230), "bright"),
            (lambda face: turned(face, 0.9), "turned"),
        ],
    )
    def test_each_fault(self, faces: list[Observation], change: Callable[..., Any], word: str) -> None:
        (problem,) = problems([change(face) for face in faces[:10]])
        assert word in problem

    def test_another_face(self, faces: list[Observation]) -> None:
        assert problems(faces, n_faces=2) == ["there are several faces"]

    def test_one_odd_sighting_says_nothing(self, faces: list[Observation]) -> None:
        assert problems([*faces[:8], None, *faces[9:12]]) == []

    def test_it_comes_and_goes_within_two_seconds(self, faces: list[Observation]) -> None:
        adviser = FaceAdviser()
        assert problems(faces[:20], adviser=adviser) == []
        assert problems([None] * 8, adviser=adviser, begin_s=4.0) == ["no face is seen"]
        assert problems(faces[:8], adviser=adviser, begin_s=5.6) == []

    def test_turned_from_the_usual_pose(self, faces: list[Observation]) -> None:
        adviser = FaceAdviser()
        alive = [turned(face, 0.05 * np.sin(number)) for number, face in enumerate(faces)]
        assert problems(alive, adviser=adviser) == []
        slightly = [turned(face, 0.25) for face in faces[:8]]
        assert all(asymmetry(face.rigid.astype(float)) < 0.2 for face in slightly)
        assert problems(slightly, adviser=adviser, begin_s=10.0) == ["your head is turned"]

    @pytest.mark.parametrize(("fps", "expected"), [(30, []), (24, []), (15, ["only 15 pictures a second"])])
    def test_the_true_frame_rate(self, fps: int, expected: list[str]) -> None:
        adviser = FaceAdviser()
        for number in range(4 * fps):
            adviser.count_picture(number / fps)
        assert [one.problem for one in adviser.advice()] == expected

    def test_the_most_pressing_come_first_and_few(self) -> None:
        lines = summarise([ADVICE["none"], ADVICE["dark"], ADVICE["small"]])
        assert lines == tuple(f"{ADVICE[n].problem}: {ADVICE[n].what_to_do}" for n in ("none", "dark"))

    def test_every_problem_has_a_line_that_fits(self) -> None:
        assert all(len(f"{one.problem}: {one.what_to_do}") < 100 for one in ADVICE.values())


class TestFaceWatch:
    def test_a_dark_picture_is_told_of(self, talker_video: Path) -> None:
        frames = [(frame.image // 6).astype(np.uint8) for frame in islice(read_frames(talker_video), 0, 100, 5)]
        with FaceWatch() as watch:
            for number in range(600):
                watch.offer(frames[number % len(frames)], number / 30)
                time.sleep(0.03)
                if watch.advice():
                    break
            assert [one.problem for one in watch.advice()] == ["your face is dark"]
            assert watch.n_seen < 60  # a few times a second, not every picture

    def test_it_ends_while_nothing_is_offered(self) -> None:
        n_threads = threading.active_count()
        with FaceWatch() as watch:
            assert threading.active_count() > n_threads
        assert watch.advice() == ()
        assert threading.active_count() == n_threads


class TestSound:
    RATE = 48_000

    @pytest.fixture(scope="class")
    def speech(self, talker_video: Path) -> np.ndarray:
        return read_audio(talker_video, self.RATE)[: 6 * self.RATE]

    def advice(self, speech: np.ndarray, background: float = 0.0005) -> list[str]:
        """After two seconds of background and the speech over it, in blocks as a microphone has them."""
        random = np.random.default_rng(0)
        adviser = SoundAdviser(self.RATE)
        for is_speech, samples in ((False, np.zeros(2 * self.RATE)), (True, speech)):
            heard = (samples + background * random.standard_normal(len(samples))).astype(np.float32)
            for start in range(0, len(heard), 480):
                adviser.push(np.clip(heard[start : start + 480], -1, 1), is_speech)
        return [one.problem for one in adviser.advice()]

    def test_good_speech_gets_none(self, speech: np.ndarray) -> None:
        assert self.advice(speech) == []

    @pytest.mark.parametrize(
        ("gain", "background", "expected"),
        [(20, 0.0005, "clipped"), (0.002, 0.00001, "hardly heard"), (0.2, 0.01, "background")],
    )
    def test_each_fault(self, speech: np.ndarray, gain: float, background: float, expected: str) -> None:
        (problem,) = self.advice(gain * speech, background)
        assert expected in problem

    def test_a_new_sentence_begins_anew(self, speech: np.ndarray) -> None:
        adviser = SoundAdviser(self.RATE)
        adviser.push(0.002 * speech, is_speech=True)
        assert adviser.advice()
        adviser.begin_sentence()
        assert adviser.advice() == []

    def test_what_is_not_recorded_is_not_judged(self, speech: np.ndarray) -> None:
        adviser = SoundAdviser(self.RATE)
        adviser.push(0.002 * speech, is_speech=None)
        assert adviser.advice() == []
