"""A training in a process of its own: the same weights as here, however far it came; gone with whoever started it."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from present import present

from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.head_start import WholeTraining, head_start
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.train import TrainingRun
from hygiesync.learning.whole_network import WholeNetworkSettings
from hygiesync.speech.mel import N_MELS

pytestmark = pytest.mark.slow

N_COMPONENTS = 3


def clip(seed: int, n_frames: int = 240) -> LabelledClip:
    rng = np.random.default_rng(seed)
    mel = rng.normal(-3, 1, (n_frames, N_MELS)).astype(np.float32)
    coefficients = mel[:, :N_COMPONENTS] + 3
    return LabelledClip(mel, coefficients, rng.random(n_frames) > 0.1)


@pytest.fixture
def work() -> WholeTraining:
    settings = TrainingSettings(n_epochs=4, batches_per_epoch=3, batch_size=4, window=60, warm_up=5, seed=2)
    gradient = np.array([0.1, 0.02, 0.0])
    return WholeTraining(
        [clip(0), clip(1)],
        [clip(2)],
        np.eye(N_COMPONENTS),
        WholeNetworkSettings(N_COMPONENTS, conv_width=12, lstm_width=8),
        settings,
        Aperture(gradient, 0.05, gradient / (gradient @ gradient)),
    )


def weights(run: TrainingRun) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in run.network.state_dict().items()}


def test_work_is_handed_over_whole(work: WholeTraining, tmp_path: Path) -> None:
    work.save(tmp_path / "task")
    other = WholeTraining.load(tmp_path / "task")
    assert (other.network, other.settings) == (work.network, work.settings)
    for one, same in zip([*work.training, *work.validation], [*other.training, *other.validation], strict=True):
        for name, array in vars(one).items():
            np.testing.assert_array_equal(getattr(same, name), array)
            assert getattr(same, name).dtype == array.dtype


@pytest.mark.parametrize("is_awaited", [True, False])
def test_the_weights_are_those_of_a_training_here(work: WholeTraining, tmp_path: Path, is_awaited: bool) -> None:
    """Whether it was waited for, or stopped before it had begun."""
    alone = work.run(tmp_path / "alone.safetensors")
    with head_start(work, tmp_path / "beside.safetensors") as process:
        if is_awaited and process is not None:
            assert process.wait(timeout=100) == 0
            assert (tmp_path / "beside.safetensors").exists()
    beside = work.run(tmp_path / "beside.safetensors")
    for name, array in weights(alone).items():
        np.testing.assert_array_equal(weights(beside)[name], array)
    assert not list(tmp_path.glob("*task*"))


def test_it_ends_with_whoever_started_it(work: WholeTraining, tmp_path: Path) -> None:
    """A training that was killed leaves no process behind that goes on for long."""
    task, checkpoint = tmp_path / "task", tmp_path / "checkpoint"
    replace(work, settings=replace(work.settings, n_epochs=100_000)).save(task)
    script = (
        "import os, subprocess, sys, time;"
        "arguments = ['-m', 'hygiesync.learning.head_start', *sys.argv[1:], str(os.getpid())];"
        "child = subprocess.Popen([sys.executable, *arguments]);"
        "print(child.pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(task), str(checkpoint)], stdout=subprocess.PIPE) as parent:
        child = int(present(parent.stdout).readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
