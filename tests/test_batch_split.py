"""Long jobs in parts: which steps are done when, and that a table's row has one output and one line all the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from batch_work import AtOnce

from hygiesync.apps.cli import main
from hygiesync.batch.driving import Stop, Tally, run_batch
from hygiesync.batch.engine import Work
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.job import Job, Made
from hygiesync.batch.kinds.parts import Hearing, Part
from hygiesync.batch.kinds.speaking import Manner, Speaking
from hygiesync.batch.manifest import MANIFEST, Manifest, read_manifest
from hygiesync.batch.outputs import PARTS, FolderOutputs
from hygiesync.batch.splitting import Splitter
from hygiesync.errors import InputError
from hygiesync.media.audio import read_audio, write_wav
from hygiesync.media.video import probe, read_frames

RATE = 8000


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """A short sound, then a long one of 42 s."""
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "avatar.json").write_text("{}")
    for name, duration_s in (("short", 3), ("long", 42)):
        write_wav(tmp_path / f"{name}.wav", np.zeros(duration_s * RATE), RATE)
    return [
        Job(row, f"{name}.mp4", Speaking(str(tmp_path / "me"), str(tmp_path / f"{name}.wav"), None, Manner()))
        for row, name in enumerate(("short", "long"), 2)
    ]


def stand_in(folder: Path, done: list[str], fails: str = "", then: Callable[[str], None] | None = None) -> Work:
    """Notes what it is asked to do, and tells of what is done."""
    outputs, fingerprints = FolderOutputs(folder), Fingerprints()

    def work(job: Job) -> Made:
        number = f" {job.task.number}" if isinstance(job.task, Part) else ""
        name = f"{type(job.task).__name__}{number}"
        done.append(name)
        if name == fails:
            raise InputError("this step fails")
        with outputs.finished(job.out) as unfinished:
            if isinstance(job.task, Hearing):
                unfinished.mkdir()
            (unfinished / job.task.proof).write_text(name)
        if then is not None:
            then(name)
        return Made(42.0, len(name), "no sum", fingerprints.of(job.task))

    return work


def do(folder: Path, jobs: list[Job], work: Work, stop: Stop | None = None) -> Tally:
    outputs = FolderOutputs(folder)
    with Manifest(folder / MANIFEST, outputs) as manifest, outputs.without_leftovers():
        return run_batch(jobs, AtOnce(work), manifest, splitter=Splitter(outputs, 20.0), stop=stop)


def test_a_long_sound_is_heard_drawn_in_parts_and_joined(tmp_path: Path, jobs: list[Job]) -> None:
    done: list[str] = []
    tally = do(tmp_path, jobs, stand_in(tmp_path, done))
    assert done == ["Speaking", "Hearing", "Part 0", "Part 1", "Joining"]
    assert (tally.n_made, tally.n_ended) == (2, 2)
    assert (tmp_path / "long.mp4").read_text() == "Joining"
    assert not (tmp_path / PARTS).exists()
    assert [record["out"] for record in read_manifest(tmp_path / MANIFEST)] == ["short.mp4", "long.mp4"]
    assert do(tmp_path, jobs, stand_in(tmp_path, done)).n_kept == 2
    assert len(done) == 5


@pytest.mark.parametrize(
    ("after", "rest"),
    [
        ("Hearing", ["Part 0", "Part 1", "Joining"]),
        ("Part 0", ["Part 1", "Joining"]),
        ("Part 1", ["Joining"]),
    ],
)
def test_an_interrupted_one_goes_on_where_it_was(tmp_path: Path, jobs: list[Job], after: str, rest: list[str]) -> None:
    done: list[str] = []
    stop = Stop()

    def ask(step: str) -> None:
        if step == after:
            stop.ask()

    assert do(tmp_path, jobs[1:], stand_in(tmp_path, done, then=ask), stop).n_ended == 0
    assert done[-1] == after
    done.clear()
    assert do(tmp_path, jobs[1:], stand_in(tmp_path, done)).n_made == 1
    assert done == rest


@pytest.mark.parametrize("step", ["Hearing", "Part 0", "Part 1", "Joining"])
def test_a_step_that_fails_fails_the_row_alone(tmp_path: Path, jobs: list[Job], step: str) -> None:
    tally = do(tmp_path, jobs[::-1], stand_in(tmp_path, [], step))
    (failure,) = tally.failures
    assert (failure.job.out, failure.error) == ("long.mp4", "this step fails")
    assert (tally.n_made, tally.n_ended) == (1, 2)
    assert not (tmp_path / "long.mp4").exists()
    assert do(tmp_path, jobs, stand_in(tmp_path, [])).n_made == 1


@pytest.mark.slow
def test_a_row_in_parts_is_the_video_that_it_would_be(portrait_avatar_directory: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=40 * RATE) * np.repeat([0.1, 0.001], 2 * RATE).repeat(10)[: 40 * RATE]
    write_wav(tmp_path / "long.wav", noise, RATE)
    command = ["batch", str(tmp_path / "long.wav"), "--avatar", str(portrait_avatar_directory), "--set", "fps=1",
               "--set", "life=still", "--set", "crf=0", "--workers", "1"]  # fmt: skip
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    assert main([*command, "--out", str(tmp_path / "parts"), "--split", "20"]) == 0
    whole, parts = (tmp_path / name / "long.mp4" for name in ("whole", "parts"))
    assert probe(parts).duration_s == probe(whole).duration_s
    for one, other in zip(read_frames(parts), read_frames(whole), strict=True):
        assert one.time_s == other.time_s
        np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(read_audio(parts), read_audio(whole))
    (record,) = read_manifest(tmp_path / "parts" / MANIFEST)
    assert (record["out"], record["state"]) == ("long.mp4", "done")
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["long.mp4", MANIFEST]


def test_parts_may_not_be_too_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "a.csv", "--out", "videos", "--split", "5"]) == 2
    assert "--split: expected auto, no or at least 20 seconds" in capsys.readouterr().err
