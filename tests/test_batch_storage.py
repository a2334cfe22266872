"""Batches with URLs: sounds, avatars and outputs in a storage, first one in memory, then a server that speaks S3."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from batch_work import AtOnce

from hygiesync.apps.cli import main
from hygiesync.batch.checking import CheckedJobs, check_rows
from hygiesync.batch.doing import JobDoer
from hygiesync.batch.driving import Tally, run_batch
from hygiesync.batch.manifest import Manifest, read_manifest
from hygiesync.batch.outputs import outputs_at
from hygiesync.batch.table import Row, rows_of_files
from hygiesync.errors import InputError
from hygiesync.media.audio import write_wav
from hygiesync.media.video import probe


def put_inputs(url: str, avatar: Path, folder: Path) -> None:
    """An avatar `me` and two sounds, `lessons/a.wav` and `lessons/more/b.wav`, at a URL."""
    system, path = fsspec.core.url_to_fs(url)
    for file in avatar.iterdir():
        system.put_file(str(file), f"{path}/me/{file.name}")
    samples = np.random.default_rng(0).normal(size=6000).astype(np.float32) * 0.1
    write_wav(folder / "noise.wav", samples, 16_000)
    for name in ("a.wav", "more/b.wav"):
        system.put_file(str(folder / "noise.wav"), f"{path}/lessons/{name}")


@pytest.fixture
def memory(portrait_avatar_directory: Path, tmp_path: Path) -> Iterator[str]:
    """URL of a storage in this process's memory."""
    put_inputs("memory://bucket", portrait_avatar_directory, tmp_path)
    yield "memory://bucket"
    fsspec.filesystem("memory").store.clear()


def checked(url: str) -> CheckedJobs:
    rows = list(rows_of_files([f"{url}/lessons/"]))
    return check_rows(rows, base=".", out=f"{url}/out", defaults={"avatar": f"{url}/me", "fps": "5"})


def do(url: str, folder: Path) -> Tally:
    jobs = checked(url)
    assert jobs.faults == []
    outputs = outputs_at(f"{url}/out")
    with Manifest(folder / "done.jsonl", outputs) as manifest:
        return run_batch(jobs.jobs, AtOnce(JobDoer(outputs)), manifest)


@pytest.mark.slow
def test_a_storage_gives_sounds_and_avatars_and_takes_videos(memory: str, tmp_path: Path) -> None:
    assert do(memory, tmp_path).n_made == 2
    system = fsspec.filesystem("memory")
    assert sorted(system.find("/bucket/out")) == ["/bucket/out/a.mp4", "/bucket/out/more/b.mp4"]
    (tmp_path / "a.mp4").write_bytes(system.cat_file("/bucket/out/a.mp4"))
    assert probe(tmp_path / "a.mp4").n_frames == 2
    assert do(memory, tmp_path).n_kept == 2
    system.pipe_file("/bucket/out/a.mp4", b"cut o")
    system.put_file(
        str(tmp_path / "noise.wav"), "/bucket/lessons/more/b.wav"
    )  # not the same any more, as far as is known
    again = do(memory, tmp_path)
    assert (again.n_made, again.n_kept) == (2, 0)


def test_what_fails_leaves_nothing_in_the_storage(memory: str, tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    system.pipe_file("/bucket/lessons/a.wav", b"RIFFxxxxWAVE")
    tally = do(memory, tmp_path)
    assert (tally.n_made, len(tally.failures)) == (1, 1)
    assert list(system.find("/bucket/out")) == ["/bucket/out/more/b.mp4"]
    assert sorted(record["state"] for record in read_manifest(tmp_path / "done.jsonl")) == ["done", "failed"]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"audio": "memory://bucket/none.wav"}, "where nothing is"),
        ({"audio": "memory://bucket/lessons"}, "which is a folder"),
        ({"audio": "nothing://bucket/a.wav"}, "is of no protocol that is known"),
        ({"avatar": "memory://bucket/none"}, "can't be read"),
        ({"avatar": "memory://bucket/half"}, "expected a whole avatar"),
    ],
)
def test_what_is_not_in_the_storage_is_told_before_anything_begins(
    memory: str, cells: dict[str, str], words: str
) -> None:
    system = fsspec.filesystem("memory")
    system.cp_file("/bucket/me/avatar.json", "/bucket/half/avatar.json")
    row = Row(2, {"avatar": f"{memory}/me", "audio": f"{memory}/lessons/a.wav", "out": "a.mp4", **cells})
    (fault,) = check_rows([row], base=".", out=f"{memory}/out").faults
    assert fault.column == next(iter(cells))
    assert words in fault.problem


def test_outputs_that_could_be_seen_in_half_are_refused() -> None:
    with pytest.raises(InputError, match="mount it as a folder"):
        outputs_at("sftp://server/videos")


def test_a_url_of_this_machines_files_is_a_path(tmp_path: Path) -> None:
    with outputs_at(f"file://{tmp_path}").finished("a.mp4") as unfinished:
        unfinished.write_text("whole")
        assert not (tmp_path / "a.mp4").exists()
    assert (tmp_path / "a.mp4").read_text() == "whole"


def test_the_manifest_of_a_storage_lies_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "a.csv", "--out", "s3://bucket/videos"]) == 2
    assert "--manifest: expected a file where --out is a URL" in capsys.readouterr().err


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a bucket in a server that speaks S3 on this machine."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
    yield "s3://bucket"
    server.shutdown()


@pytest.mark.slow
def test_a_batch_from_s3_into_s3(s3: str, portrait_avatar_directory: Path, tmp_path: Path) -> None:
    put_inputs(s3, portrait_avatar_directory, tmp_path)
    report = tmp_path / "report.json"
    command = ["batch", f"{s3}/lessons/", "--avatar", f"{s3}/me", "--out", f"{s3}/out", "--set", "fps=5",
               "--workers", "1", "--manifest", str(tmp_path / "done.jsonl"), "--json", str(report)]  # fmt: skip
    assert main(command) == 0
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    assert sorted(system.find("bucket/out")) == ["bucket/out/a.mp4", "bucket/out/more/b.mp4"]
    system.get_file("bucket/out/more/b.mp4", str(tmp_path / "b.mp4"))
    assert probe(tmp_path / "b.mp4").n_frames == 2
    assert main(command) == 0
    assert json.loads(report.read_text())["n_kept"] == 2
