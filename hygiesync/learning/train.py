"""Training of the network: seeded, and resumable to the bit after a kill.

The validation part only watches. The weights are those of the last epoch, where the learning rate's cycle ends: picking
the epoch with the lowest loss on some seconds of validation, or stopping there, was tried, and picked by chance (0.71
of lip distance in place of 0.68, and more spread between seeds).

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
from torch.nn import functional

from hygiesync.errors import InputError
from hygiesync.learning.aperture import CLOSED, Aperture
from hygiesync.learning.dataset import LabelledClip, batches, splice
from hygiesync.learning.ensemble import Ensemble
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.speech_encoder import SpeechEncoder

_GAIN_BOUNDS = (0.8, 1.4)


@dataclass
class TrainingRun:
    """What training leaves behind.

    Attributes
    ----------
    network : SpeechToShape or Ensemble
        With the weights of the last epoch, in evaluation mode.
    settings : TrainingSettings
    ear_name : str
        What the network began with.
    training_loss, validation_loss : list of float
        One entry an epoch, of the shape alone: the opening's own losses are left out of both.
    """

    network: SpeechToShape | Ensemble
    settings: TrainingSettings
    ear_name: str
    training_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 0: far before the last, it tells of learning by heart."""
        return int(np.nanargmin(self.validation_loss))


ProgressCallback = Callable[[int, int, list[float], list[float]], None]
"""Called after every epoch with (epochs done, epochs in all, training losses, validation losses)."""


def train_network(
    training: list[LabelledClip],
    validation: list[LabelledClip],
    metric: np.ndarray,
    network_settings: NetworkSettings,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
    aperture: Aperture | None = None,
    ear: SpeechEncoder | None = None,
) -> TrainingRun:
    """Train a network, going on from `checkpoint` when that file is there.

    Parameters
    ----------
    training, validation : list of LabelledClip
    metric : ndarray, shape (n_components, n_directions)
        What makes differences of coefficients into distances; see :func:`hygiesync.learning.metric.mouth_metric`.
    network_settings : NetworkSettings
    settings : TrainingSettings
    checkpoint : Path, optional
        Written after every epoch, whole or not at all; further networks have files of their own beside it.
    progress : callable, optional
    aperture : Aperture, optional
        How the person's lips part; left out, the network never makes them meet.
    ear : SpeechEncoder, optional
        Layers that know speech already, to begin with; left out, they begin at random.

    Returns
    -------
    TrainingRun
    """
    trainers = []
    for number in range(settings.n_networks):
        own = replace(settings, seed=_own_seed(settings.seed, number))
        trainer = _Trainer(training, validation, metric, network_settings, own, aperture, ear)
        path = checkpoint if checkpoint is None or number == 0 else checkpoint.with_stem(f"{checkpoint.stem}-{number}")
        if path is not None and path.exists():
            trainer.load(path)
        while not trainer.is_done:
            trainer.run_epoch()
            if path is not None:
                trainer.save(path)
            if progress is not None:
                n_done, n_epochs = number * settings.n_epochs + trainer.epoch, settings.n_networks * settings.n_epochs
                progress(n_done, n_epochs, trainer.run.training_loss, trainer.run.validation_loss)
        trainers.append(trainer)
    run = trainers[0].run if len(trainers) == 1 else _joined(trainers, settings)
    run.network.eval()
    _calibrate(run.network, [*training, *validation])
    return run


class _Trainer:
    """Weights, optimiser and history between two epochs."""

    def __init__(
        self,
        training: list[LabelledClip],
        validation: list[LabelledClip],
        metric: np.ndarray,
        network_settings: NetworkSettings,
        settings: TrainingSettings,
        aperture: Aperture | None,
        ear: SpeechEncoder | None,
    ) -> None:
        self.settings = settings
        self.training, self.validation = training, validation
        self.metric = torch.from_numpy(metric).float()
        mel = np.concatenate([sequence.mel for sequence in training])
        self.mel_std = mel.std(0) + 1e-3
        torch.manual_seed(settings.seed)
        self.network = SpeechToShape(
            network_settings, torch.from_numpy(mel.mean(0)), torch.from_numpy(self.mel_std), aperture
        )
        if ear is not None:
            ear.give_to(self.network)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, betas=(0.9, 0.98), weight_decay=settings.weight_decay
        )
        self.run = TrainingRun(self.network, settings, "none" if ear is None else ear.name)

    @property
    def epoch(self) -> int:
        return len(self.run.validation_loss)

    @property
    def is_done(self) -> bool:
        return self.epoch >= self.settings.n_epochs

    def run_epoch(self) -> None:
        """One epoch of training, then one look at the validation part."""
        settings, epoch = self.settings, self.epoch
        torch.manual_seed(_epoch_seed(settings.seed, epoch))
        rng = np.random.default_rng((settings.seed, epoch))
        self.network.train()
        losses = []
        for number, windows in enumerate(
            batches(self.training, settings.window, settings.batch_size, settings.batches_per_epoch, rng)
        ):
            self._set_learning_rate(epoch * settings.batches_per_epoch + number)
            mel, coefficients, is_known = splice(*windows, settings.splice_share, settings.warm_up, rng)
            heard = settings.augmentation.apply(mel, self.mel_std, rng)
            losses.append(self._step(*(torch.from_numpy(array) for array in (heard, coefficients, is_known))))
        self.run.training_loss.append(float(np.mean(losses)))
        self.run.validation_loss.append(self._validate())

    def _step(self, mel: Tensor, coefficients: Tensor, is_known: Tensor) -> float:
        (proper, *early), _ = self.network.raw_outputs(mel)
        off_shape = self._loss(proper[0], coefficients, is_known)
        loss = off_shape + self._loss_of_opening(*proper, coefficients, is_known)
        for n_frames, (predicted, closure_logit) in zip(self.network.settings.early_frames, early, strict=True):
            wanted, known = (_frames_later(tensor, n_frames) for tensor in (coefficients, is_known))
            its_loss = self._loss(predicted, wanted, known) + self._loss_of_opening(
                predicted, closure_logit, wanted, known
            )
            loss = loss + self.settings.early_weight * its_loss
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return float(off_shape.detach())

    def _loss(self, predicted: Tensor, wanted: Tensor, is_known: Tensor) -> Tensor:
        """Squared distance between mouths plus that of their velocities, over the frames with an answer."""
        warm_up, span = self._warm_up(predicted), self.settings.velocity_span
        known = is_known[:, warm_up:].float()
        error = (predicted - wanted)[:, warm_up:] @ self.metric
        position = _weighted_mean((error**2).sum(-1), known)
        change = error[:, span:] - error[:, :-span]
        velocity = _weighted_mean((change**2).sum(-1), known[:, span:] * known[:, :-span])
        return position + self.settings.velocity_weight * velocity

    def _loss_of_opening(self, predicted: Tensor, closure_logit: Tensor, wanted: Tensor, is_known: Tensor) -> Tensor:
        """How far off the opening is, in its standard deviations, and how surprising that lips meet or don't."""
        warm_up, spread = self._warm_up(predicted), self.network.opening_gradient.norm()
        if spread == 0:
            return predicted.new_zeros(())
        known = is_known[:, warm_up:].float()
        opening, wanted_opening = (self.network.opening(c[:, warm_up:]) for c in (predicted, wanted))
        distance = _weighted_mean((opening - wanted_opening).abs() / spread, known)
        surprise = functional.binary_cross_entropy_with_logits(
            closure_logit[:, warm_up:], (wanted_opening < CLOSED).float(), reduction="none"
        )
        return self.settings.opening_weight * distance + self.settings.closure_weight * _weighted_mean(surprise, known)

    def _warm_up(self, predicted: Tensor) -> int:
        return min(self.settings.warm_up, predicted.shape[1] // 2)

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
            (proper, *_), _ = self.network.raw_outputs(mel)
            losses.append(float(self._loss(proper[0], wanted, known)))
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
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _with_prefix(tensors, "optimiser.").items():
            index, key = name.split(".")
            states.setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})

    def _fingerprint(self) -> str:
        return json.dumps([asdict(self.settings), self.network.settings.to_dict(), self.run.ear_name], sort_keys=True)


def _joined(trainers: list[_Trainer], settings: TrainingSettings) -> TrainingRun:
    """The committee of all their networks; its losses are the mean of theirs."""
    runs = [trainer.run for trainer in trainers]
    return TrainingRun(
        Ensemble([trainer.network for trainer in trainers]),
        settings,
        runs[0].ear_name,
        np.mean([run.training_loss for run in runs], 0).tolist(),
        np.mean([run.validation_loss for run in runs], 0).tolist(),
    )


@torch.no_grad()
def _calibrate(network: SpeechToShape | Ensemble, sequences: list[LabelledClip]) -> None:
    """Stretch the predicted openings to the real one's spread: least squares under-articulate, the less heard the more.

    The early answers are stretched to the same: what the person's opening spreads does not depend on when one is asked.
    """
    real: list[np.ndarray] = []
    predicted: list[list[np.ndarray]] = [[] for _ in range(1 + len(network.settings.early_frames))]
    for sequence in sequences:
        proper, early, _ = network.predict(torch.from_numpy(sequence.mel)[None])
        for openings, answer in zip(predicted, (proper, *early), strict=True):
            openings.append(network.opening(answer[0][sequence.is_known]).numpy())
        real.append(network.opening(torch.from_numpy(sequence.coefficients[sequence.is_known])).numpy())
    wanted = float(np.concatenate(real).std())
    spreads = [float(np.concatenate(openings).std()) for openings in predicted]
    opening_gain = [float(np.clip(wanted / spread, *_GAIN_BOUNDS)) if spread > 0 else 1.0 for spread in spreads]
    network.opening_gain.fill_(opening_gain[0])
    network.early_opening_gain.copy_(torch.tensor(opening_gain[1:]))


def _frames_later(tensor: Tensor, n_frames: int) -> Tensor:
    """What lies `n_frames` later in (B, T, ...); zeros, which is unknown, beyond the end."""
    later = torch.zeros_like(tensor)
    later[:, : tensor.shape[1] - n_frames] = tensor[:, n_frames:]
    return later


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _own_seed(seed: int, number: int) -> int:
    """Seed of one network of several; the first has the seed asked for, so that alone it would be the same."""
    return seed if number == 0 else int(np.random.SeedSequence((seed, number, 1)).generate_state(1)[0])


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])


@torch.no_grad()
def predict(network: SpeechToShape | Ensemble, mel: np.ndarray) -> np.ndarray:
    """Coefficients (n_frames, n_components) for mel frames (n_frames, n_mels) of a whole sequence."""
    return network(torch.from_numpy(mel)[None])[0][0].numpy()
