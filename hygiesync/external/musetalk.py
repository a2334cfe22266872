"""MuseTalk 1.5 (TMElyralab): the mouth of a video says a sound, painted by a U-Net in a latent space.

Written against `scripts/inference.py` and its defaults, as they are at the card's commit. What matters of it here:

- It reads its jobs from a YAML file, runs in its own folder (`models/...` is named relative to that), and writes
  ``RESULT_DIR/v15/NAME``; it hands paths to a shell without quotes.
- It gives floor(sound * rate) pictures, the k-th made of the template's k-th, so the sound is a little longer than what
  is wanted. Where it sees no face it drops the picture, and all that follow get other pictures' reference: it must be
  given none without a face.
- A failed job is printed, and the program still ends with code 0.

References
----------
Zhang et al., *MuseTalk: Real-Time High-Fidelity Video Dubbing via Spatio-Temporal Sampling*, arXiv:2410.10122.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hygiesync.external.interface import Ability, EngineCard, EngineJob

CARD = EngineCard(
    name="musetalk",
    title="MuseTalk 1.5",
    ability=Ability.DUBS,
    repository="https://github.com/TMElyralab/MuseTalk",
    commit="0a89dec45a0192b824e3cf4daf96c239440c5ed8",
    code_licence="MIT",
    weights_licence="its own: any purpose, also commercial, says its README; sd-vae, whisper, face-parsing: MIT;"
    " DWPose: Apache-2.0; S3FD: its own terms",
    hardware="NVIDIA GPU, 4 GB or more (8 s of video took 5 minutes there); 30 pictures a second on a V100, they say",
    entry="scripts/inference.py",
    modules=("torch", "diffusers", "transformers", "mmpose", "mmcv", "omegaconf", "cv2", "librosa"),
    weights=(
        "models/musetalkV15/unet.pth",
        "models/musetalkV15/musetalk.json",
        "models/sd-vae/config.json",
        "models/sd-vae/diffusion_pytorch_model.bin",
        "models/whisper/config.json",
        "models/whisper/pytorch_model.bin",
        "models/whisper/preprocessor_config.json",
        "models/dwpose/dw-ll_ucoco_384.pth",
        "models/face-parse-bisent/79999_iter.pth",
        "models/face-parse-bisent/resnet18-5c106cde.pth",
    ),
)

_RESULT = "dubbed.mp4"
_FAILED = "Error occurred during processing:"


class MuseTalk:
    """Calls MuseTalk's script for one job; see :class:`hygiesync.external.interface.ExternalEngine`."""

    card = CARD
    stages: Sequence[tuple[str, str]] = (
        ("load unet model", "loading"),
        ("Extracting landmarks", "finding the face"),
        ("get key_landmark", "finding the face"),
        ("Starting inference", "painting"),
        ("Padding generated images", "pasting"),
        ("Video generation command", "encoding"),
    )

    def command(self, job: EngineJob) -> list[str]:
        """See :meth:`ExternalEngine.command`."""
        jobs = job.work / "jobs.yaml"
        # JSON is YAML, and its strings are quoted
        task = {"video_path": str(job.source), "audio_path": str(job.lead), "result_name": _RESULT}
        jobs.write_text(json.dumps({"task_0": task}), encoding="utf-8")
        return [
            "-m", "scripts.inference",
            "--inference_config", str(jobs),
            "--result_dir", str(self._results(job)),
            "--unet_model_path", "models/musetalkV15/unet.pth",
            "--unet_config", "models/musetalkV15/musetalk.json",
            "--whisper_dir", "models/whisper",
            "--version", "v15",
            *job.extra,
        ]  # fmt: skip

    def folder(self, job: EngineJob) -> Path:
        """See :meth:`ExternalEngine.folder`."""
        return job.home

    def result(self, job: EngineJob) -> Path | None:
        """See :meth:`ExternalEngine.result`."""
        made = self._results(job) / "v15" / _RESULT
        return made if made.is_file() else None

    def complaint(self, line: str) -> str | None:
        """See :meth:`ExternalEngine.complaint`."""
        _, found, reason = line.partition(_FAILED)
        return reason.strip() if found else None

    def _results(self, job: EngineJob) -> Path:
        # one folder further down: it keeps the face's places in this folder's parent
        return job.work / "results"
