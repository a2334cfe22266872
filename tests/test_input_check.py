"""`hygiesync check`: what a file is and what would be taken from it; notes are those of training and rendering."""

import json
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_people import Speaker
from media_files import clicks, write_media

from hygiesync.apps.cli import main
from hygiesync.media.audio import write_wav
from hygiesync.media.images import write_png
from hygiesync.media.sound_survey import survey_sound
from hygiesync.media.video import VideoWriter
from hygiesync.media.video_survey import survey_video

RATE = 16_000


def checked(capsys: pytest.CaptureFixture[str], tmp_path: Path, *files: Path | str) -> tuple[int, list[dict], str]:
    """Exit code, what programs read, and what people read."""
    code = main(["check", *map(str, files), "--json", str(tmp_path / "found.json")])
    return code, json.loads((tmp_path / "found.json").read_text()), capsys.readouterr().out


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a face, with sound that is quiet and ends early."""
    path = tmp_path_factory.mktemp("check") / "me.mp4"
    speaker = Speaker(0, 160)
    with VideoWriter(path, 160, 160, Fraction(25), audio_rate=RATE, audio_channels=1, preset="ultrafast") as writer:
        writer.write_audio(0.003 * np.random.default_rng(0).normal(size=RATE // 4).astype(np.float32))
        for number in range(25):
            writer.write(speaker.picture(0.1 * (number % 5)), Fraction(number, 25))
    return path


def test_a_video_is_told_with_all_that_would_be_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, video: Path
) -> None:
    code, (found,), text = checked(capsys, tmp_path, video)
    assert (code, found["kind"], found["error"]) == (0, "video", None)
    assert found["facts"]["pictures"].startswith("160x160, 25 a second, 25 in 1.0 s, h264")
    assert found["facts"]["face"] == "one person"
    assert found["facts"]["sound"].startswith("track 1 of 1, 16000 Hz, 1 channels")
    notes = [finding["text"] for finding in found["findings"]]
    assert [note.split(",")[0] for note in notes] == ["its sound is quiet", "its sound ends at 0.3 s"]
    repair = shlex.split(found["findings"][0]["repair"])
    assert repair[:3] == ["ffmpeg", "-i", f"file:{video}"]
    assert any(argument.startswith("volume=") for argument in repair)
    assert text.splitlines()[0] == f"{video}: video"


def test_what_can_not_be_used_is_named_and_stops_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_wav(tmp_path / "good.wav", np.full(RATE, 0.1, np.float32), RATE)
    (tmp_path / "text.mp4").write_text("no video")
    write_png(tmp_path / "wall.png", np.full((96, 96, 3), 120, np.uint8))
    wall = write_media(tmp_path / "wall.mp4", times_s=[Fraction(n, 25) for n in range(5)])
    files = [tmp_path / "none.wav", tmp_path / "text.mp4", tmp_path / "wall.png", wall, tmp_path / "good.wav"]
    code, found, text = checked(capsys, tmp_path, *files)
    assert code == 3
    reasons = ["no such file", "expected a video or audio file", "no face was found", "no face was found", None]
    for one, reason in zip(found, reasons, strict=True):
        assert (one["error"] is None) if reason is None else (reason in one["error"])
    assert text.count("can not be used") == 4
    assert found[-1]["kind"] == "sound"


def test_notes_on_time_and_sound_are_those_that_are_told_later(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.mkv",
        times_s=[Fraction(n, 25) for n in range(25)],
        samples=clicks((0.5,), 1, 48_000),
        muxer_options={"output_ts_offset": "12"},
    )
    assert list(survey_video(path).notes()) == ["its clock begins at 12.000 s; that counts as 0, for the sound as well"]
    assert survey_video(path, is_whole=True).n_frames == 25
    assert not list(survey_sound(path).lengths(Fraction(1)))


def test_uneven_pictures_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    times = [Fraction(n, 25) + (Fraction(1, 50) if n % 3 == 1 else 0) for n in range(12)]
    path = write_media(tmp_path / "a.mp4", times_s=times)
    _, (found,), _ = checked(capsys, tmp_path, path)
    assert "unevenly" in found["facts"]["pictures"]


def test_a_wrong_choice_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", "a.mp4", "--face", "middle"]) == 2
    assert "--face: expected a number from 1" in capsys.readouterr().err
