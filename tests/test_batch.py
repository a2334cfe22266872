"""Batches with real processes: what fails fails alone, and whoever is killed loses only what was under way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from batch_work import ALWAYS_KILLED, BAD, FAULTY, KILLED_ONCE, SLEEPS, AtOnce, jobs_of, make_work

from hygiesync.apps.cli import main
from hygiesync.batch.driving import Stop, Tally, run_batch
from hygiesync.batch.job import Job
from hygiesync.batch.kinds.speaking import Manner
from hygiesync.batch.local import LocalEngine
from hygiesync.batch.manifest import MANIFEST, Manifest, read_manifest
from hygiesync.batch.outputs import UNFINISHED, FolderOutputs
from hygiesync.errors import UsageError
from hygiesync.media.video import probe
from hygiesync.pipelines.offline import RenderOptions

PATIENCE_S = 60
"""After so long something hangs."""


@pytest.fixture
def avatar(tmp_path: Path) -> Path:
    """As much of an avatar as its hash needs."""
    folder = tmp_path / "me"
    folder.mkdir()
    (folder / "avatar.json").write_text("{}")
    return folder


def do(folder: Path, jobs: Sequence[Job], n_workers: int, **more: Any) -> Tally:
    """A batch in processes."""
    work = partial(make_work, folder)
    with Manifest(folder / MANIFEST, FolderOutputs(folder)) as manifest, LocalEngine(work, n_workers) as engine:
        return run_batch(jobs, engine, manifest, **more)


def do_here(folder: Path, jobs: Sequence[Job]) -> Tally:
    """A batch in this process, where it doesn't matter whose it is."""
    with Manifest(folder / MANIFEST, FolderOutputs(folder)) as manifest:
        return run_batch(jobs, AtOnce(make_work(folder)), manifest)


def records(folder: Path) -> dict[int, dict[str, Any]]:
    return {record["row"]: record for record in read_manifest(folder / MANIFEST)}


@pytest.mark.slow
def test_what_fails_fails_alone(tmp_path: Path, avatar: Path) -> None:
    tally = do(tmp_path, jobs_of(avatar, ["a", BAD, ALWAYS_KILLED, "b", FAULTY, KILLED_ONCE, "c"]), n_workers=2)
    assert (tally.n_made, tally.n_ended) == (4, 7)
    found = records(tmp_path)
    assert [found[row]["state"] for row in range(2, 9)] == [
        "done", "failed", "failed", "done", "failed", "done", "done",
    ]  # fmt: skip
    assert found[3]["error"] == "this job is bad"
    assert "killed" in found[4]["error"]
    assert "ZeroDivisionError: by mistake" in found[6]["error"]
    assert [found[row]["tries"] for row in (2, 4, 7)] == [1, 2, 2]
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["2.mp4", "5.mp4", "7.mp4", "8.mp4"]
    assert (found[2]["duration_s"], found[2]["bytes"]) == (2.0, (tmp_path / "2.mp4").stat().st_size)


def test_only_what_is_not_there_made_from_the_same_is_made_again(tmp_path: Path, avatar: Path) -> None:
    do_here(tmp_path, jobs_of(avatar, ["a", "b", BAD, "c"]))
    (tmp_path / "3.mp4").write_text("cut o")
    again = do_here(tmp_path, jobs_of(avatar, ["a", "b", "d", "c"]))
    assert (again.n_made, again.n_kept) == (2, 2)
    assert (tmp_path / "3.mp4").read_text().startswith("b by")
    assert records(tmp_path)[4]["state"] == "done"
    other = Manner(RenderOptions(crf=30))
    assert do_here(tmp_path, jobs_of(avatar, ["a", "b", "d", "c"], other)).n_made == 4
    assert do_here(tmp_path, jobs_of(avatar, ["a", "b", "d", "c"], other)).n_kept == 4
    (avatar / "avatar.json").write_text('{"trained": "anew"}')
    assert do_here(tmp_path, jobs_of(avatar, ["a", "b", "d", "c"], other)).n_made == 4


@pytest.mark.parametrize("n_lost", [1, 5, 100])
def test_a_torn_manifest_is_read_and_written_on(tmp_path: Path, avatar: Path, n_lost: int) -> None:
    jobs = jobs_of(avatar, ["a", "b", "c"])
    do_here(tmp_path, jobs)
    whole = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / MANIFEST).write_bytes(whole[:-n_lost])
    n_whole = 3 if n_lost == 1 else 2  # without its line's end the last record is whole all the same
    assert len(list(read_manifest(tmp_path / MANIFEST))) == n_whole
    again = do_here(tmp_path, jobs)
    assert (again.n_kept, again.n_made) == (n_whole, 3 - n_whole)
    assert len(records(tmp_path)) == 3


def test_two_batches_do_not_share_a_folder(tmp_path: Path) -> None:
    first, second = (Manifest(tmp_path / MANIFEST, FolderOutputs(tmp_path)) for _ in range(2))
    with first, pytest.raises(UsageError, match="another batch"), second:
        pass
    with second:
        pass


def test_asked_once_it_finishes_what_is_under_way(tmp_path: Path, avatar: Path) -> None:
    stop = Stop()

    def ask(_: Tally) -> None:
        if not stop.is_asked:
            stop.ask()

    tally = do(tmp_path, jobs_of(avatar, list("abcdef")), 2, stop=stop, tell=ask)
    assert (tally.n_made, tally.n_ended) == (2, 2)
    assert do_here(tmp_path, jobs_of(avatar, list("abcdef"))).n_kept == 2


@pytest.mark.slow
def test_asked_twice_it_ends_at_once(tmp_path: Path, avatar: Path) -> None:
    stop = Stop()

    def ask(_: Tally) -> None:
        if any((tmp_path / UNFINISHED).glob("*/*")):
            stop.ask()

    tally = do(tmp_path, jobs_of(avatar, [SLEEPS] * 3), 2, stop=stop, tell=ask)
    assert tally.n_ended == 0
    assert not list(tmp_path.glob("*.mp4"))
    assert not records(tmp_path)


def wait_for(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s, "nothing happened"
        time.sleep(0.02)


def n_lines(folder: Path) -> int:
    path = folder / MANIFEST
    return path.read_bytes().count(b"\n") if path.exists() else 0


N_JOBS = 4


@pytest.fixture
def table(tmp_path: Path, portrait_avatar_directory: Path) -> Path:
    """Some sentences to say, and a file that is no sound."""
    (tmp_path / "bad.wav").write_bytes(b"RIFFxxxxWAVE")
    common = {"avatar": str(portrait_avatar_directory), "fps": 5}
    rows: list[dict[str, Any]] = [{**common, "text": f"Sentence {n}.", "out": f"{n}.mp4"} for n in range(N_JOBS)]
    rows.insert(1, {**common, "audio": "bad.wav", "out": "bad.mp4"})
    path = tmp_path / "jobs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def started(table: Path, out: Path) -> "subprocess.Popen[bytes]":
    """A batch of the table in a process group of its own, on one worker, after its first two jobs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hygiesync", "batch", str(table), "--out", str(out), "--workers", "1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: n_lines(out) >= 2 or process.poll() is not None)
    return process


def results_of_rest(table: Path, out: Path) -> dict[str, Any]:
    """What the same command makes in this process, after a check that what was there is whole."""
    for record in read_manifest(out / MANIFEST):
        assert (out / record["out"]).exists() == (record["state"] == "done")
    for path in out.glob("*.mp4"):
        assert probe(path).n_frames > 1
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.mp4")}
    report = out.parent / "report.json"
    assert main(["batch", str(table), "--out", str(out), "--workers", "1", "--json", str(report)]) == 3
    results: dict[str, Any] = json.loads(report.read_text())
    assert sum(path.stat().st_mtime_ns == made for path, made in before.items()) == results["n_kept"]
    assert sorted(path.name for path in out.iterdir()) == [*(f"{n}.mp4" for n in range(N_JOBS)), MANIFEST]
    return results


@pytest.mark.slow
def test_a_killed_driver_is_taken_up_again(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    process = started(table, out)
    os.kill(process.pid, signal.SIGKILL)  # its worker is not asked
    process.wait(PATIENCE_S)
    with (out / MANIFEST).open("a") as file:
        file.write('{"row": 99, "out": "to')
    results = results_of_rest(table, out)
    assert results["n_kept"] >= 1
    assert results["n_made"] == N_JOBS - results["n_kept"] >= 1
    (failure,) = results["failures"]
    assert (failure["row"], failure["out"]) == (2, "bad.mp4")
    assert "row 2, bad.mp4: " in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_under_way(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(table, out)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(PATIENCE_S) == 130
    assert not (out / UNFINISHED).exists()
    n_made = len(list(out.glob("*.mp4")))
    assert n_made == sum(record["state"] == "done" for record in read_manifest(out / MANIFEST)) < N_JOBS
    assert results_of_rest(table, out)["n_kept"] == n_made


def test_a_bad_table_begins_nothing(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with table.open("a") as file:
        file.write('{"avatar": "none", "text": "Hi", "out": "x.mp4", "speed": 1000}\n{"avatar"\n')
    assert main(["batch", str(table), "--out", str(tmp_path / "out")]) == 3
    err = capsys.readouterr().err
    assert "row 6, speed: expected words a minute from 80 to 450, got '1000'" in err
    assert "row 6, avatar: " in err
    assert "row 7: expected an object of JSON" in err
    assert "error: " in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.wav"], "--avatar: expected"),
        (["a.csv", "b.wav"], "JOBS: expected one table"),
        (["a.csv", "--set", "colour=red"], "--set: expected COLUMN=VALUE"),
        (["a.csv", "--workers", "0"], "--workers: expected at least 1"),
        (["a.csv", "--max-duration", "nan"], "--max-duration: expected more than 0"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", *arguments, "--out", "videos"]) == 2
    assert words in capsys.readouterr().err


def test_a_long_sound_fails_alone(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table.write_text(table.read_text().partition("\n")[0])
    assert main(["batch", str(table), "--out", str(tmp_path / "out"), "--max-duration", "0.5"]) == 3
    assert "as --max-duration says" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MANIFEST]
