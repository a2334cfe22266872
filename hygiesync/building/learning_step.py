"""The step in which the network learns, and how well it does on what it did not learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.building.face_fitting import FittedFace
from hygiesync.building.job import Job
from hygiesync.face.comparison import compare_lips
from hygiesync.learning.aperture import Aperture
from hygiesync.learning.dataset import LabelledClip, split
from hygiesync.learning.metric import mouth_metric
from hygiesync.progress import Progress
from hygiesync.timing import MEL_RATE, time_to_mel_frames

if TYPE_CHECKING:
    from hygiesync.learning.network import NetworkSettings
    from hygiesync.learning.train import TrainingRun
    from hygiesync.learning.whole_network import WholeNetworkSettings

_SPARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Learned:
    """What learning gave.

    Attributes
    ----------
    run : TrainingRun
        Of the streaming network.
    whole : TrainingRun
        Of the network that hears whole recordings.
    measures : dict of str to float
        Of the lips on the validation part, from which neither weights nor gains were learnt.
    whole_measures : dict of str to float
        The same of the network that hears whole recordings.
    predicted : list of ndarray, each of shape (n_mel_frames, n_components)
        Answers for each clip's validation part of the network that hears whole recordings, as renderings do.
    """

    run: TrainingRun
    whole: TrainingRun
    measures: dict[str, float]
    whole_measures: dict[str, float]
    predicted: list[NDArray[Any]]


def learn(
    clips: list[LabelledClip],
    whole_clips: list[LabelledClip],
    face: FittedFace,
    job: Job,
    workshop: Path,
    report: Progress,
) -> Learned:
    """Train both networks on the clips' beginnings, and measure them on their ends.

    Parameters
    ----------
    clips, whole_clips : list of LabelledClip
        For the streaming network, and for the one that hears whole recordings; they differ in the moments that answers
        describe, and the second may have the generic model's sounds behind the mel frames.
    face : FittedFace
    job : Job
    workshop : Path
        Folder for checkpoints.
    report : callable
    """
    from hygiesync.learning.head_start import WholeTraining, head_start
    from hygiesync.learning.settings import preset, whole_preset
    from hygiesync.learning.speech_encoder import SpeechEncoder
    from hygiesync.learning.train import predict, train_network

    n_frames, n_components = sum(len(clip) for clip in clips), face.shape.n_components
    metric, aperture = mouth_metric(face.shape), Aperture.fit(face.shape, face.usable_coefficients)
    training, validation = split(clips)
    work = WholeTraining(
        *split(whole_clips),
        metric,
        whole_network(n_components, n_frames, whole_clips[0].n_sounds),
        whole_preset(job.preset, job.seed, n_frames),
        aperture,
    )
    whole_checkpoint = workshop / "checkpoint-whole.safetensors"
    with head_start(work, whole_checkpoint) as process:
        run = train_network(
            training,
            validation,
            metric,
            streaming_network(n_components, n_frames, job.early_frames),
            preset(job.preset, job.seed, n_frames),
            workshop / "checkpoint.safetensors",
            _teller("learning", report),
            aperture,
            SpeechEncoder.load(),
        )
        if process is not None:
            process.wait()
    whole = work.run(whole_checkpoint, _teller("learning to hear ahead", report))
    answers = [predict(run.network, clip.heard) for clip in validation]
    whole_answers = [predict(whole.network, clip.heard) for clip in work.validation]
    measures, whole_measures = _measures(validation, answers, face), _measures(work.validation, whole_answers, face)
    return Learned(run, whole, measures, whole_measures, whole_answers)


def streaming_network(n_components: int, n_mel_frames: int, early_frames: tuple[int, ...]) -> NetworkSettings:
    """Sizes of the streaming network, for so many mel frames to learn from."""
    from hygiesync.learning.network import NetworkSettings

    return NetworkSettings(n_components, early_frames=early_frames)


def whole_network(n_components: int, n_mel_frames: int, n_sounds: int = 0) -> WholeNetworkSettings:
    """Sizes of the network that hears whole recordings, for so many mel frames to learn from."""
    from hygiesync.learning.settings import LARGE_FROM_S, LARGEST_FROM_S
    from hygiesync.learning.whole_network import CONVOLUTIONAL, WholeNetworkSettings

    if n_mel_frames < time_to_mel_frames(LARGE_FROM_S):
        return WholeNetworkSettings(n_components, conv_width=64, lstm_width=64, n_sounds=n_sounds)
    lstm_width = 192 if n_mel_frames >= time_to_mel_frames(LARGEST_FROM_S) else 128
    return WholeNetworkSettings(
        n_components, conv_width=128, lstm_width=lstm_width, second_context=CONVOLUTIONAL, n_sounds=n_sounds
    )


def _teller(stage: str, report: Progress) -> Callable[[int, int, list[float], list[float]], None]:
    def tell(epoch: int, n_epochs: int, training_loss: list[float], validation_loss: list[float]) -> None:
        losses = f"loss {training_loss[-1]:.3f}, validation {validation_loss[-1]:.3f}"
        report(stage, epoch, n_epochs, f"{losses} {sparkline(validation_loss)}")

    return tell


def _measures(validation: list[LabelledClip], predicted: list[NDArray[Any]], face: FittedFace) -> dict[str, float]:
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
