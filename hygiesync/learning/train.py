"""Training of a person's networks: from labelled clips to one network, or an ensemble, with its opening calibrated.

The validation part only watches. The weights are those of the last epoch, where the learning rate's cycle ends: picking
the epoch with the lowest loss on some seconds of validation, or stopping there, was tried, and picked by chance (0.71
of lip distance in place of 0.68, and more spread between seeds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hygiesync.array_types import FloatArray
from hygiesync.learning import loop
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.calibration import AnyNetwork, calibrate_opening
from hygiesync.learning.dataset import LabelledClip, batches, splice
from hygiesync.learning.ensemble import Ensemble, WholeEnsemble
from hygiesync.learning.losses import MouthLoss, frames_later
from hygiesync.learning.network import NetworkSettings, SpeechToShape
from hygiesync.learning.settings import TrainingSettings
from hygiesync.learning.speech_encoder import SpeechEncoder
from hygiesync.learning.torch_threads import single_threaded_torch
from hygiesync.learning.whole_network import WholeNetworkSettings, WholeSpeechToShape
from hygiesync.speech.mel import N_MELS

TRAINING_LOSS = "training_loss"

AnySettings = NetworkSettings | WholeNetworkSettings


@dataclass
class TrainingRun:
    """What training leaves behind.

    Attributes
    ----------
    network : SpeechToShape, WholeSpeechToShape, or an ensemble of them
        With the weights of the last epoch, in evaluation mode.
    settings : TrainingSettings
    encoder_name : str
        Fingerprint of the speech encoder that the network began with, or ``none``.
    training_loss, validation_loss : list of float
        One entry an epoch, of the shape alone: the opening's own losses are left out of both. An ensemble's are the
        mean of its members'.
    """

    network: AnyNetwork
    settings: TrainingSettings
    encoder_name: str
    training_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 0: far before the last, it tells of learning by heart."""
        return int(np.nanargmin(self.validation_loss))


ProgressCallback = Callable[[int, int, list[float], list[float]], None]
"""Called after every epoch with (epochs done, epochs in all, training losses, validation losses)."""


@single_threaded_torch()
def train_network(
    training: list[LabelledClip],
    validation: list[LabelledClip],
    metric: FloatArray,
    network_settings: AnySettings,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
    aperture: Aperture | None = None,
    encoder: SpeechEncoder | None = None,
) -> TrainingRun:
    """Train one network, or several one after another, going on from `checkpoint` when that file is there.

    Parameters
    ----------
    training, validation : list of LabelledClip
        The weights, and the gain of the opening, are learnt from `training` alone.
    metric : ndarray, shape (n_components, n_directions)
        What makes differences of coefficients into distances; see :func:`hygiesync.learning.metric.mouth_metric`.
    network_settings : NetworkSettings or WholeNetworkSettings
        Sizes, and with them the kind of network.
    settings : TrainingSettings
    checkpoint : Path, optional
        Written after every epoch, whole or not at all; further networks have files of their own beside it.
    progress : callable, optional
    aperture : Aperture, optional
        How the person's lips part; left out, the network never makes them meet.
    encoder : SpeechEncoder, optional
        Layers that know speech already, to begin with; left out, they begin at random.

    Returns
    -------
    TrainingRun
    """
    networks: list[SpeechToShape | WholeSpeechToShape] = []
    histories = []
    for number in range(settings.n_networks):
        own = replace(settings, seed=loop.member_seed(settings.seed, number))
        sizes = network_settings.member(number)
        objective = SpeechToShapeObjective(training, validation, metric, sizes, own, aperture, encoder)
        path = checkpoint if checkpoint is None or number == 0 else checkpoint.with_stem(f"{checkpoint.stem}-{number}")
        tell = None if progress is None else _progress_of_member(number, settings, progress)
        histories.append(loop.train(objective, own.loop(), path, tell))
        networks.append(objective.network)
    network = _as_one(networks).eval()
    calibrate_opening(network, training)
    losses = (
        np.mean([history[name] for history in histories], 0).tolist() for name in (TRAINING_LOSS, loop.VALIDATION_LOSS)
    )
    return TrainingRun(network, settings, objective.encoder_name, *losses)


def _as_one(networks: list[SpeechToShape | WholeSpeechToShape]) -> AnyNetwork:
    if len(networks) == 1:
        return networks[0]
    if isinstance(networks[0], WholeSpeechToShape):
        return WholeEnsemble(cast(list[WholeSpeechToShape], networks))
    return Ensemble(cast(list[SpeechToShape], networks))


def _progress_of_member(number: int, settings: TrainingSettings, progress: ProgressCallback) -> loop.ProgressCallback:
    def tell(epoch: int, n_epochs: int, history: loop.History) -> None:
        n_done, n_all = number * n_epochs + epoch, settings.n_networks * n_epochs
        progress(n_done, n_all, history[TRAINING_LOSS], history[loop.VALIDATION_LOSS])

    return tell


class SpeechToShapeObjective:
    """One person's mouths, from their own sound; see :class:`hygiesync.learning.loop.Objective`.

    Parameters
    ----------
    training, validation, metric, network_settings, settings, aperture, encoder
        See :func:`train_network`.
    """

    def __init__(
        self,
        training: list[LabelledClip],
        validation: list[LabelledClip],
        metric: NDArray[Any],
        network_settings: AnySettings,
        settings: TrainingSettings,
        aperture: Aperture | None = None,
        encoder: SpeechEncoder | None = None,
    ) -> None:
        self.settings = settings
        self.training, self.validation = training, validation
        self.mouth_loss = MouthLoss(torch.from_numpy(metric).float(), settings)
        heard = np.concatenate([clip.heard for clip in training])
        mel = heard[:, :N_MELS]
        self.mel_std = mel.std(0) + 1e-3
        with loop.seeded(settings.seed):
            self.network: SpeechToShape | WholeSpeechToShape = network_settings.build(
                torch.from_numpy(mel.mean(0)), torch.from_numpy(self.mel_std), aperture
            )
        if isinstance(self.network, WholeSpeechToShape) and self.network.settings.n_sounds:
            self.network.learn_parts(torch.from_numpy(heard[:, N_MELS:]))
        if encoder is not None:
            encoder.give_to(self.network)
        self.encoder_name = "none" if encoder is None else encoder.name

    @property
    def identity(self) -> Any:
        """Settings, sizes, and what the network began with."""
        return [asdict(self.settings), self.network.settings.to_dict(), self.encoder_name]

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        """Windows of the training part, spliced, as they might have been heard."""
        settings = self.settings
        for windows in batches(self.training, settings.window, settings.batch_size, n_steps, rng):
            heard, coefficients, is_known = splice(*windows, settings.splice_share, settings.warm_up, rng)
            mel = settings.augmentation.apply(heard[..., :N_MELS], self.mel_std, rng)
            yield np.concatenate([mel, heard[..., N_MELS:]], axis=-1), coefficients, is_known

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """All heads' losses; the figure is the main head's shape alone."""
        heard, coefficients, is_known = batch
        (main, *early), _ = self.network.raw_outputs(heard)
        of_shape = self.mouth_loss.of_shape(main[0], coefficients, is_known)
        loss = of_shape + self.mouth_loss.of_opening(self.network, *main, coefficients, is_known)
        for n_frames, (predicted, closure_logit) in zip(self.network.settings.early_frames, early, strict=True):
            wanted, known = (frames_later(tensor, n_frames) for tensor in (coefficients, is_known))
            of_head = self.mouth_loss.of_shape(predicted, wanted, known) + self.mouth_loss.of_opening(
                self.network, predicted, closure_logit, wanted, known
            )
            loss = loss + self.settings.early_weight * of_head
        return loss, {TRAINING_LOSS: of_shape}

    def validate(self) -> dict[str, float]:
        """The main head's loss of shape over whole validation clips."""
        losses, weights = [], []
        for clip in self.validation:
            if not clip.is_known.any():
                continue
            heard, wanted, known = (
                torch.from_numpy(array)[None].to(self.network.mel_mean.device)
                for array in (clip.heard, clip.coefficients, clip.is_known)
            )
            (main, *_), _ = self.network.raw_outputs(heard)
            losses.append(float(self.mouth_loss.of_shape(main[0], wanted, known)))
            weights.append(int(clip.is_known.sum()))
        return {loop.VALIDATION_LOSS: float(np.average(losses, weights=weights))}


@single_threaded_torch()
@torch.no_grad()
def predict(network: AnyNetwork, heard: FloatArray) -> NDArray[np.float32]:
    """Coefficients (n_frames, n_components) for what is heard (n_frames, n_heard) in a whole sequence."""
    coefficients, *_ = network.predict(torch.from_numpy(heard)[None])
    answer: NDArray[Any] = coefficients[0].numpy()
    return answer
