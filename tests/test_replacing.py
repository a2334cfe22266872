"""An older file stays as it is until the new one is whole, whatever writes it and however that ends."""

import json
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hygiesync.building.job import Job
from hygiesync.building.workshop import open_workshop
from hygiesync.errors import InputError, UsageError
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.media.replacing import replaced
from hygiesync.media.video import VideoWriter, read_frames

OLD = b"an older film"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "out.mp4"
    path.write_bytes(OLD)
    return path


def write_pictures(path: Path, n_frames: int, error: BaseException | None = None, *, keeps: bool = False) -> None:
    with VideoWriter(path, 32, 32, Fraction(25), preset="ultrafast", keeps_fragments=keeps) as writer:
        for number in range(n_frames):
            writer.write(np.zeros((32, 32, 3), np.uint8), Fraction(number, 25))
            assert path.read_bytes() == OLD
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("bad sound"), MemoryError()])
@pytest.mark.parametrize("n_frames", [0, 40])
def test_what_fails_leaves_the_older_film(old: Path, error: BaseException, n_frames: int) -> None:
    with pytest.raises(type(error)):
        write_pictures(old, n_frames, error)
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


def test_a_film_of_nothing_leaves_the_older_one(old: Path) -> None:
    with pytest.raises(InputError, match="not one picture"):
        write_pictures(old, 0)
    assert list(old.parent.iterdir()) == [old]


def test_a_whole_film_takes_the_place(old: Path) -> None:
    write_pictures(old, 12)
    assert len(list(read_frames(old))) == 12
    assert list(old.parent.iterdir()) == [old]


def test_what_is_kept_of_a_recording_lies_beside_the_older_film(old: Path) -> None:
    """A recording that failed is kept, as it can't be had again, but at no other film's cost."""
    for name in ("out.unfinished.mp4", "out.unfinished-2.mp4"):
        with pytest.raises(KeyboardInterrupt):
            write_pictures(old, 30, KeyboardInterrupt(), keeps=True)
        assert old.read_bytes() == OLD
        assert len(list(read_frames(old.with_name(name)))) == 30


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(OLD)
    (tmp_path / "link.mp4").symlink_to("film.mp4")
    write_pictures(tmp_path / "link.mp4", 12)
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(list(read_frames(tmp_path / "film.mp4"))) == 12


def test_a_wav_that_fails_leaves_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    write_wav(path, np.full(1600, 0.5, np.float32), 16_000)
    with pytest.raises(InputError):
        write_wav(path, np.full(10, np.nan, np.float32), 16_000)
    with pytest.raises(RuntimeError), replaced(path) as beside:
        beside.write_bytes(b"half")
        raise RuntimeError
    assert len(read_audio(path)) == 1600
    assert list(tmp_path.iterdir()) == [path]


def job_of(video: Path, seed: int = 0) -> Job:
    return Job((video,), "fast", 8, seed)


def test_two_trainings_of_one_name_are_refused_at_once(tmp_path: Path) -> None:
    video, out = tmp_path / "me.mp4", tmp_path / "models" / "me"
    video.write_bytes(OLD)
    notes: list[str] = []
    with open_workshop(out, job_of(video), resume=False, warn=notes.append) as workshop:
        (workshop / "track-0.safetensors").write_bytes(b"work")
        for resume in (False, True):
            with pytest.raises(UsageError, match=r"me: process \d+ is training an avatar of that name"):
                _enter(out, job_of(video), resume=resume)
        assert (workshop / "track-0.safetensors").read_bytes() == b"work"
    assert not workshop.exists()
    assert not notes


def test_an_interrupted_training_is_resumed_by_the_same_job_only(tmp_path: Path) -> None:
    video, out = tmp_path / "me.mp4", tmp_path / "me"
    video.write_bytes(OLD)
    with pytest.raises(KeyboardInterrupt), open_workshop(out, job_of(video), resume=False, warn=_no_note) as workshop:
        (workshop / "track-0.safetensors").write_bytes(b"work")
        raise KeyboardInterrupt
    with pytest.raises(UsageError, match="other videos or options"):
        _enter(out, job_of(video, seed=1), resume=True)
    with pytest.raises(KeyboardInterrupt), open_workshop(out, job_of(video), resume=True, warn=_no_note):
        assert (workshop / "track-0.safetensors").read_bytes() == b"work"
        raise KeyboardInterrupt
    with open_workshop(out, job_of(video), resume=False, warn=_no_note):
        assert not (workshop / "track-0.safetensors").exists()
        assert json.loads((workshop / "job.json").read_text())["preset"] == "fast"


def test_of_many_that_begin_together_one_trains(tmp_path: Path) -> None:
    video, out = tmp_path / "me.mp4", tmp_path / "me"
    video.write_bytes(OLD)
    begun, together = [], threading.Barrier(4)

    def begin() -> None:
        together.wait()
        try:
            with open_workshop(out, job_of(video), resume=False, warn=_no_note):
                begun.append(True)
                together.wait()
        except UsageError:
            begun.append(False)
            together.wait()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [False, False, False, True]


def _enter(out: Path, job: Job, *, resume: bool) -> None:
    with open_workshop(out, job, resume=resume, warn=_no_note):
        raise AssertionError("two at a time")


def _no_note(message: str) -> None:
    raise AssertionError(message)
