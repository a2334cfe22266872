"""Learning a person's painter from the atlas of their mouths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hygiesync.learning.loop import VALIDATION_LOSS, History, train
from hygiesync.learning.settings import LoopSettings
from hygiesync.media.images import write_png
from hygiesync.mouth_unet.learning.detail import measured_detail
from hygiesync.mouth_unet.learning.examples import Example, Examples, as_batch
from hygiesync.mouth_unet.learning.export import export_painter
from hygiesync.mouth_unet.learning.losses import painting_loss
from hygiesync.mouth_unet.learning.network import MouthUNet
from hygiesync.mouth_unet.painter import PainterFacts, with_texture
from hygiesync.mouth_unet.reference import KnownMouths
from hygiesync.progress import Progress

BATCH_SIZE = 16
_STEPS_PER_EPOCH = 60
_EPOCHS = {"fast": 6, "balanced": 24, "best": 64}
"""By preset; balanced takes seven minutes of one core for a patch of 88 by 72."""

_LEARNING_RATE = 2e-3
_N_VALIDATED, _N_SHOWN = 48, 8
_TEXTURES = np.linspace(0, 1, 11)

WANTED_SHARPNESS = 0.95
"""Of the real mouths, which painted ones are to have by the reference's texture."""


def loop_settings(preset: str, seed: int) -> LoopSettings:
    """How long a painter is trained, and where: on a GPU when torch finds one."""
    return LoopSettings(
        n_epochs=_EPOCHS[preset],
        steps_per_epoch=_STEPS_PER_EPOCH,
        learning_rate=_LEARNING_RATE,
        weight_decay=1e-3,
        device="cuda" if torch.cuda.is_available() else "cpu",
        seed=seed,
    )


@dataclass(frozen=True)
class LearnedPainter:
    """What learning gave.

    Attributes
    ----------
    model : bytes
        ONNX.
    facts : PainterFacts
    measures : dict of str to float
        On the part that was not learnt from.
    """

    model: bytes
    facts: PainterFacts
    measures: dict[str, float]


class _Painting:
    """The objective; see :class:`hygiesync.learning.loop.Objective`."""

    def __init__(self, examples: Examples, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = MouthUNet(examples.n_numbers)
        self._examples, self.identity = examples, [examples.n_numbers, len(examples.training), BATCH_SIZE]
        self.held_out = examples.held_out(_N_VALIDATED)

    def batches(self, n_steps: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[Any], ...]]:
        return self._examples.batches(n_steps, BATCH_SIZE, rng)

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        reference, outline, numbers, real, weight = batch
        return painting_loss(self.network(reference, outline, numbers), real, weight)

    def validate(self) -> dict[str, float]:
        device = next(self.network.parameters()).device
        batch = [torch.from_numpy(array).to(device) for array in as_batch(self.held_out)]
        loss, _ = self.loss(*batch)
        return {VALIDATION_LOSS: float(loss)}

    def paint(self) -> list[NDArray[np.float32]]:
        """The held-out mouths, as the network paints them."""
        device = next(self.network.parameters()).device
        reference, outline, numbers, *_ = as_batch(self.held_out)
        with torch.no_grad():
            given = (torch.from_numpy(array).to(device) for array in (reference, outline, numbers))
            return list(self.network(*given).cpu().numpy())


def learn_painter(
    mouths: KnownMouths,
    settings: LoopSettings,
    workshop: Path,
    progress: Progress | None = None,
) -> LearnedPainter:
    """Train a painter on an atlas; goes on from a checkpoint in `workshop` when one is there.

    Parameters
    ----------
    mouths : KnownMouths
    settings : LoopSettings
    workshop : Path
        Folder for the checkpoint, the exported network, and ``painter.png``: after every epoch some mouths that are not
        learnt from, as reference, painted and real.
    progress : callable, optional

    Returns
    -------
    LearnedPainter
    """
    examples = Examples(mouths)
    work = _Painting(examples, settings.seed)
    tell = progress or (lambda *_: None)

    def after_epoch(done: int, total: int, history: History) -> None:
        _write_sheet(workshop / "painter.png", work.held_out, work.paint())
        tell("learning to paint", done, total, f"loss {history[VALIDATION_LOSS][-1]:.4f}")

    train(work, settings, workshop / "checkpoint-painter.safetensors", after_epoch)
    painted = work.paint()
    texture = _texture(work.held_out, painted)
    file = workshop / "painter.onnx"
    export_painter(work.network, examples.patch, file)
    facts = PainterFacts(examples.patch, texture, measured_detail(examples, work.held_out, painted, texture))
    return LearnedPainter(file.read_bytes(), facts, _measures(work.held_out, painted, facts))


def _texture(examples: list[Example], painted: list[NDArray[np.float32]]) -> float:
    """The least share of real detail with which mouths are as sharp as wanted; all of it where none does."""
    for texture in _TEXTURES:
        if (
            _sharpness_ratio(
                examples, [with_texture(p, e.reference, texture, 1.0) for p, e in _pairs(painted, examples)]
            )
            >= WANTED_SHARPNESS
        ):
            return float(texture)
    return 1.0


def _measures(examples: list[Example], painted: list[NDArray[np.float32]], facts: PainterFacts) -> dict[str, float]:
    """PSNR in decibels within the region, and sharpness as a ratio, of painted mouths and of their references."""
    finished = [with_texture(p, e.reference, facts.texture, 1.0) for p, e in _pairs(painted, examples)]
    plain = [np.clip(patch, 0, 255) for patch in painted]
    references = [example.reference for example in examples]
    return {
        "painted_psnr_db": round(_psnr_db(examples, plain), 3),
        "painted_sharpness": round(_sharpness_ratio(examples, plain), 3),
        "finished_psnr_db": round(_psnr_db(examples, finished), 3),
        "finished_sharpness": round(_sharpness_ratio(examples, finished), 3),
        "reference_psnr_db": round(_psnr_db(examples, references), 3),
        "texture": round(facts.texture, 3),
    }


def _pairs(
    painted: list[NDArray[np.float32]], examples: list[Example]
) -> Iterator[tuple[NDArray[np.float32], Example]]:
    return zip(painted, examples, strict=True)


def _psnr_db(examples: list[Example], patches: list[Any]) -> float:
    errors = [
        np.average(((patch.astype(np.float32) - example.real) ** 2).mean(-1), weights=example.weight)
        for patch, example in zip(patches, examples, strict=True)
    ]
    return float(10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-3)))


def _sharpness_ratio(examples: list[Example], patches: list[Any]) -> float:
    """Mean squared Laplacian within the region, against the real mouths'."""

    def energy(patch: Any, weight: NDArray[np.float32]) -> float:
        grey = patch.astype(np.float32).mean(-1)
        return float(np.average(cv2.Laplacian(grey, cv2.CV_32F) ** 2, weights=weight))

    made = np.mean([energy(patch, example.weight) for patch, example in zip(patches, examples, strict=True)])
    real = np.mean([energy(example.real, example.weight) for example in examples])
    return float(made / max(float(real), 1e-6))


def _write_sheet(path: Path, examples: list[Example], painted: list[NDArray[np.float32]]) -> None:
    """Rows of reference, painted and real; written whole, since somebody may be looking."""
    chosen = np.unique(np.linspace(0, len(examples) - 1, _N_SHOWN).astype(int))
    rows = [
        np.concatenate([examples[i].reference for i in chosen], 1),
        np.concatenate([np.clip(painted[i], 0, 255).astype(np.uint8) for i in chosen], 1),
        np.concatenate([examples[i].real for i in chosen], 1),
    ]
    partial = path.with_name(f".{path.name}")
    write_png(partial, np.concatenate(rows))
    partial.replace(path)
