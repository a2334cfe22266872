"""The loop that every training runs in: seeded, resumable to the bit after a kill, on any device.

What is learnt is an :class:`Objective`: a network, where its batches come from, what its loss is, and how it does on
what it does not learn from. The loop knows nothing of sound or lips.

An *epoch* is a fixed number of steps. Everything random in it (batches, noise, dropout) is drawn from the seed and the
epoch's number, so a run that goes on from the last epoch's checkpoint gives the same weights as one that was never
interrupted. The learning rate makes one cycle over all epochs.

References
----------
Smith & Topin, *Super-Convergence*, 2018, for the one cycle. Loshchilov & Hutter, *Decoupled Weight Decay
Regularization*, 2019, for AdamW.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hygiesync.errors import HygieSyncError
from hygiesync.learning.checkpoint import load_training, save_training, weights_of, with_prefix
from hygiesync.learning.settings import LoopSettings
from hygiesync.learning.torch_threads import single_threaded_torch

VALIDATION_LOSS = "validation_loss"
"""Name of the figure that tells which epoch was the best; an objective that has no such part leaves it out."""

_BETAS = (0.9, 0.98)


class Objective(Protocol):
    """What a network is to learn."""

    @property
    def network(self) -> nn.Module:
        """Whose weights are moved."""
        ...

    @property
    def identity(self) -> Any:
        """What a checkpoint must have been made with besides the loop's settings, as JSON can hold it."""
        ...

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        """`n_steps` batches; whatever is random in them is drawn from `rng`."""
        ...

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch, and figures to report, whose mean over an epoch goes into the history."""
        ...

    def validate(self) -> dict[str, float]:
        """Figures of what is not learnt from, such as :data:`VALIDATION_LOSS`; the network is in evaluation mode."""
        ...


@dataclass
class History:
    """Figures by name, one entry an epoch."""

    figures: dict[str, list[float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[float]:
        return self.figures[name]

    def __len__(self) -> int:
        return max(map(len, self.figures.values()), default=0)

    def append(self, figures: dict[str, float]) -> None:
        """Add an epoch's figures."""
        for name, value in figures.items():
            self.figures.setdefault(name, []).append(value)

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 0."""
        return int(np.nanargmin(self.figures[VALIDATION_LOSS]))


ProgressCallback = Callable[[int, int, History], None]
"""Called after every epoch with (epochs done, epochs in all, the history so far)."""


def train(
    objective: Objective,
    settings: LoopSettings,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
) -> History:
    """Train an objective's network in place, going on from `checkpoint` when that file is there.

    Parameters
    ----------
    objective : Objective
        Its network is left on the CPU, in evaluation mode.
    settings : LoopSettings
    checkpoint : Path, optional
        Written after every epoch, whole or not at all.
    progress : callable, optional

    Returns
    -------
    History

    Raises
    ------
    InputError
        When the checkpoint is damaged, or of another training.
    HygieSyncError
        When the loss is no longer a number.
    """
    with single_threaded_torch():
        loop = _Loop(objective, settings)
        if checkpoint is not None and checkpoint.exists():
            loop.load(checkpoint)
        while not loop.is_done:
            loop.run_epoch()
            if checkpoint is not None:
                loop.save(checkpoint)
            if progress is not None:
                progress(len(loop.history), settings.n_epochs, loop.history)
        return loop.finish()


class _Loop:
    """Weights, optimiser, schedule and history between two epochs."""

    def __init__(self, objective: Objective, settings: LoopSettings) -> None:
        self.objective, self.settings = objective, settings
        self.network = objective.network.to(settings.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, betas=_BETAS, weight_decay=settings.weight_decay
        )
        # torch's cycle divides by zero where a rise or a fall has a single step
        n_steps = max(3, settings.n_epochs * settings.steps_per_epoch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            settings.learning_rate,
            total_steps=n_steps,
            pct_start=max(settings.rise_share, 2 / n_steps),
            cycle_momentum=False,
        )
        self.history = History()
        self.best: dict[str, Tensor] = {}

    @property
    def is_done(self) -> bool:
        n_done, patience = len(self.history), self.settings.patience
        is_stuck = patience is not None and n_done > 0 and n_done - 1 - self.history.best_epoch >= patience
        return n_done >= self.settings.n_epochs or is_stuck

    def run_epoch(self) -> None:
        """One epoch of training, then one look at what is not learnt from."""
        epoch = len(self.history)
        rng = np.random.default_rng((self.settings.seed, epoch))
        self.network.train()
        with seeded(_epoch_seed(self.settings.seed, epoch)):
            steps = [self._step(batch) for batch in self.objective.batches(self.settings.steps_per_epoch, rng)]
        means = {name: float(np.mean([figures[name] for figures in steps])) for name in steps[0]}
        self.network.eval()
        with torch.no_grad():
            self.history.append(means | self.objective.validate())
        if self.settings.patience is not None and self.history.best_epoch == epoch:
            self.best = weights_of(self.network)

    def _step(self, batch: tuple[NDArray[Any], ...]) -> dict[str, float]:
        loss, figures = self.objective.loss(*(torch.from_numpy(array).to(self.settings.device) for array in batch))
        if not torch.isfinite(loss):
            raise HygieSyncError(
                f"training went astray in epoch {len(self.history) + 1}: expected a loss, got {float(loss.detach())};"
                " lower the learning rate"
            )
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.max_gradient_norm)
        self.optimiser.step()
        self.schedule.step()
        return {name: float(value.detach()) for name, value in figures.items()}

    def finish(self) -> History:
        """The weights that are kept, in evaluation mode."""
        self.network.to("cpu").eval()
        if self.best:
            self.network.load_state_dict(self.best)
        return self.history

    def save(self, path: Path) -> None:
        """Write everything that the next epoch depends on."""
        best = {f"best.{name}": tensor for name, tensor in self.best.items()}
        facts = {"history": self.history.figures, "schedule": self.schedule.state_dict()}
        save_training(path, self.network, {"optimiser": self.optimiser}, self._fingerprint(), facts, best)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of :meth:`save`."""
        tensors, facts = load_training(path, self.network, {"optimiser": self.optimiser}, self._fingerprint())
        self.history, self.best = History(facts["history"]), with_prefix(tensors, "best.")
        self.schedule.load_state_dict(facts["schedule"])
        for group, rate in zip(self.optimiser.param_groups, self.schedule.get_last_lr(), strict=True):
            group["lr"] = rate

    def _fingerprint(self) -> str:
        return json.dumps([asdict(self.settings), self.objective.identity], sort_keys=True)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's random numbers from `seed`, and leave the generator as it was for everyone else."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def member_seed(seed: int, number: int) -> int:
    """Seed of one network of several; the first has the seed asked for, so that alone it would be the same."""
    return seed if number == 0 else int(np.random.SeedSequence((seed, number, 1)).generate_state(1)[0])


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
