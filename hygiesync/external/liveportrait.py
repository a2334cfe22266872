"""LivePortrait (KwaiVGI): a picture moves as the face in a video does, by implicit key points.

Written against `inference.py` and `src/config/argument_config.py`, as they are at the card's commit. What matters here:

- It is called with a source and a driving file, and writes ``OUTPUT_DIR/SOURCE--DRIVING.mp4`` and a second file with
  ``_concat``, in which driving, source and result stand side by side.
- It makes one picture for each of the driving video's, but rounds the rate down to a whole number (29.97 becomes 29):
  times are therefore not read from its video; its k-th picture belongs to the driving video's k-th.
- It cuts out the face by itself and pastes it back into the source, whose longer side it limits to 1280 pixels.

References
----------
Guo et al., *LivePortrait: Efficient Portrait Animation with Stitching and Retargeting Control*, arXiv:2407.03168.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hygiesync.external.interface import Ability, EngineCard, EngineJob

_BASE = "pretrained_weights/liveportrait/base_models"

CARD = EngineCard(
    name="liveportrait",
    title="LivePortrait",
    ability=Ability.ANIMATES,
    repository="https://github.com/KwaiVGI/LivePortrait",
    commit="1986663be3b6902605d32200c01f4bfd36cda83d",
    code_licence="MIT",
    weights_licence="its own weights: MIT; the face detector's (InsightFace buffalo_l): research only, not commercial",
    hardware="NVIDIA GPU (13 ms a picture on an RTX 4090, its paper says), or Apple Silicon, about 20 times slower",
    entry="inference.py",
    modules=("torch", "onnxruntime", "tyro", "rich", "cv2", "imageio", "pykalman"),
    weights=(
        f"{_BASE}/appearance_feature_extractor.pth",
        f"{_BASE}/motion_extractor.pth",
        f"{_BASE}/spade_generator.pth",
        f"{_BASE}/warping_module.pth",
        "pretrained_weights/liveportrait/landmark.onnx",
        "pretrained_weights/liveportrait/retargeting_models/stitching_retargeting_module.pth",
        "pretrained_weights/insightface/models/buffalo_l/2d106det.onnx",
        "pretrained_weights/insightface/models/buffalo_l/det_10g.onnx",
    ),
)


class LivePortrait:
    """Calls LivePortrait's script for one job; see :class:`hygiesync.external.interface.ExternalEngine`."""

    card = CARD
    stages: Sequence[tuple[str, str]] = (
        ("Load source", "reading"),
        ("Start making driving motion template", "following the driving face"),
        ("Making motion templates", "following the driving face"),
        ("Animating", "painting"),
        ("Concatenating", "encoding"),
        ("Writing", "encoding"),
    )

    def command(self, job: EngineJob) -> list[str]:
        """See :meth:`ExternalEngine.command`."""
        return [
            str(job.home / CARD.entry),
            "--source", str(job.source),
            "--driving", str(job.lead),
            "--output_dir", str(self._results(job)),
            *job.extra,
        ]  # fmt: skip

    def folder(self, job: EngineJob) -> Path:
        """See :meth:`ExternalEngine.folder`."""
        return job.home

    def result(self, job: EngineJob) -> Path | None:
        """See :meth:`ExternalEngine.result`."""
        made = self._results(job) / f"{job.source.stem}--{job.lead.stem}.mp4"
        return made if made.is_file() else None

    def complaint(self, line: str) -> str | None:
        """See :meth:`ExternalEngine.complaint`."""
        return line if line.startswith("No face detected") else None

    def _results(self, job: EngineJob) -> Path:
        return job.work / "results"
