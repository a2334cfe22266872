"""The command line with real files: what works, and that whatever is wrong gets one clear line and its exit code."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from media_files import smooth_picture, tags_of

from hygiesync.apps.cli import main
from hygiesync.media.audio import read_audio
from hygiesync.media.video import VideoWriter, probe, read_frames


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run a command line; gives (exit code, standard output, standard error)."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def error_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("hygiesync: error: ")]


def check_refused(result: tuple[int, str, str], code: int, *words: str) -> None:
    """One clear line that names `words`, and no traceback."""
    given, _, err = result
    assert given == code, err
    assert "Traceback" not in err
    assert len(error_lines(err)) == 1, err
    for word in words:
        assert word in error_lines(err)[0]


def write_video(path: Path, pictures: Sequence[np.ndarray], samples: np.ndarray | None = None) -> Path:
    """Pictures at 25 a second, with sound unless `samples` is None."""
    height, width = pictures[0].shape[:2]
    sound: dict[str, Any] = {} if samples is None else {"audio_rate": 16000, "audio_channels": 1}
    with VideoWriter(path, width, height, Fraction(25), **sound) as writer:
        if samples is not None:
            writer.write_audio(samples)
        for number, picture in enumerate(pictures):
            writer.write(picture, Fraction(number, 25))
    return path


def noise(duration_s: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(round(duration_s * 16000)).astype(np.float32)


def wall(n_pictures: int) -> list[np.ndarray]:
    return [smooth_picture(120, 160, number) for number in range(n_pictures)]


def first_pictures(video: Path, n_pictures: int) -> list[np.ndarray]:
    return [frame.image for frame in islice(read_frames(video), n_pictures)]


@pytest.fixture
def speech(tmp_path: Path, held_out_video: Path) -> Path:
    """Two seconds of speech as a wav of 16 kHz."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, read_audio(held_out_video)[8000:40000], 16000)
    return path


class TestHelp:
    def test_names_every_command(self, run: Callable[..., tuple[int, str, str]]) -> None:
        code, out, _ = run("--help")
        assert code == 0
        for command in ("train", "render", "evaluate", "bench", "demo", "info", "doctor"):
            assert command in out

    def test_each_command_explains_itself(self, run: Callable[..., tuple[int, str, str]]) -> None:
        for command in ("train", "render", "evaluate", "bench", "demo", "info", "doctor"):
            code, out, _ = run(command, "--help")
            assert code == 0
            assert "exit codes" in out

    def test_wrong_usage_ends_with_2(self, run: Callable[..., tuple[int, str, str]]) -> None:
        assert run("render")[0] == 2
        assert run("train", "x.mp4", "--out", "y", "--preset", "none")[0] == 2

    def test_is_also_a_module(self) -> None:
        command = [sys.executable, "-m", "hygiesync", "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("hygiesync ")


class TestTrainRefuses:
    def train(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, video: Path, *options: object
    ) -> tuple[int, str, str]:
        result = run("train", video, "--out", tmp_path / "models" / "x", *options)
        left = list((tmp_path / "models").rglob("*")) if (tmp_path / "models").exists() else []
        assert not [path for path in left if path.name == "avatar.json" or ".partial" in path.name]
        return result

    def test_a_missing_file(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
        check_refused(self.train(run, tmp_path, tmp_path / "none.mp4"), 3, "none.mp4", "no such file")

    def test_a_folder(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
        check_refused(self.train(run, tmp_path, tmp_path), 3, "folder")

    def test_a_text_file_named_mp4(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
        text = tmp_path / "text.mp4"
        text.write_text("This is no video.\n" * 100)
        check_refused(self.train(run, tmp_path, text), 3, "text.mp4", "expected a video")

    def test_a_truncated_mp4(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, talker_video: Path
    ) -> None:
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(talker_video.read_bytes()[: talker_video.stat().st_size // 2])
        check_refused(self.train(run, tmp_path, cut), 3, "cut.mp4", "copy")

    @pytest.mark.slow
    def test_no_audio_track(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
        check_refused(self.train(run, tmp_path, write_video(tmp_path / "mute.mp4", wall(250))), 3, "no audio track")

    def test_one_second(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
        short = write_video(tmp_path / "short.mp4", wall(25), noise(1))
        check_refused(self.train(run, tmp_path, short), 3, "1.0 s", "8 s")

    @pytest.mark.slow
    def test_no_face(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
        check_refused(self.train(run, tmp_path, write_video(tmp_path / "wall.mp4", wall(225), noise(9))), 3, "no face")

    @pytest.mark.slow
    def test_a_face_in_under_half_of_the_frames(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, talker_video: Path
    ) -> None:
        pictures = first_pictures(talker_video, 75) + [smooth_picture(512, 512)] * 175
        path = write_video(tmp_path / "mostly wall.mp4", pictures, noise(10))
        check_refused(self.train(run, tmp_path, path), 3, "30%", "50%")

    @pytest.mark.slow
    def test_a_silent_sound_track(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, talker_video: Path
    ) -> None:
        silence = np.zeros(160000, np.float32)
        path = write_video(tmp_path / "silent.mp4", first_pictures(talker_video, 250), silence)
        check_refused(self.train(run, tmp_path, path), 3, "no speech")

    def test_a_destination_that_is_something_else(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, talker_video: Path
    ) -> None:
        (tmp_path / "keep").mkdir()
        (tmp_path / "keep" / "precious.txt").write_text("mine")
        check_refused(run("train", talker_video, "--out", tmp_path / "keep"), 2, "no avatar")
        assert (tmp_path / "keep" / "precious.txt").read_text() == "mine"

    def test_a_lookahead_out_of_range(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, talker_video: Path
    ) -> None:
        check_refused(self.train(run, tmp_path, talker_video, "--lookahead-ms", "900"), 2, "0 to 200")


class TestRenderRefuses:
    def render(
        self, run: Callable[..., tuple[int, str, str]], avatar_directory: Path, audio: Path, out: Path, *options: object
    ) -> tuple[int, str, str]:
        result = run("render", avatar_directory, audio, "--out", out, *options)
        assert not out.is_file() or result[0] == 0
        return result

    def test_an_empty_wav(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path
    ) -> None:
        soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 16000)
        check_refused(self.render(run, avatar_directory, tmp_path / "empty.wav", tmp_path / "o.mp4"), 3, "empty.wav")

    def test_a_wav_with_nan_anywhere(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path
    ) -> None:
        samples = np.zeros(48000, np.float32)
        samples[40000] = np.nan
        soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
        check_refused(self.render(run, avatar_directory, tmp_path / "nan.wav", tmp_path / "o.mp4"), 3, "NaN", "2.5")

    @pytest.mark.slow
    def test_an_unwritable_output(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path
    ) -> None:
        check_refused(self.render(run, avatar_directory, speech, tmp_path / "none" / "o.mp4"), 3, "folder")
        check_refused(self.render(run, avatar_directory, speech, tmp_path), 3, "folder")

    @pytest.mark.parametrize("name", ["o.avi", "o", "o.mp4.wav"])
    def test_another_kind_of_file(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path, name: str
    ) -> None:
        check_refused(self.render(run, avatar_directory, speech, tmp_path / name), 2, "ends in .mp4")

    def test_overwriting_what_it_reads(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, held_out_video: Path
    ) -> None:
        copy = tmp_path / "copy.mp4"
        shutil.copy(held_out_video, copy)
        before = copy.read_bytes()
        check_refused(run("render", avatar_directory, copy, "--out", copy), 2, "also read")
        assert copy.read_bytes() == before

    def test_a_missing_avatar(self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, speech: Path) -> None:
        check_refused(self.render(run, tmp_path / "nobody", speech, tmp_path / "o.mp4"), 3, "nobody", "train")

    @pytest.mark.parametrize(
        "name", ["avatar.json", "face.safetensors", "atlas.mkv", "speech_to_shape.onnx", "idle.mp4"]
    )
    def test_an_avatar_with_one_flipped_byte(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path, name: str
    ) -> None:
        broken = tmp_path / "broken"
        shutil.copytree(avatar_directory, broken)
        content = bytearray((broken / name).read_bytes())
        content[len(content) // 2 if name != "avatar.json" else 0] ^= 0x40
        (broken / name).write_bytes(content)
        check_refused(self.render(run, broken, speech, tmp_path / "o.mp4"), 3, name, "damaged")

    def test_an_avatar_of_a_newer_schema(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path
    ) -> None:
        newer = tmp_path / "newer"
        shutil.copytree(avatar_directory, newer)
        content = json.loads((newer / "avatar.json").read_text())
        (newer / "avatar.json").write_text(json.dumps({**content, "schema_version": 99}))
        check_refused(self.render(run, newer, speech, tmp_path / "o.mp4"), 3, "99", "newer hygiesync")

    def test_a_template_without_video(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path
    ) -> None:
        check_refused(
            self.render(run, avatar_directory, speech, tmp_path / "o.mp4", "--template", speech), 3, "sound only"
        )

    def test_a_nonsensical_rate(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path
    ) -> None:
        check_refused(self.render(run, avatar_directory, speech, tmp_path / "o.mp4", "--fps", "fast"), 2, "frame rate")

    @pytest.mark.parametrize("value", ["-0.5", "3", "nan"])
    def test_an_expressiveness_out_of_range(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path, value: str
    ) -> None:
        result = self.render(run, avatar_directory, speech, tmp_path / "o.mp4", f"--expressiveness={value}")
        check_refused(result, 2, "expressiveness", "0 to 2", value)
        assert not (tmp_path / "o.mp4").exists()


class TestRenders:
    def test_a_path_with_spaces_and_unicode(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path
    ) -> None:
        folder = tmp_path / "mes vidéos %d"
        folder.mkdir()
        audio, out = folder / "-parole 語.wav", folder / "sortie ü.mp4"
        shutil.copy(speech, audio)
        code, _, err = run("render", avatar_directory, audio, "--out", out)
        assert code == 0, err
        assert probe(out).n_frames == 50

    @pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (96000, 2), (48000, 6)])
    def test_any_rate_and_channels(
        self,
        run: Callable[..., tuple[int, str, str]],
        tmp_path: Path,
        avatar_directory: Path,
        speech: Path,
        rate: int,
        channels: int,
    ) -> None:
        samples = np.repeat(read_audio(speech, rate)[:, None], channels, axis=1)
        soundfile.write(tmp_path / "in.wav", samples, rate)
        code, _, err = run("render", avatar_directory, tmp_path / "in.wav", "--out", tmp_path / "o.mp4")
        assert code == 0, err
        assert abs(float(probe(tmp_path / "o.mp4").duration_s) - 2) < 0.05

    def test_says_that_it_is_synthetic(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path, speech: Path
    ) -> None:
        assert run("render", avatar_directory, speech, "--out", tmp_path / "o.mp4")[0] == 0
        tags = tags_of(tmp_path / "o.mp4")
        assert "Synthetic media (speech-driven from sound)" in tags["comment"]
        assert "Consent of the person shown: stated" in tags["comment"]
        assert json.loads(tags["description"])["method"] == "speech-driven from sound"

    def test_info_names_sources_and_consent(
        self, run: Callable[..., tuple[int, str, str]], tmp_path: Path, avatar_directory: Path
    ) -> None:
        code, out, _ = run("info", avatar_directory, "--json", tmp_path / "info.json")
        assert code == 0
        assert "talker.mp4" in out
        assert "stated" in out
        assert json.loads((tmp_path / "info.json").read_text())
