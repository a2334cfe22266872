"""SadTalker (OpenTalker): a picture says a sound, by the coefficients of a 3D face model.

Written against `inference.py`, as it is at the card's commit. What matters of it here:

- It writes ``RESULT_DIR/DATE.mp4`` under a name of its own, at 25 pictures a second, int(samples / 640) of them at
  16 kHz.
- Its temporary videos lie in the folder where it is started. It is therefore started in ours, which is removed, with a
  link to ``gfpgan``, whose weights it looks for there.
- ``resize`` takes the picture as it is: it is already cut around the face, and goes back where it was cut.
  ``still`` keeps the head where it is, so that the picture's border stays what it was.
- A face that it does not find is printed, and the program ends with code 0.

References
----------
Zhang et al., *SadTalker: Learning Realistic 3D Motion Coefficients for Stylized Audio-Driven Single Image Talking Face
Animation*, CVPR 2023, arXiv:2211.12194.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hygiesync.errors import MissingDependencyError
from hygiesync.external.interface import Ability, EngineCard, EngineJob

SIZE = 256
"""Side of what it paints, pixels; its weights for 512 are called a test by its authors."""

CARD = EngineCard(
    name="sadtalker",
    title="SadTalker",
    ability=Ability.SPEAKS,
    repository="https://github.com/OpenTalker/SadTalker",
    commit="cd4c0465ae0b54a6f85af57f5c65fec9fe23e7f8",
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0 as the code, nothing else is said of them; learnt with a 3D face model and data sets"
    " that have terms of their own",
    hardware="NVIDIA GPU with 4 GB or more, or a CPU, at minutes a second of video",
    entry="inference.py",
    modules=("torch", "facexlib", "kornia", "safetensors", "yacs", "pydub", "librosa", "cv2"),
    weights=(
        f"checkpoints/SadTalker_V0.0.2_{SIZE}.safetensors",
        "checkpoints/mapping_00229-model.pth.tar",
        "gfpgan/weights/alignment_WFLW_4HG.pth",
        "gfpgan/weights/detection_Resnet50_Final.pth",
    ),
)

_NO_FACE = ("Can't get the coeffs of the input", "No face is detected", "can not detect the landmark")


class SadTalker:
    """Calls SadTalker's script for one job; see :class:`hygiesync.external.interface.ExternalEngine`."""

    card = CARD
    stages: Sequence[tuple[str, str]] = (
        ("3DMM Extraction for source image", "finding the face"),
        ("landmark Det", "finding the face"),
        ("mel:", "hearing"),
        ("audio2exp", "hearing"),
        ("Face Renderer", "painting"),
    )

    def command(self, job: EngineJob) -> list[str]:
        """See :meth:`ExternalEngine.command`.

        Raises
        ------
        MissingDependencyError
            When the folder can't be prepared.
        """
        try:
            (job.work / "gfpgan").symlink_to(job.home / "gfpgan", target_is_directory=True)
        except OSError as error:
            raise MissingDependencyError(
                f"{CARD.title}: no link can be made in {job.work} ({error.strerror})"
            ) from error
        return [
            str(job.home / CARD.entry),
            "--driven_audio", str(job.lead),
            "--source_image", str(job.source),
            "--result_dir", str(self._results(job)),
            "--checkpoint_dir", str(job.home / "checkpoints"),
            "--size", str(SIZE),
            "--preprocess", "resize",
            "--still",
            *job.extra,
        ]  # fmt: skip

    def folder(self, job: EngineJob) -> Path:
        """See :meth:`ExternalEngine.folder`."""
        return job.work

    def result(self, job: EngineJob) -> Path | None:
        """See :meth:`ExternalEngine.result`."""
        return next(iter(sorted(self._results(job).glob("*.mp4"))), None)

    def complaint(self, line: str) -> str | None:
        """See :meth:`ExternalEngine.complaint`."""
        return line if any(words in line for words in _NO_FACE) else None

    def _results(self, job: EngineJob) -> Path:
        return job.work / "results"
