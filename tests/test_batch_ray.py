"""Batches on a real cluster of Ray: a head and two workers, each processes of their own on this machine."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from batch_work import ALWAYS_KILLED, BAD, SHORT_WAIT, SLEEPS, jobs_of, make_work
from ray_cluster import PATIENCE_S, RayCluster, ray_cluster

from hygiesync.apps.cli import main
from hygiesync.batch.driving import Stop, Tally, run_batch
from hygiesync.batch.job import Job
from hygiesync.batch.manifest import MANIFEST, Manifest, read_manifest
from hygiesync.batch.outputs import UNFINISHED, FolderOutputs
from hygiesync.batch.ray_engine import RayEngine
from hygiesync.media.video import probe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with (
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
        ray_cluster(Path(folder)) as one,
    ):
        yield one


def do(folder: Path, jobs: Sequence[Job], cluster: RayCluster, **more: Any) -> Tally:
    with (
        Manifest(folder / MANIFEST, FolderOutputs(folder)) as manifest,
        RayEngine(partial(make_work, folder), cluster.address) as engine,
    ):
        return run_batch(jobs, engine, manifest, **more)


@pytest.fixture
def avatar(tmp_path: Path) -> Path:
    """As much of an avatar as its hash needs."""
    folder = tmp_path / "me"
    folder.mkdir()
    (folder / "avatar.json").write_text("{}")
    return folder


def test_a_machine_that_is_killed_loses_no_job(cluster: RayCluster, tmp_path: Path, avatar: Path) -> None:
    n_jobs, is_killed = 40, False

    def kill_once(tally: Tally) -> None:
        nonlocal is_killed
        if not is_killed and tally.n_ended >= 4 and cluster.has_begun_one("worker 2", tmp_path / UNFINISHED):
            is_killed = True
            cluster.kill("worker 2")
            cluster.add("worker 2")

    tally = do(tmp_path, jobs_of(avatar, [SHORT_WAIT] * n_jobs), cluster, tell=kill_once)
    assert (tally.n_made, tally.n_ended) == (n_jobs, n_jobs)
    records = list(read_manifest(tmp_path / MANIFEST))
    assert sorted(record["row"] for record in records) == list(range(2, n_jobs + 2))
    assert any(record["tries"] > 1 for record in records)
    for record in records:
        assert (tmp_path / record["out"]).read_text() == f"{SHORT_WAIT} by {avatar}"
    assert len(list(tmp_path.glob("*.mp4"))) == n_jobs


def test_what_fails_fails_alone_and_works_are_made_once_a_process(
    cluster: RayCluster, tmp_path: Path, avatar: Path
) -> None:
    tally = do(tmp_path, jobs_of(avatar, ["a", BAD, ALWAYS_KILLED, "b", "c", "d"]), cluster)
    assert tally.n_made == 4
    errors = {outcome.job.row: (outcome.error, outcome.n_tries) for outcome in tally.failures}
    assert errors[3] == ("this job is bad", 1)
    assert "was lost" in errors[4][0]
    assert errors[4][1] == 2
    n_begun = len(list(tmp_path.glob("*.work")))
    assert n_begun <= 4, "a process, or its successor after it was killed, began more than once"


def test_asked_twice_it_ends_at_once(cluster: RayCluster, tmp_path: Path, avatar: Path) -> None:
    stop = Stop()

    def ask(_: Tally) -> None:
        if any((tmp_path / UNFINISHED).glob("*/*")):
            stop.ask()

    tally = do(tmp_path, jobs_of(avatar, [SLEEPS] * 3), cluster, stop=stop, tell=ask)
    assert tally.n_ended == 0
    assert not list(tmp_path.glob("*.mp4"))


def wait_for(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s, "nothing happened"
        time.sleep(0.02)


def n_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_of_a_killed_driver_only_the_rest_is_made(
    cluster: RayCluster, tmp_path: Path, portrait_avatar_directory: Path
) -> None:
    table, out, n_jobs = tmp_path / "jobs.jsonl", tmp_path / "out", 6
    rows = [
        {"avatar": str(portrait_avatar_directory), "fps": 5, "text": f"Sentence {n}.", "out": f"{n}.mp4"}
        for n in range(n_jobs)
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["batch", str(table), "--out", str(out), "--engine", "ray", "--address", cluster.address]
    driver = subprocess.Popen(
        [sys.executable, "-m", "hygiesync", *command], stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    wait_for(lambda: n_lines(out / MANIFEST) >= 2 or driver.poll() is not None)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait(PATIENCE_S)
    n_before = n_lines(out / MANIFEST)
    report = tmp_path / "report.json"
    assert main([*command, "--json", str(report)]) == 0
    results = json.loads(report.read_text())
    assert 2 <= n_before < n_jobs
    assert (results["n_kept"], results["n_made"]) == (n_before, n_jobs - n_before)
    for n in range(n_jobs):
        assert probe(out / f"{n}.mp4").n_frames > 1
    assert sorted(path.name for path in out.iterdir()) == [*(f"{n}.mp4" for n in range(n_jobs)), MANIFEST]


def test_a_cluster_that_is_not_there_is_told(
    tmp_path: Path, portrait_avatar_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"avatar": str(portrait_avatar_directory), "text": "Hi.", "out": "a.mp4"}
    (tmp_path / "jobs.jsonl").write_text(json.dumps(row))
    command = ["batch", str(tmp_path / "jobs.jsonl"), "--out", str(tmp_path / "out"), "--engine", "ray"]
    assert main([*command, "--address", "127.0.0.1:1"]) == 4
    assert "--address: can't use the cluster at 127.0.0.1:1" in capsys.readouterr().err
    assert main(["batch", str(tmp_path / "jobs.jsonl"), "--out", "x", "--address", "auto"]) == 2
    assert "--address: expected with the engine ray only" in capsys.readouterr().err
