"""Videos of one person become an avatar, as `hygiesync train` has it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from hygiesync.avatar.manifest import MANIFEST_NAME
from hygiesync.batch.columns import Setting, one_of, whole_number, yes_or_no
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.kinds.kind import Kind
from hygiesync.batch.looking import Looks, Problems
from hygiesync.batch.workshop import Workshop
from hygiesync.building.job import DEFAULT_LOOKAHEAD_MS, MAX_LOOKAHEAD_MS
from hygiesync.media.video import probe

PRESETS = ("fast", "balanced", "best")

SEPARATOR = "|"
"""Between the videos of one person, in one cell: it stands in no usual file name, and in no kind of CSV."""

_MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainingSettings:
    """As the parameters of :func:`hygiesync.building.from_video.train`."""

    preset: str = "balanced"
    lookahead_ms: float = DEFAULT_LOOKAHEAD_MS
    seed: int = 0
    fix_offset: bool = False
    has_consent: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """A :class:`hygiesync.batch.job.Task`, whose output is a folder.

    Attributes
    ----------
    videos : tuple of str
        Paths or URLs.
    settings : TrainingSettings
    """

    videos: tuple[str, ...]
    settings: TrainingSettings

    kind = "train"
    proof = MANIFEST_NAME

    @property
    def subject(self) -> str:
        """The first video."""
        return self.videos[0]

    def inputs(self, hashes: Fingerprints) -> dict[str, Any]:
        """See :meth:`Task.inputs`."""
        return {"videos": [hashes.of_file(video) for video in self.videos], "settings": asdict(self.settings)}

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """See :meth:`Task.make`."""
        from hygiesync.building.from_video import train
        from hygiesync.evaluation.training_report.page import make_report

        with ExitStack() as copies:
            videos = [copies.enter_context(workshop.local(video)) for video in self.videos]
            duration_s = sum((probe(video).duration_s for video in videos), Fraction(0))
            workshop.check_duration(duration_s)
            train(videos, out, **asdict(self.settings), warn=workshop.warn, report=make_report)
        return duration_s


def _lookahead_ms(text: str) -> float:
    value = float(text)
    if not 0 <= value <= MAX_LOOKAHEAD_MS:
        raise ValueError
    return value


_SETTINGS: Mapping[str, Setting] = {
    "preset": one_of("preset", PRESETS),
    "lookahead_ms": Setting("lookahead_ms", f"milliseconds from 0 to {MAX_LOOKAHEAD_MS:g}", _lookahead_ms),
    "seed": whole_number("seed", 0, _MAX_SEED),
    "fix_offset": yes_or_no("fix_offset"),
    "consent": yes_or_no("has_consent"),
}


def _task_of(cells: Mapping[str, str], looks: Looks, problems: Problems) -> Training:
    written = [video for video in cells["videos"].split(SEPARATOR) if video.strip()]
    videos = tuple(looks.file(video, "videos", "a video", problems) for video in written)
    if not videos:
        problems["videos"] = "expected one or more videos, got none"
    settings = looks.settings(_SETTINGS, cells, problems, lambda values, _: TrainingSettings(**values))
    return Training(videos, settings)


TRAIN = Kind("train", "videos", "", _SETTINGS, _task_of, out_suffixes=())
