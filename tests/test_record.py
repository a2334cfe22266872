"""`hygiesync record` with files in place of camera and microphone, in real time: what is on disk is what was filmed."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from present import present

from hygiesync.apps.cli import main
from hygiesync.apps.commands import common, train
from hygiesync.apps.record import recorder
from hygiesync.apps.record.manifest import MANIFEST, RecordingManifest
from hygiesync.apps.record.options import RecordOptions, RecordResult
from hygiesync.apps.record.recorder import record
from hygiesync.apps.record.session import NEXT, PAUSE, PREVIOUS, QUIT, RETAKE, Phase, Session
from hygiesync.devices.camera.camera import CameraFrame, FileCamera
from hygiesync.devices.window.layout import Panel
from hygiesync.errors import InputError, MissingDependencyError, UsageError
from hygiesync.media.audio import probe_audio, read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames

RATE, FPS = 48_000, 30
CLAP_EVERY = 12
"""Pictures from one clap to the next: 0.4 s."""

GREY = 10
"""Levels between two digits of a picture's number, which count to twenty."""


class NoFaces:
    """In place of the search for faces, where faces don't matter."""

    def __init__(self, face: object = None) -> None:
        pass

    def __enter__(self) -> NoFaces:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def offer(self, image: np.ndarray, time_s: float) -> None:
        pass

    def advice(self) -> tuple[()]:
        return ()


@pytest.fixture
def faceless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "FaceWatch", NoFaces)


@pytest.fixture(scope="module")
def claps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of flashes and clicks; two greys of a picture tell its number."""
    folder = tmp_path_factory.mktemp("claps")
    with VideoWriter(folder / "flash.mp4", 96, 64, Fraction(FPS), crf=4, preset="ultrafast") as writer:
        for n in range(10 * FPS):
            image = np.zeros((64, 96, 3), np.uint8)
            image[:32] = 255 if n % CLAP_EVERY == 0 else 0
            image[32:, :48], image[32:, 48:] = 20 + GREY * (n % 20), 20 + GREY * (n // 20)
            writer.write(image, Fraction(n, FPS))
    times_s = np.arange(10 * RATE) / RATE
    clicks = np.where(times_s % (CLAP_EVERY / FPS) < 0.01, 0.8 * np.cos(2 * np.pi * 2000 * times_s), 0)
    soundfile.write(folder / "click.wav", clicks, RATE)
    return folder


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five short sentences of a second each, about."""
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text("One.\nTwo.\nThree.\nFour.\nFive.\n")
    return path


@pytest.fixture(scope="module")
def talker_wav(talker_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wav") / "talker.wav"
    soundfile.write(path, read_audio(talker_video, 44_100), 44_100)
    return path


def flashes_and_clicks(path: Path) -> tuple[np.ndarray, np.ndarray]:
    flashes = [float(f.time_s) for f in read_frames(path) if f.image[:24].mean() > 128]
    loud = np.flatnonzero(np.abs(read_audio(path, RATE)) > 0.25)
    return np.array(flashes), loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 10)] / RATE


def check_in_sync(path: Path, n_at_least: int) -> None:
    """Each flash has its click within 5 ms; a clap at the file's or a cut's very edge may have lost one of the two."""
    flashes, clicks = flashes_and_clicks(path)
    nearest = np.abs(flashes[:, None] - clicks[None, :]).min(axis=1)
    assert np.sum(nearest < 0.005) >= max(n_at_least, len(flashes) - 2), (flashes, clicks)


def numbers(path: Path) -> np.ndarray:
    """Numbers of the pictures of `claps` that a video holds."""
    greys = [(f.image[40:, 8:40].mean(), f.image[40:, 56:88].mean()) for f in read_frames(path)]
    low, high = np.round((np.array(greys).T - 20) / GREY).astype(int)
    return low + 20 * high


class TestFromEndToEnd:
    @pytest.fixture(scope="class")
    def recorded(
        self, talker_video: Path, talker_wav: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[Path, dict[str, Any], list[str]]:
        """(folder, JSON, what was told) of a recording of the talker, by the command line."""
        folder = tmp_path_factory.mktemp("record") / "take here"
        with pytest.MonkeyPatch.context() as patch:
            told: list[str] = []
            patch.setattr(common, "say_so", told.append)
            arguments = ["record", "me", "--camera", talker_video, "--input-device", talker_wav, "--no-window"]
            arguments += ["--seconds-of-silence", "0.5", "--duration", "5.2", "--out", folder]
            arguments += ["--json", folder.parent / "told.json", "--language", "fr"]
            code = main([str(argument) for argument in arguments])
        assert code == 0
        return folder, json.loads((folder.parent / "told.json").read_text(encoding="utf-8")), told

    @pytest.mark.slow
    def test_the_video_is_what_was_filmed(
        self, recorded: tuple[Path, dict[str, Any], list[str]], talker_video: Path
    ) -> None:
        folder, _, _ = recorded
        info = probe(folder / "me.mp4")
        assert (info.width, info.height, info.has_audio) == (512, 512, True)
        assert float(info.duration_s) == pytest.approx(5.2, abs=0.2)
        assert probe_audio(folder / "me.mp4").sample_rate == 44_100  # as the microphone gives it
        pictures = [frame.image for frame in islice(read_frames(folder / "me.mp4"), 0, 120, 40)]
        source = [frame.image for frame in islice(read_frames(talker_video), 150)]
        for number, picture in enumerate(pictures):
            errors = [np.abs(picture[::4, ::4].astype(int) - image[::4, ::4]).mean() for image in source]
            assert min(errors) < 2.0, number  # finer than the eye sees

    def test_pictures_and_sound_are_in_time(
        self, recorded: tuple[Path, dict[str, Any], list[str]], talker_video: Path
    ) -> None:
        folder, _, _ = recorded
        sound, source = read_audio(folder / "me.mp4"), read_audio(talker_video)
        part = sound[16_000:64_000]
        likeness = np.correlate(source[: 16_000 * 6], part, "valid")
        sound_late_s = 1.0 - int(np.argmax(likeness)) / 16_000
        frames = list(islice(read_frames(talker_video), 150))
        picture = next(islice(read_frames(folder / "me.mp4"), 100, None))
        errors = [np.abs(picture.image[::4, ::4].astype(int) - frame.image[::4, ::4]).mean() for frame in frames]
        picture_late_s = float(picture.time_s - frames[int(np.argmin(errors))].time_s)
        assert sound_late_s == pytest.approx(picture_late_s, abs=0.005)

    def test_the_manifest_tells_what_was_read_when(self, recorded: tuple[Path, dict[str, Any], list[str]]) -> None:
        folder, _, _ = recorded
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        (take,) = manifest["takes"]
        assert (manifest["name"], manifest["language"], manifest["state"]) == ("me", "fr", "stopped")
        assert (take["camera"], take["microphone"]) == ("talker.mp4", "talker.wav")
        assert (take["width"], take["height"], take["fps"], take["sample_rate"]) == (512, 512, "25", 44_100)
        assert (take["n_pictures_dropped"], take["n_samples_filled"]) == (0, 0)
        readings = take["readings"]
        assert [one["kind"] for one in readings[:3]] == ["silence", "rest", "sentence"]
        assert readings[0]["start_s"] == 0
        assert readings[0]["end_s"] == pytest.approx(0.5, abs=0.05)
        for earlier, later in pairwise(readings):
            assert later["start_s"] == pytest.approx(earlier["end_s"], abs=1e-6)
        assert readings[-1]["end_s"] == pytest.approx(take["duration_s"], abs=0.05)
        assert (readings[2]["text"], readings[2]["manner"]) == (manifest["script"][2]["text"], "calm")
        assert (readings[2]["is_complete"], manifest["sentences"]) == (False, [])  # it was broken off
        assert manifest["silence"][0]["end_s"] == pytest.approx(0.5, abs=0.05)

    def test_it_can_be_trained_on(self, recorded: tuple[Path, dict[str, Any], list[str]]) -> None:
        folder, told, _ = recorded
        assert told["videos"] == []  # five seconds are too short
        told_of = RecordResult(folder, RecordingManifest.load(folder), (folder / "me.mp4",), ())
        assert told_of.train_command == f"hygiesync train '{folder}/me.mp4' --out models/me"

    def test_a_terminal_is_told_what_to_read(self, recorded: tuple[Path, dict[str, Any], list[str]]) -> None:
        _, told, lines = recorded
        assert any(told["script"][2]["text"] in line for line in lines)
        assert not any("Traceback" in line for line in lines)


@pytest.mark.usefixtures("faceless")
class TestClaps:
    def options(self, claps: Path, text: Path | None, tmp_path: Path, **options: Any) -> RecordOptions:
        usual: dict[str, Any] = dict(
            name="clap", camera=str(claps / "flash.mp4"), input_device=str(claps / "click.wav"), out=tmp_path / "clap",
            text=text, seconds_of_silence=0, has_window=False,
        )  # fmt: skip
        return RecordOptions(**usual | options)

    @pytest.mark.slow
    def test_a_clap_is_seen_when_it_is_heard(self, claps: Path, text: Path, tmp_path: Path) -> None:
        three = tmp_path / "three.txt"
        three.write_text("One.\nTwo.\nThree.\n")
        result = record(self.options(claps, three, tmp_path), lambda line: None)
        path = tmp_path / "clap" / "clap.mp4"
        assert result.is_complete
        check_in_sync(path, 7)
        assert next(read_frames(path)).time_s == 0
        np.testing.assert_array_equal(np.diff(numbers(path)), 1)  # every picture, once
        assert [one["text"] for one in result.to_dict()["sentences"]] == ["One.", "Two.", "Three."]
        assert result.videos == ()  # four seconds are too short to train on
        assert "too short" in result.summary()

    @pytest.mark.slow
    def test_what_is_read_again_is_cut_out(
        self, claps: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Keys at given times: a sentence read again, one gone back to, a pause, and the end looked back on."""
        keys = [
            (0.2, NEXT), (0.3, NEXT), (1.0, NEXT), (1.7, RETAKE), (2.5, NEXT), (3.1, PREVIOUS), (3.9, NEXT),
            (4.4, PAUSE), (5.4, NEXT), (5.5, NEXT), (6.2, NEXT), (6.9, NEXT), (7.6, NEXT), (8.0, NEXT),
        ]  # fmt: skip
        phases = press(monkeypatch, keys)
        result = record(self.options(claps, text, tmp_path, has_window=True), lambda line: None)
        assert phases >= {Phase.PAUSED, Phase.COUNTDOWN, Phase.READING, Phase.REVIEW}
        (take,) = result.manifest.takes
        assert result.is_complete
        assert [(r.item, r.is_superseded) for r in take.readings] == [
            (0, False), (1, True), (1, True), (2, True), (1, False), (2, True), (2, False), (3, False), (4, False),
        ]  # fmt: skip
        folder = tmp_path / "clap"
        assert take.cut == "clap.cut.mp4"
        check_in_sync(folder / take.video, 12)
        check_in_sync(folder / take.cut, 6)

        # the cut holds exactly the pictures that are not in a superseded reading
        whole = list(zip(numbers(folder / take.video), read_frames(folder / take.video), strict=True))
        superseded = [(r.start_s, r.end_s) for r in take.readings if r.is_superseded]
        wanted = [n for n, f in whole if not any(a - 1e-3 <= f.time_s < b - 1e-3 for a, b in superseded)]
        assert len(wanted) < len(whole) - 60
        np.testing.assert_array_equal(numbers(folder / take.cut), wanted)
        # and each sentence of the manifest begins in it with the same picture as in the whole
        cut = list(zip(numbers(folder / take.cut), read_frames(folder / take.cut), strict=True))
        for one, reading in zip(result.to_dict()["sentences"], [r for r in take.readings if r.counts], strict=True):
            in_whole = next(n for n, frame in whole if frame.time_s >= reading.start_s - 1e-3)
            in_cut = next(n for n, frame in cut if frame.time_s >= one["start_s"] - 1e-3)
            assert (one["text"], in_cut) == (reading.text, in_whole)
        assert "4 broken off or read again" in result.summary()

    @pytest.mark.slow
    def test_nothing_of_the_pause_is_filmed(
        self, claps: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        press(monkeypatch, [(0.1, NEXT), (0.2, NEXT), (0.9, NEXT), (1.0, PAUSE), (2.0, NEXT), (2.1, NEXT), (3.0, QUIT)])
        result = record(self.options(claps, text, tmp_path, has_window=True), lambda line: None)
        found = numbers(tmp_path / "clap" / "clap.mp4")
        steps = np.diff(found)
        assert steps.min() == 1
        assert np.sum(steps > 1) == 1
        assert steps.max() == pytest.approx(1.1 * FPS, abs=8)
        assert result.manifest.state == "stopped"
        check_in_sync(tmp_path / "clap" / "clap.mp4", 3)

    @pytest.mark.slow
    def test_it_stops_when_the_files_are_over(self, claps: Path, text: Path, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "short.wav", soundfile.read(claps / "click.wav", 4 * RATE)[0], RATE)
        short = str(tmp_path / "short.wav")
        result = record(self.options(claps, text, tmp_path, input_device=short), lambda line: None)
        assert (result.is_complete, result.manifest.state) == (False, "stopped")
        assert float(probe(tmp_path / "clap" / "clap.mp4").duration_s) == pytest.approx(3.6, abs=0.3)
        assert "hygiesync record clap --resume --out" in result.summary()

        again = record(self.options(claps, None, tmp_path, resume=True, duration_s=1.0), lambda line: None)
        assert [take.video for take in again.manifest.takes] == ["clap.mp4", "clap-2.mp4"]
        first_new = again.manifest.takes[1].readings[0]
        assert first_new.item == again.manifest.takes[0].readings[-1].item  # which was broken off
        assert RecordingManifest.load(tmp_path / "clap") == again.manifest

    @pytest.mark.slow
    def test_a_camera_that_is_unplugged(
        self, claps: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Unplugged(FileCamera):
            def read(self, timeout_s: float) -> CameraFrame | None:
                frame = super().read(timeout_s)
                if frame is not None and frame.host_s > present(self.begins_s) + 2:
                    raise MissingDependencyError("camera Laptop is gone; plug it in again")
                return frame

        told: list[str] = []
        monkeypatch.setattr(recorder, "open_camera", Unplugged)
        with pytest.raises(MissingDependencyError, match="is gone"):
            record(self.options(claps, text, tmp_path), told.append)
        assert "--resume" in told[-1]
        manifest = RecordingManifest.load(tmp_path / "clap")
        assert (manifest.state, manifest.takes[0].readings[-1].is_complete) == ("stopped", False)
        check_in_sync(tmp_path / "clap" / "clap.mp4", 3)
        assert float(probe(tmp_path / "clap" / "clap.mp4").duration_s) == pytest.approx(1.7, abs=0.35)

    def test_leaving_before_the_beginning_leaves_nothing(
        self, claps: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        press(monkeypatch, [(0.2, QUIT)])
        result = record(self.options(claps, text, tmp_path, has_window=True), lambda line: None)
        assert result.summary() == "nothing was recorded"
        assert not (tmp_path / "clap").exists()

    @pytest.mark.slow
    def test_nothing_is_overwritten_unless_asked(self, claps: Path, text: Path, tmp_path: Path) -> None:
        folder = tmp_path / "clap"
        folder.mkdir()
        (folder / "clap.mp4").write_bytes(b"precious")
        (folder / "letter.txt").write_bytes(b"mine")
        with pytest.raises(UsageError, match="--overwrite"):
            record(self.options(claps, text, tmp_path), lambda line: None)
        with pytest.raises(InputError):  # what goes wrong before anything is filmed costs nothing
            record(self.options(claps, text, tmp_path, overwrite=True, camera="no.mp4"), lambda line: None)
        assert (folder / "clap.mp4").read_bytes() == b"precious"
        record(self.options(claps, text, tmp_path, overwrite=True, duration_s=0.5), lambda line: None)
        assert probe(folder / "clap.mp4").n_frames > 10
        assert (folder / "letter.txt").read_bytes() == b"mine"


def press(monkeypatch: pytest.MonkeyPatch, keys: list[tuple[float, str]]) -> set[Phase]:
    """Put a window in place of the real one, in which keys are pressed at seconds after the first picture."""

    phases: set[Phase] = set()

    class Presser:
        begin_s: float | None = None

        def __init__(self, *_: object, **__: object) -> None:
            self.left = list(keys)

        def __enter__(self) -> Presser:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def poll(self) -> list[str]:
            import time

            Presser.begin_s = Presser.begin_s or time.perf_counter()
            due = []
            while self.left and self.left[0][0] <= time.perf_counter() - Presser.begin_s:
                due.append(self.left.pop(0)[1])
            return due

        def show(self, picture: np.ndarray, panels: object) -> None:
            assert picture.dtype == np.uint8

    panels_of = sys.modules["hygiesync.apps.record.filming"].panels

    def watched(session: Session, *rest: Any) -> list[Panel]:
        phases.add(session.phase)
        return panels_of(session, *rest)

    monkeypatch.setattr("hygiesync.apps.record.filming.panels", watched)
    monkeypatch.setattr(recorder, "Window", Presser)
    return phases


class TestRefusals:
    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", "../x", "a/b", "/tmp/x", "a\\b", "-x", ".hidden", "x.", "a\nb", "a\0b", " x", "x" * 65, "a:b"],
    )
    def test_hostile_names(
        self, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["record", "--no-window", "--", name]) == 2
        err = capsys.readouterr().err
        assert err.startswith("hygiesync: error: name: expected letters")
        assert err.count("\n") == 1
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["me", "--duration", "0"], 2, "duration"),
            (["me", "--duration", "nan"], 2, "duration"),
            (["me", "--seconds-of-silence", "-3"], 2, "seconds of silence"),
            (["me", "--resume"], 2, "nothing"),
            (["me", "--resume", "--overwrite"], 2, "leave out --overwrite"),
            (["me", "--text", "none.txt"], 3, "none.txt"),
            (["me", "--out", "taken"], 3, "is a file"),
            (["me", "--camera", "no.mp4", "--input-device", "s.wav"], 3, "no.mp4"),
        ],
    )
    def test_other_nonsense(
        self,
        arguments: list[str],
        code: int,
        words: str,
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "taken").touch()
        soundfile.write(tmp_path / "s.wav", np.zeros(48000), 48000)
        assert main(["record", "--no-window", *arguments]) == code
        err = capsys.readouterr().err
        assert words in err or words == "nothing"
        assert err.count("\n") == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["s.wav", "taken"]

    def test_a_damaged_manifest(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / MANIFEST).write_text('{"schema_version": 1, "takes": [{}]}')
        assert main(["record", "me", "--resume", "--no-window", "--out", str(tmp_path)]) == 3
        assert "damaged" in capsys.readouterr().err


class TestOffer:
    @pytest.fixture
    def trained(
        self, monkeypatch: pytest.MonkeyPatch, faceless: None, claps: Path, text: Path, tmp_path: Path
    ) -> tuple[list[Namespace], list[str]]:
        """Command lines that training is started with, after a whole recording of more than eight seconds."""
        calls = []

        def take(arguments: Namespace) -> int:
            calls.append(arguments)
            return 0

        monkeypatch.setattr(train, "run", take)
        monkeypatch.setattr(recorder, "MIN_VIDEO_S", 1)
        one = tmp_path / "one.txt"
        one.write_text("Hi.\n")
        arguments = ["record", "me", "--no-window", "--text", str(one), "--seconds-of-silence", "0"]
        arguments += ["--camera", str(claps / "flash.mp4"), "--input-device", str(claps / "click.wav")]
        monkeypatch.chdir(tmp_path)
        return calls, arguments

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("is_terminal", "answer", "n_calls"), [(True, "y\n", 1), (True, "\n", 0), (False, "y\n", 0)]
    )
    def test_a_person_is_asked_a_script_is_told(
        self,
        trained: tuple[list[Namespace], list[str]],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        is_terminal: bool,
        answer: str,
        n_calls: int,
    ) -> None:
        calls, arguments = trained
        monkeypatch.setattr(common, "is_terminal", lambda: is_terminal)
        monkeypatch.setattr(sys, "stdin", type("Typed", (), {"readline": lambda self: answer})())
        assert main(arguments) == 0
        assert "hygiesync train recordings/me/me.mp4 --out models/me" in capsys.readouterr().out
        assert len(calls) == n_calls
        for call in calls:
            assert [str(path) for path in call.videos] == ["recordings/me/me.mp4"]
            assert str(call.out) == "models/me"
