"""The step in which the network learns, and how well it does on what it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hygiesync.building.face_fitting import FittedFace
from hygiesync.building.job import Job
from hygiesync.face.comparison import compare_lips
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip, split
from hygiesync.learning.metric import mouth_metric
from hygiesync.progress import Progress
from hygiesync.timing import MEL_RATE

if TYPE_CHECKING:
    from hygiesync.learning.train import TrainingRun

_SPARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Learned:
    """What learning gave.

    Attributes
    ----------
    run : TrainingRun
    measures : dict of str to float
        Of the lips on the validation part, from which neither weights nor gains were learnt.
    predicted : list of ndarray, each of shape (n_mel_frames, n_components)
        Answers for each clip's validation part.
    """

    run: TrainingRun
    measures: dict[str, float]
    predicted: list[np.ndarray]


def learn(clips: list[LabelledClip], face: FittedFace, job: Job, checkpoint: Path, report: Progress) -> Learned:
    """Train the network on the clips' beginnings, and measure it on their ends."""
    from hygiesync.learning.network import NetworkSettings
    from hygiesync.learning.settings import preset
    from hygiesync.learning.speech_encoder import SpeechEncoder
    from hygiesync.learning.train import predict, train_network

    training, validation = split(clips)

    def count(epoch: int, n_epochs: int, training_loss: list[float], validation_loss: list[float]) -> None:
        losses = f"loss {training_loss[-1]:.3f}, validation {validation_loss[-1]:.3f}"
        report("learning", epoch, n_epochs, f"{losses} {sparkline(validation_loss)}")

    run = train_network(
        training,
        validation,
        mouth_metric(face.shape),
        NetworkSettings(face.shape.n_components, early_frames=job.early_frames),
        preset(job.preset, job.seed, sum(len(clip) for clip in clips)),
        checkpoint,
        count,
        Aperture.fit(face.shape, face.usable_coefficients),
        SpeechEncoder.load(),
    )
    predicted = [predict(run.network, clip.mel) for clip in validation]
    return Learned(run, _measures(validation, predicted, face), predicted)


def _measures(validation: list[LabelledClip], predicted: list[np.ndarray], face: FittedFace) -> dict[str, float]:
    real = np.concatenate([clip.coefficients[clip.is_known] for clip in validation])
    answers = np.concatenate([p[clip.is_known] for clip, p in zip(validation, predicted, strict=True)])
    comparison = compare_lips(
        face.shape.inverse_transform(real), face.shape.inverse_transform(answers), float(1 / MEL_RATE)
    )
    return comparison.to_dict()


def sparkline(values: list[float], width: int = 24) -> str:
    """A curve in one line of text: its last `width` values, lowest to highest.

    Examples
    --------
    >>> sparkline([3.0, 2.0, 1.0])
    '█▄▁'
    """
    shown = values[-width:]
    low, span = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(_SPARKS[int((value - low) / span * (len(_SPARKS) - 1))] for value in shown)
