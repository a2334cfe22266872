"""Training of the network: seeded, stopped early, and resumable to the bit after a kill.

An *epoch* is a fixed number of random windows. Everything random in it (windows, noise, dropout) is drawn from the
seed and the epoch's number, so a run that goes on from the last epoch's checkpoint gives the same weights as one that
was never interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hygiesync.errors import InputError
from hygiesync.motion.dataset import Sequence, batches
from hygiesync.motion.network import NetworkSettings, SpeechToShape
from hygiesync.timing import time_to_mel_frames


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how hard to train; saved with the avatar.

    Attributes
    ----------
    n_epochs : int
        At most; the learning rate's single cycle is spread over them.
    patience : int
        Epochs without a better validation loss before training stops.
    batches_per_epoch, batch_size, window : int
        Windows of `window` mel frames.
    warm_up : int
        Mel frames at a window's start that count for nothing: the network has not heard enough yet.
    velocity_weight : float
        Weight of the loss on changes over `velocity_span` mel frames.
    noise : float
        Standard deviation of noise on the mel input, in standard deviations of each band.
    """

    n_epochs: int = 24
    patience: int = 8
    batches_per_epoch: int = 20
    batch_size: int = 16
    window: int = 200
    warm_up: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    velocity_weight: float = 1.0
    velocity_span: int = 4
    noise: float = 0.5
    seed: int = 0


PRESETS = {
    "fast": TrainingSettings(n_epochs=12),
    "balanced": TrainingSettings(),
    "best": TrainingSettings(n_epochs=60, patience=12),
}


_PRESET_S = 300
_MIN_SHARE, _MAX_SHARE = 0.5, 3.0


@dataclass
class TrainingRun:
    """What training leaves behind.

    Attributes
    ----------
    network : SpeechToShape
        With the weights of the best epoch, in evaluation mode.
    settings : TrainingSettings
    training_loss, validation_loss : list of float
        One entry an epoch.
    """

    network: SpeechToShape
    settings: TrainingSettings
    training_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        return int(np.argmin(self.validation_loss))


ProgressCallback = Callable[[int, int, list[float], list[float]], None]
"""Called after every epoch with (epochs done, epochs at most, training losses, validation losses)."""


def train_network(
    training: list[Sequence],
    validation: list[Sequence],
    component_weights: np.ndarray,
    network_settings: NetworkSettings,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
) -> TrainingRun:
    """Train a network, going on from `checkpoint` when that file is there.

    Parameters
    ----------
    training, validation : list of Sequence
    component_weights : ndarray, shape (n_components,)
        Weight of each coefficient's squared error: the variance it explains, so that the loss is a squared distance
        between landmarks.
    network_settings : NetworkSettings
    settings : TrainingSettings
    checkpoint : Path, optional
        Written after every epoch, whole or not at all.
    progress : callable, optional

    Returns
    -------
    TrainingRun
    """
    trainer = _Trainer(training, validation, component_weights, network_settings, settings)
    if checkpoint is not None and checkpoint.exists():
        trainer.load(checkpoint)
    while not trainer.is_done:
        trainer.run_epoch()
        if checkpoint is not None:
            trainer.save(checkpoint)
        if progress is not None:
            progress(trainer.epoch, settings.n_epochs, trainer.run.training_loss, trainer.run.validation_loss)
    trainer.network.load_state_dict(trainer.best)
    trainer.network.eval()
    return trainer.run


class _Trainer:
    """Weights, optimiser and history between two epochs."""

    def __init__(
        self,
        training: list[Sequence],
        validation: list[Sequence],
        component_weights: np.ndarray,
        network_settings: NetworkSettings,
        settings: TrainingSettings,
    ) -> None:
        self.settings = settings
        self.training, self.validation = training, validation
        self.component_weights = torch.from_numpy(component_weights / component_weights.sum()).float()
        mel = np.concatenate([sequence.mel for sequence in training])
        self.mel_deviation = torch.from_numpy(mel.std(0) + 1e-3)
        torch.manual_seed(settings.seed)
        self.network = SpeechToShape(network_settings, torch.from_numpy(mel.mean(0)), self.mel_deviation)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, betas=(0.9, 0.98), weight_decay=settings.weight_decay
        )
        self.run = TrainingRun(self.network, settings)
        self.best: dict[str, Tensor] = {}

    @property
    def epoch(self) -> int:
        return len(self.run.validation_loss)

    @property
    def is_done(self) -> bool:
        if self.epoch >= self.settings.n_epochs:
            return True
        return self.epoch > 0 and self.epoch - 1 - self.run.best_epoch >= self.settings.patience

    def run_epoch(self) -> None:
        """One epoch of training, then one look at the validation part."""
        settings, epoch = self.settings, self.epoch
        torch.manual_seed(_epoch_seed(settings.seed, epoch))
        rng = np.random.default_rng((settings.seed, epoch))
        self.network.train()
        losses = []
        for number, batch in enumerate(
            batches(self.training, settings.window, settings.batch_size, settings.batches_per_epoch, rng)
        ):
            self._set_learning_rate(epoch * settings.batches_per_epoch + number)
            losses.append(self._step(*(torch.from_numpy(array) for array in batch)))
        self.run.training_loss.append(float(np.mean(losses)))
        self.run.validation_loss.append(self._validate())
        if self.run.best_epoch == epoch:
            self.best = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _step(self, mel: Tensor, coefficients: Tensor, is_known: Tensor) -> float:
        noisy = mel + self.settings.noise * self.mel_deviation * torch.randn_like(mel)
        loss = self._loss(self.network(noisy)[0], coefficients, is_known)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())

    def _loss(self, predicted: Tensor, wanted: Tensor, is_known: Tensor) -> Tensor:
        """Squared landmark distance plus that of the landmarks' velocity, over the frames with an answer."""
        warm_up, span = min(self.settings.warm_up, predicted.shape[1] // 2), self.settings.velocity_span
        known = is_known[:, warm_up:].float()
        error = (predicted - wanted)[:, warm_up:]
        position = _weighted_mean(error**2 @ self.component_weights, known)
        change = error[:, span:] - error[:, :-span]
        velocity = _weighted_mean(change**2 @ self.component_weights, known[:, span:] * known[:, :-span])
        return position + self.settings.velocity_weight * velocity

    @torch.no_grad()
    def _validate(self) -> float:
        self.network.eval()
        losses, weights = [], []
        for sequence in self.validation:
            if not sequence.is_known.any():
                continue
            mel, wanted, known = (
                torch.from_numpy(array)[None] for array in (sequence.mel, sequence.coefficients, sequence.is_known)
            )
            losses.append(float(self._loss(self.network(mel)[0], wanted, known)))
            weights.append(int(sequence.is_known.sum()))
        return float(np.average(losses, weights=weights))

    def _set_learning_rate(self, step: int) -> None:
        """One cycle: a linear rise over the first fifth, then half a cosine down to nothing (Smith & Topin, 2018)."""
        n_steps = self.settings.n_epochs * self.settings.batches_per_epoch
        rise = max(1, n_steps // 5)
        share = (step + 1) / rise if step < rise else 0.5 + 0.5 * np.cos(np.pi * (step - rise) / (n_steps - rise))
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * max(float(share), 1e-3)

    def save(self, path: Path) -> None:
        """Write everything that the next epoch depends on, whole or not at all."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": tensor for name, tensor in state.items()}
        history = {"training_loss": self.run.training_loss, "validation_loss": self.run.validation_loss}
        partial = path.with_suffix(".partial")
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            partial,
            {"settings": self._fingerprint(), "history": json.dumps(history)},
        )
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of :meth:`save`."""
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise InputError(f"{path}: the checkpoint is damaged ({error}); train again without --resume") from error
        if metadata.get("settings") != self._fingerprint():
            raise InputError(f"{path}: was made with other settings; train again without --resume, or use the same")
        history = json.loads(metadata["history"])
        self.run.training_loss, self.run.validation_loss = history["training_loss"], history["validation_loss"]
        self.network.load_state_dict(_with_prefix(tensors, "network."))
        self.best = _with_prefix(tensors, "best.")
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _with_prefix(tensors, "optimiser.").items():
            index, key = name.split(".")
            states.setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})

    def _fingerprint(self) -> str:
        return json.dumps([asdict(self.settings), self.network.settings.to_dict()], sort_keys=True)


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])


def preset(name: str, seed: int, n_mel_frames: int) -> TrainingSettings:
    """Settings of a preset (one of `PRESETS`) for so many mel frames, with a seed of one's own.

    The presets are meant for five minutes. An epoch of more sound has more batches, so that all of it is heard; one of
    less has fewer, down to a half, since hearing the same again and again teaches nothing new.
    """
    settings = PRESETS[name]
    share = np.clip(n_mel_frames / time_to_mel_frames(_PRESET_S), _MIN_SHARE, _MAX_SHARE)
    return replace(settings, seed=seed, batches_per_epoch=round(settings.batches_per_epoch * float(share)))


@torch.no_grad()
def predict(network: SpeechToShape, mel: np.ndarray) -> np.ndarray:
    """Coefficients (n_frames, n_components) for mel frames (n_frames, n_mels) of a whole sequence."""
    return network(torch.from_numpy(mel)[None])[0][0].numpy()
