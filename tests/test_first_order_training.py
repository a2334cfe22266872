"""Training a first order model: resumed to the bit, watched, bounded, and told apart from what can't be learnt."""

from __future__ import annotations

import csv
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from first_order_shapes import TINY
from safetensors.torch import load_file

from hygiesync.errors import HygieSyncError, InputError, UsageError
from hygiesync.first_order.bundle import ModelManifest
from hygiesync.first_order.clips import find_clips
from hygiesync.first_order.configurations import read_configuration
from hygiesync.first_order.learning import processes
from hygiesync.first_order.learning import train as training
from hygiesync.first_order.learning.building import begin_with, train_model
from hygiesync.first_order.learning.looks import DetailLooks
from hygiesync.first_order.learning.objective import Networks
from hygiesync.media.images import read_png


@pytest.fixture(scope="module")
def data(tiny_first_order: Path) -> Path:
    return tiny_first_order / "shapes"


@pytest.fixture(scope="module")
def model(tiny_first_order: Path) -> Path:
    return tiny_first_order / "model"


@pytest.mark.slow
def test_a_model_s_folder_is_whole(model: Path) -> None:
    manifest = ModelManifest.read(model)
    assert manifest.configuration == read_configuration(TINY)
    assert manifest.consent == "stated"
    assert all(manifest.file(model, name) for name in manifest.files)
    assert {"config.yaml", "weights.safetensors", "points.onnx", "report.html", "log.csv"} <= set(manifest.files)
    with (model / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {"looks", "generator_gan", "discriminator_gan", "watched_l1"} <= set(rows[0])
    assert read_png(model / "sheet.png").shape == (128, 6 * 128, 3)
    assert "data:image/png;base64" in (model / "report.html").read_text()
    assert not model.with_name(".model.training").exists()


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(model: Path, data: Path, tmp_path: Path) -> None:
    out, work = tmp_path / "tiny", tmp_path / ".tiny.training"
    command = [sys.executable, "-m", "hygiesync", "first-order", "train", "--config", str(TINY)]
    command += ["--data", str(data), "--out", str(out), "--i-have-consent"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    while not (work / training.CHECKPOINT).exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    configuration = read_configuration(TINY)
    clips = find_clips(data)
    resumed = training.train(Networks(configuration), configuration, DetailLooks(), *clips, work).networks.state_dict()
    straight = load_file(model / "weights.safetensors")
    assert len([name for name in resumed if not name.startswith("discriminator.")]) == len(straight)
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


@pytest.mark.slow
def test_another_training_s_checkpoint_is_refused(data: Path, tmp_path: Path) -> None:
    configuration = read_configuration(TINY)
    shorter = dataclasses.replace(configuration.training, n_epochs=1)
    work = tmp_path / ".other.training"
    with pytest.raises(_Stopped):
        train_model(configuration, data, tmp_path / "other", progress=_stop_in_epoch_2)
    assert (work / training.CHECKPOINT).exists()
    assert len(list((work / "snapshots").iterdir())) == 1
    with pytest.raises(InputError, match="other settings or data"):
        train_model(dataclasses.replace(configuration, training=shorter), data, tmp_path / "other", resume=True)


@pytest.mark.slow
def test_snapshots_are_bounded(tmp_path: Path) -> None:
    for epoch in range(1, 6):
        training.keep_snapshot(tmp_path / "snapshots", epoch, {"w": torch.zeros(1)}, 2)
    names = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert names == ["epoch_00004.safetensors", "epoch_00005.safetensors"]


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_named_with_its_cause(data: Path, tmp_path: Path) -> None:
    configuration = read_configuration(TINY)
    wild = dataclasses.replace(configuration.training, rate_generator=1e30, rate_keypoints=0.0)
    with pytest.raises(HygieSyncError, match=r"training went astray: .*lower training\.rate_"):
        train_model(dataclasses.replace(configuration, training=wild), data, tmp_path / "wild")
    assert not (tmp_path / "wild").exists()


def test_a_device_that_is_not_there_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`device`"):
        train_model(read_configuration(TINY), data, tmp_path / "model", device="tpu")


@pytest.mark.slow
def test_training_begins_with_a_model_s_weights(model: Path) -> None:
    networks = Networks(read_configuration(TINY))
    begin_with(networks, model)
    begun, before = networks.state_dict(), load_file(model / "weights.safetensors")
    assert all(torch.equal(begun[name], before[name]) for name in before)


@pytest.mark.slow
def test_two_processes_learn_together(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchrun starts them, which says by the environment who is who; this process is the first of the two."""
    monkeypatch.setattr(processes, "PATIENCE", timedelta(seconds=60))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "hygiesync", "first-order", "train", "--config", str(TINY), "--data", str(data)]
    command += ["--out", str(tmp_path / "other" / "model"), "--i-have-consent"]
    (tmp_path / "work").mkdir()
    with subprocess.Popen(
        command, env={**os.environ, **together, "RANK": "1", "LOCAL_RANK": "1"}, stderr=subprocess.PIPE
    ) as other:
        for name, value in {**together, "RANK": "0", "LOCAL_RANK": "0"}.items():
            monkeypatch.setenv(name, value)
        configuration = read_configuration(TINY)
        clips = find_clips(data)
        learnt = training.train(Networks(configuration), configuration, DetailLooks(), *clips, tmp_path / "work")
        error = other.communicate(timeout=60)[1]
    assert other.returncode == 0, error.decode()
    assert [epoch["looks"] > 0 for epoch in learnt.history] == [True] * configuration.training.n_epochs
    assert not (tmp_path / "other").exists()  # the first one writes


class _Stopped(Exception):  # noqa: N818
    pass


def _stop_in_epoch_2(_stage: str, done: int, _total: int, _note: str) -> None:
    if done == 4:
        raise _Stopped
