"""A picture moves as the face in a video does, as `hygiesync animate` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from hygiesync.batch.columns import Setting, yes_or_no
from hygiesync.batch.fingerprint import Fingerprints
from hygiesync.batch.kinds.choices import AUDIO_TRACK, FACE_OF_VIDEO
from hygiesync.batch.kinds.encoding import ENCODING
from hygiesync.batch.kinds.engines import ENGINE, without_unused_engine
from hygiesync.batch.kinds.kind import Kind
from hygiesync.batch.looking import Looks, Problems
from hygiesync.batch.workshop import Workshop
from hygiesync.media.video import probe
from hygiesync.pipelines.animate import AnimateOptions, animate
from hygiesync.pipelines.animation_methods import METHODS, OWN_MODELS
from hygiesync.portrait.transfer import REGIONS, TransferOptions


@dataclass(frozen=True, slots=True)
class Animation:
    """A :class:`hygiesync.batch.job.Task`.

    Attributes
    ----------
    image, driving : str
        Paths or URLs of the picture and of the video that leads.
    options : AnimateOptions
    has_consent : bool
        Whether those shown agreed; recorded in the file.
    """

    image: str
    driving: str
    options: AnimateOptions
    has_consent: bool

    kind = "animate"
    proof = ""

    @property
    def subject(self) -> str:
        """The picture."""
        return self.image

    def inputs(self, hashes: Fingerprints) -> dict[str, Any]:
        """See :meth:`Task.inputs`."""
        return {
            "image": hashes.of_file(self.image),
            "driving": hashes.of_file(self.driving),
            "options": without_unused_engine(asdict(self.options)),
            "has_consent": self.has_consent,
        }

    def make(self, out: Path, workshop: Workshop) -> Fraction:
        """See :meth:`Task.make`."""
        with workshop.local(self.image) as image, workshop.local(self.driving) as driving:
            duration_s = probe(driving).duration_s
            workshop.check_duration(duration_s)
            options = replace(self.options, n_threads=1)
            animate(image, driving, out, options, has_consent=self.has_consent, warn=workshop.warn)
        return duration_s


def _only(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split("+"))
    if not set(parts) <= set(REGIONS):
        raise ValueError
    return parts


def _method(text: str) -> str:
    name, colon, _ = text.partition(":")
    if name not in METHODS or (colon and name not in OWN_MODELS):
        raise ValueError
    return text


_SETTINGS: Mapping[str, Setting] = {
    "face": FACE_OF_VIDEO,
    "driving_face": replace(FACE_OF_VIDEO, parameter="driving_face"),
    "audio_track": AUDIO_TRACK,
    "absolute": yes_or_no("is_absolute"),
    "adapt_scale": yes_or_no("adapts_scale"),
    "best_frame": yes_or_no("uses_best_frame"),
    "only": Setting("only", f"some of {'+'.join(REGIONS)}", _only),
    "swap": yes_or_no("swaps"),
    "method": Setting("method", f"one of {', '.join(METHODS)}, or first-order:FOLDER", _method),
    "consent": yes_or_no("has_consent"),
    **ENGINE,
    **ENCODING,
}


def _task_of(cells: Mapping[str, str], looks: Looks, problems: Problems) -> Animation | None:
    def make(values: dict[str, Any], wrong: Problems) -> tuple[AnimateOptions, bool]:
        has_consent = values.pop("has_consent", False)
        transfer = {name: values.pop(name) for name in TransferOptions.__dataclass_fields__ if name in values}
        name, colon, model = values.get("method", "").partition(":")
        if colon:
            values["method"] = f"{name}:{looks.place(model)}"
        return AnimateOptions(transfer=TransferOptions(**transfer), **values), has_consent

    image = looks.file(cells["image"], "image", "a picture", problems) if "image" in cells else ""
    if not image:
        problems["image"] = "expected a picture with a face, got nothing"
    driving = looks.file(cells["driving"], "driving", "a video", problems)
    made = looks.settings(_SETTINGS, cells, problems, make)
    return None if made is None else Animation(image, driving, *made)


ANIMATE = Kind("animate", "driving", "image", _SETTINGS, _task_of)
