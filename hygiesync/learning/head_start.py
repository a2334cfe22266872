"""A training that begins in a process of its own, while another goes on here.

Each network learns on one thread, so a second core would stand idle. What the process leaves behind is a checkpoint,
written after every epoch: whoever needs the network goes on from it, and gets the same weights to the bit however far
the process came, even if it never ran::

    here       [streaming network ..............................] whole network: from the last checkpoint on
    process    [whole network ............ done]
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hygiesync.learning.aperture import Aperture
from hygiesync.learning.augment import Augmentation
from hygiesync.learning.checkpoint import read_checkpoint, with_prefix, write_checkpoint
from hygiesync.learning.dataset import LabelledClip
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.train import TrainingRun, train_network
from hygiesync.learning.whole_network import WholeNetworkSettings


@dataclass(frozen=True)
class WholeTraining:
    """All that the training of a network for whole recordings is made of; see :func:`train_network`.

    Attributes
    ----------
    training, validation : list of LabelledClip
    metric : ndarray, shape (n_components, n_directions)
    network : WholeNetworkSettings
    settings : TrainingSettings
    aperture : Aperture
    """

    training: list[LabelledClip]
    validation: list[LabelledClip]
    metric: NDArray[Any]
    network: WholeNetworkSettings
    settings: TrainingSettings
    aperture: Aperture

    def run(self, checkpoint: Path, progress: Any = None) -> TrainingRun:
        """Train, going on from `checkpoint` when that file is there."""
        clips = self.training, self.validation
        return train_network(
            *clips, self.metric, self.network, self.settings, checkpoint, progress, aperture=self.aperture
        )

    def save(self, path: Path) -> None:
        """Write it for another process."""
        arrays = {"metric": self.metric, "gradient": self.aperture.gradient, "path": self.aperture.path}
        for part in ("training", "validation"):
            for number, clip in enumerate(getattr(self, part)):
                arrays |= {f"{part}.{number}.{name}": array for name, array in vars(clip).items()}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        facts = {
            "network": asdict(self.network),
            "settings": asdict(self.settings),
            "at_mean": self.aperture.at_mean,
            "n_clips": {"training": len(self.training), "validation": len(self.validation)},
        }
        write_checkpoint(path, tensors, facts)

    @classmethod
    def load(cls, path: Path) -> WholeTraining:
        """Read what :meth:`save` wrote."""
        tensors, facts = read_checkpoint(path)

        def clips(part: str) -> list[LabelledClip]:
            arrays = [with_prefix(tensors, f"{part}.{number}.") for number in range(facts["n_clips"][part])]
            return [LabelledClip(**{name: tensor.numpy() for name, tensor in clip.items()}) for clip in arrays]

        augmentation = facts["settings"].pop("augmentation")
        augmentation["noise_below"] = tuple(augmentation["noise_below"])
        return cls(
            clips("training"),
            clips("validation"),
            tensors["metric"].numpy(),
            WholeNetworkSettings(**facts["network"]),
            TrainingSettings(augmentation=Augmentation(**augmentation), **facts["settings"]),
            Aperture(tensors["gradient"].numpy(), facts["at_mean"], tensors["path"].numpy()),
        )


@contextmanager
def head_start(work: WholeTraining, checkpoint: Path) -> Iterator[subprocess.Popen[bytes] | None]:
    """Let `work` begin beside what is done in the context, where there is a core for it; at its end it stops."""
    if len(os.sched_getaffinity(0)) < 2:
        yield None
        return
    task = checkpoint.with_name(f"{checkpoint.stem}-task.safetensors")
    work.save(task)
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, os.fspath(task), os.fspath(checkpoint), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        task.unlink(missing_ok=True)


def main(task: str, checkpoint: str, parent: str) -> None:
    """What the process does: train until it is done, or until the process `parent` that started it is gone."""

    def watch(*_: object) -> None:
        if os.getppid() != int(parent):
            raise SystemExit

    WholeTraining.load(Path(task)).run(Path(checkpoint), watch)


if __name__ == "__main__":
    main(*sys.argv[1:])
