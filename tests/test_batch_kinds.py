"""Rows that animate a picture or train an avatar: the commands' work, by the batch's road."""

import json
from pathlib import Path
from typing import Any

import av
import pytest
from batch_work import AtOnce

from hygiesync.apps.cli import main
from hygiesync.batch.checking import check_rows
from hygiesync.batch.doing import JobDoer
from hygiesync.batch.driving import Tally, run_batch
from hygiesync.batch.manifest import MANIFEST, Manifest, read_manifest
from hygiesync.batch.outputs import outputs_at
from hygiesync.batch.table import Row
from hygiesync.building import from_video
from hygiesync.media.images import write_png
from hygiesync.media.video import probe
from hygiesync.synthetic.portrait import photograph


@pytest.mark.slow
def test_a_picture_is_animated(held_out_video: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "portrait.png", photograph()[::2, ::2])
    row = {"image": "portrait.png", "driving": str(held_out_video), "out": "moving.mp4", "only": "mouth", "crf": 30}
    (tmp_path / "jobs.jsonl").write_text(json.dumps(row))
    out, report = tmp_path / "out", tmp_path / "report.json"
    command = ["batch", str(tmp_path / "jobs.jsonl"), "--out", str(out), "--workers", "1", "--json", str(report)]
    assert main(command) == 0
    assert probe(out / "moving.mp4").n_frames == probe(held_out_video).n_frames
    with av.open(str(out / "moving.mp4")) as container:
        assert "video-driven" in container.metadata["description"]
    (record,) = read_manifest(out / MANIFEST)
    assert (record["kind"], record["subject"]) == ("animate", str(tmp_path / "portrait.png"))
    assert main(command) == 0
    assert json.loads(report.read_text())["n_kept"] == 1


def do(folder: Path, **cells: str) -> Tally:
    row = Row(2, {"videos": "a.mp4|b.mp4", "out": "models/anna", **cells})
    checked = check_rows([row], base=str(folder), out=str(folder / "out"))
    assert checked.faults == []
    outputs = outputs_at(str(folder / "out"))
    with Manifest(folder / "out" / MANIFEST, outputs) as manifest:
        return run_batch(checked.jobs, AtOnce(JobDoer(outputs)), manifest)


@pytest.fixture
def videos(held_out_video: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).symlink_to(held_out_video)


def test_an_avatar_appears_whole_and_is_kept(videos: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the training, which takes minutes."""
    asked: list[dict[str, Any]] = []

    def stand_in(paths: list[Path], out: Path, **settings: Any) -> None:
        asked.append(settings)
        assert [path.name for path in paths] == ["a.mp4", "b.mp4"]
        assert out.name == "anna"
        out.mkdir()
        (out / f"weights {len(asked)}").write_text("whole")
        (out / "avatar.json").write_text("{}")
        assert not (tmp_path / "out/models/anna" / f"weights {len(asked)}").exists()

    monkeypatch.setattr(from_video, "train", stand_in)
    assert do(tmp_path, preset="fast", consent="yes").n_made == 1
    assert (asked[0]["preset"], asked[0]["has_consent"]) == ("fast", True)
    assert do(tmp_path, preset="fast", consent="yes").n_kept == 1
    assert do(tmp_path, preset="best", consent="yes").n_made == 1
    found = sorted(path.name for path in (tmp_path / "out/models/anna").iterdir())
    assert found == ["avatar.json", "weights 2"], "the former avatar is replaced whole"


def test_a_video_that_can_not_be_learnt_from_fails_alone(videos: None, tmp_path: Path) -> None:
    (tmp_path / "b.mp4").unlink()
    (tmp_path / "b.mp4").write_bytes(b"no video")
    (failure,) = do(tmp_path).failures
    assert "b.mp4" in failure.error
    assert not (tmp_path / "out/models").exists() or not list((tmp_path / "out/models").iterdir())
