"""The step in which a network learns to paint a person's mouth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.building.job import Job
from hygiesync.mouth_unet.reference import KnownMouths
from hygiesync.progress import Progress

if TYPE_CHECKING:
    from hygiesync.mouth_unet.learning.train import LearnedPainter


def learn_to_paint(mouths: KnownMouths, job: Job, workshop: Path, report: Progress) -> LearnedPainter:
    """Train a painter on an atlas; on a GPU where torch finds one.

    Parameters
    ----------
    mouths : KnownMouths
    job : Job
    workshop : Path
        Folder for its checkpoint and its picture of progress, ``painter.png``.
    report : callable
    """
    from hygiesync.mouth_unet.learning.train import learn_painter, loop_settings

    return learn_painter(mouths, loop_settings(job.preset, job.seed), workshop, report)
