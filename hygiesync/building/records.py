"""What a training says of itself: the manifest's entry, and the evidence that a report is made from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.avatar.manifest import sha256_of
from hygiesync.building.av_offset import record_of
from hygiesync.building.evidence import TrainingEvidence, hold_out
from hygiesync.building.job import Job
from hygiesync.building.learning_step import Learned
from hygiesync.building.observation import Observation
from hygiesync.learning.dataset import LabelledClip
from hygiesync.media.video import VideoInfo
from hygiesync.speech_to_shape.whole import ANSWER_FRAMES


def evidence_of(
    name: str, job: Job, seen: Observation, whole_clips: list[LabelledClip], learned: Learned, rest: NDArray[Any]
) -> TrainingEvidence:
    """What a report tells of this training: of the network that hears whole recordings, as renderings do."""
    run, face = learned.whole, seen.face
    return TrainingEvidence(
        name=name,
        preset=job.preset,
        sources=tuple(path.name for path in job.videos),
        duration_s=float(sum(info.duration_s for info in seen.videos)),
        training_loss=tuple(run.training_loss),
        validation_loss=tuple(run.validation_loss),
        best_epoch=run.best_epoch,
        shape=face.shape,
        rest=rest,
        coefficients=face.usable_coefficients,
        n_frames=sum(len(frames.is_usable) for frames in face.frames),
        held_out=tuple(
            hold_out(clip, predicted, ANSWER_FRAMES, seen.background)
            for clip, predicted in zip(whole_clips, learned.predicted, strict=True)
        ),
        advice=seen.advice,
    )


def training_record(job: Job, seen: Observation, learned: Learned) -> dict[str, Any]:
    """The manifest's entry ``training``."""
    run, face = learned.run, seen.face
    usable = np.concatenate([frames.is_usable for frames in face.frames])
    return {
        "preset": job.preset,
        "settings": asdict(run.settings),
        "network": run.network.settings.to_dict(),
        "training_loss": [round(loss, 5) for loss in run.training_loss],
        "validation_loss": [round(loss, 5) for loss in run.validation_loss],
        "best_epoch": run.best_epoch,
        "speech_encoder": run.encoder_name,
        "validation": learned.measures,
        "whole": {
            "settings": asdict(learned.whole.settings),
            "network": learned.whole.network.settings.to_dict(),
            "validation": learned.whole_measures,
        },
        "n_frames": len(usable),
        "n_usable_frames": int(usable.sum()),
        "explained_variance_ratio": [round(float(share), 5) for share in face.shape.explained_variance_ratio],
        "sound_offsets": [record_of(o, r) for o, r in zip(seen.offsets, seen.recordings, strict=True)],
        "advice": [asdict(one) for one in seen.advice],
    }


def source_record(info: VideoInfo) -> dict[str, Any]:
    """The manifest's entry of one video."""
    return {
        "name": Path(info.path).name,
        "sha256": sha256_of(Path(info.path)),
        "duration_s": round(float(info.duration_s), 3),
    }
