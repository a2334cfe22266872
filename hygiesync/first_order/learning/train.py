"""Training: epochs of steps, resumable to the bit, watched by contact sheets and a log.

``learning/loop.py`` moves one network by one loss with one optimiser and one cycle of the learning rate. Here three
networks with three optimisers take turns on one pass, rates fall at milestones, and several processes may share the
work, so this is a loop of its own; how epochs are seeded and how checkpoints are written is the same.
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hygiesync.concurrency.prefetch import prefetched
from hygiesync.first_order.clips import Clip
from hygiesync.first_order.configurations import configuration_to_dict
from hygiesync.first_order.learning.contact_sheet import contact_sheet
from hygiesync.first_order.learning.looks import Looks
from hygiesync.first_order.learning.objective import Networks
from hygiesync.first_order.learning.pairs import Batch, PairSampler
from hygiesync.first_order.learning.processes import Processes
from hygiesync.first_order.learning.steps import Steps
from hygiesync.first_order.learning.thin_plate import ThinPlateTransform
from hygiesync.first_order.settings import Configuration
from hygiesync.learning.checkpoint import load_training, save_training, weights_of, write_checkpoint
from hygiesync.learning.loop import seeded
from hygiesync.learning.torch_threads import single_threaded_torch
from hygiesync.media.images import write_png
from hygiesync.progress import Progress

CHECKPOINT, LOG, SHEET = "checkpoint.safetensors", "log.csv", "sheet.png"
_READ_AHEAD = 3
_N_WATCHED = 4
"""Pairs in a contact sheet, and clips that are looked at after each epoch."""
_FRAMES_WATCHED = 4


@dataclass(frozen=True)
class Learnt:
    """Trained networks, and the figures of each epoch."""

    networks: Networks
    history: list[dict[str, float]]


def train(
    networks: Networks,
    configuration: Configuration,
    looks: Looks,
    train_clips: list[Clip],
    test_clips: list[Clip],
    work: Path,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Learnt:
    """Train networks, going on from the checkpoint in `work` where there is one.

    Parameters
    ----------
    networks : Networks
    configuration : Configuration
    looks : Looks
    train_clips, test_clips : list of Clip
        After each epoch the networks are looked at on test clips, where there are any.
    work : Path
        Folder for the checkpoint, the log, contact sheets and snapshots.
    device : str
        ``cpu`` or ``cuda``.
    progress : callable, optional

    Raises
    ------
    InputError
        When the checkpoint is damaged, or of another training.
    HygieSyncError
        When a loss is no longer a number.
    UsageError
        When the device isn't there.
    """
    with single_threaded_torch() if device == "cpu" else nullcontext(), Processes.joined(device) as processes:
        run = _Run(networks, configuration, looks, train_clips, test_clips, work, processes)
        run.load()
        while run.epoch < configuration.training.n_epochs:
            run.run_epoch(progress or (lambda *_: None))
        return Learnt(networks.cpu().eval(), run.history)


class _Run:
    def __init__(
        self,
        networks: Networks,
        configuration: Configuration,
        looks: Looks,
        train_clips: list[Clip],
        test_clips: list[Clip],
        work: Path,
        processes: Processes,
    ) -> None:
        self.settings, self.work, self.processes = configuration.training, work, processes
        self.networks = networks.to(processes.device)
        self.steps = Steps(networks, configuration, looks, processes.wrap, processes.precision)
        self.sampler = PairSampler(train_clips, configuration.data, self.settings)
        self.watched = _watched(test_clips or train_clips, configuration.data.frame_size)
        names = [clip.path.name for clip in train_clips]
        settings = configuration_to_dict(configuration)
        self.fingerprint = hashlib.sha256(json.dumps([settings, names, processes.n]).encode()).hexdigest()
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        return len(self.history)

    def run_epoch(self, progress: Progress) -> None:
        epoch, n_steps = self.epoch, self.sampler.steps_per_epoch(self.processes.n)
        seeds = np.random.SeedSequence((self.settings.seed, epoch, self.processes.rank))
        rng = np.random.default_rng(seeds)
        self.steps.set_epoch(epoch)
        self.networks.train()
        began_s, figures = time.monotonic(), []
        with (
            seeded(int(seeds.generate_state(1)[0])),
            closing(prefetched(self.sampler.batches(n_steps, rng), _READ_AHEAD)) as batches,
        ):
            for number, batch in enumerate(batches):
                figures.append(self._step(batch))
                note = f"epoch {epoch + 1}, loss {sum(figures[-1].values()):.2f}"
                progress("training", epoch * n_steps + number + 1, self.settings.n_epochs * n_steps, note)
        means = {name: float(np.mean([some[name] for some in figures])) for name in figures[0]}
        self.networks.eval()
        self.history.append(means | self._look() | {"seconds": time.monotonic() - began_s})
        if self.processes.rank == 0:
            self._save()

    def _step(self, batch: Batch) -> dict[str, float]:
        source, driving = (torch.from_numpy(pictures).to(self.processes.device) for pictures in batch)
        transform = ThinPlateTransform.random(len(source), self.settings.transform, driving)
        return self.steps.step(source, driving, transform)

    def _look(self) -> dict[str, float]:
        """Mean difference of predictions from real pictures, and that of the source as it is."""
        made, copied = [], []
        for source, driving in self.watched:
            with torch.no_grad():
                source, driving = source.to(self.processes.device), driving.to(self.processes.device)
                detector, generator = self.networks.kp_detector, self.networks.generator
                prediction = generator(source, detector(driving), detector(source)).prediction
            made.append(float((prediction - driving).abs().mean()))
            copied.append(float((source - driving).abs().mean()))
        return {"watched_l1": float(np.mean(made)), "watched_copy_l1": float(np.mean(copied))}

    def _save(self) -> None:
        """Write all that the next epoch depends on, the log, and what is to be looked at."""
        path = self.work / CHECKPOINT
        save_training(path, self.networks, self.steps.optimisers, self.fingerprint, {"history": self.history})
        self._write_log()
        if self.epoch % self.settings.epochs_per_sheet == 0 or self.epoch == self.settings.n_epochs:
            pairs = [torch.cat([pair[part][-1:] for pair in self.watched]) for part in (0, 1)]
            source, driving = (pictures.to(self.processes.device) for pictures in pairs)
            write_png(self.work / SHEET, contact_sheet(self.networks, source, driving))
        if self.epoch % self.settings.epochs_per_snapshot == 0:
            keep_snapshot(self.work / "snapshots", self.epoch, weights_of(self.networks), self.settings.max_snapshots)

    def _write_log(self) -> None:
        partial = self.work / f".{LOG}.partial"
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["epoch", *self.history[0]])
            writer.writeheader()
            writer.writerows({"epoch": k, **figures} for k, figures in enumerate(self.history, 1))
        partial.replace(self.work / LOG)

    def load(self) -> None:
        path = self.work / CHECKPOINT
        if not path.exists():
            return
        _, facts = load_training(path, self.networks, self.steps.optimisers, self.fingerprint)
        self.history = facts["history"]


def keep_snapshot(folder: Path, epoch: int, weights: dict[str, Tensor], most: int) -> None:
    """Keep an epoch's weights, and of all that are kept the last few."""
    folder.mkdir(exist_ok=True)
    write_checkpoint(folder / f"epoch_{epoch:05d}.safetensors", weights, {"epoch": epoch})
    for path in sorted(folder.glob("epoch_*.safetensors"))[:-most]:
        path.unlink()


def _watched(clips: list[Clip], size: int) -> list[tuple[Tensor, Tensor]]:
    """First frames of some clips, each beside frames of its later course."""
    chosen = [clips[k] for k in np.linspace(0, len(clips) - 1, min(_N_WATCHED, len(clips))).astype(int)]
    pairs = []
    for clip in chosen:
        numbers = np.linspace(0, clip.n_frames - 1, _FRAMES_WATCHED + 1).astype(int)
        pictures = np.stack([clip.frame(int(k), size) for k in numbers]).transpose(0, 3, 1, 2)
        frames = torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255
        pairs.append((frames[:1].expand(_FRAMES_WATCHED, -1, -1, -1).clone(), frames[1:]))
    return pairs
