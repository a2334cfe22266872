"""A driving video's learnt motion on a still picture, as an mp4 and, where they are wanted, lossless pictures."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import astuple, dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError, UsageError
from hygiesync.first_order.animation import MovingPicture, best_reference
from hygiesync.first_order.driving import DrivingVideo, first_picture
from hygiesync.first_order.face_crop import AUTO, chosen_square, shown
from hygiesync.first_order.keypoints import CarryOptions
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.pasting import Pasting
from hygiesync.media.container import PathLike
from hygiesync.media.images import write_png
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.progress import Progress

_READ_AHEAD = 3


@dataclass(frozen=True, kw_only=True)
class FirstOrderOptions(EncodingOptions):
    """What may be asked of an animation.

    Attributes
    ----------
    carry : CarryOptions
    uses_best_frame : bool
        Motion is measured from the driving frame whose points are most like the picture's, not from the first.
    crop, driving_crop : str
        Which square of picture and video the model sees: ``auto``, ``face``, ``none`` or ``LEFT,TOP,SIDE``.
    pastes : bool
        Put the moved square back into the whole picture.
    frames : Path, optional
        Folder for lossless pictures, 000000.png and so on.
    crop_shown : Path, optional
        PNG that shows what of the picture is used.
    """

    carry: CarryOptions = field(default_factory=CarryOptions)
    uses_best_frame: bool = False
    crop: str = AUTO
    driving_crop: str = AUTO
    pastes: bool = False
    frames: Path | None = None
    crop_shown: Path | None = None


def animate_first_order(
    model: FirstOrderModel,
    image: PathLike,
    driving: PathLike,
    out: PathLike,
    options: FirstOrderOptions | None = None,
    *,
    has_consent: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write an mp4 in which a picture moves as a video does, with the video's sound.

    Parameters
    ----------
    model : FirstOrderModel
    image : path
        A picture; of a video or a folder of frames the first.
    driving : path
        A video, or a folder of frames (25 a second).
    out : path
        The mp4 to write. After an error it is gone.
    options : FirstOrderOptions, optional
    has_consent : bool
        Whether those shown agreed; recorded in the file.
    progress : callable, optional

    Returns
    -------
    dict
        ``n_frames``, ``size``, ``reference_s``, ``crop`` and ``driving_crop`` (left, top, side).

    Raises
    ------
    InputError
        When a file can't be used.
    UsageError
        When an option asks for what there isn't.
    """
    options = options or FirstOrderOptions()
    check_not_same(out, image, driving)
    work = _Animation(model, image, driving, options, progress or (lambda *_: None))
    tags = Provenance(Method.VIDEO_DRIVEN, Path(image).name, has_consent).tags()
    sound = Soundtrack(driving, is_heard=False) if work.video.has_audio else None
    with closing(work.pictures()) as drawn:
        write_pictures(drawn, out, work.size, work.video.fps, tags, sound=sound, encoding=options)
    return work.result()


class _Animation:
    """One picture and one driving video on their way to an mp4."""

    def __init__(
        self, model: FirstOrderModel, image: PathLike, driving: PathLike, options: FirstOrderOptions, report: Progress
    ) -> None:
        self._options, self._report = options, report
        self._picture = first_picture(image)
        self._square = chosen_square(self._picture, options.crop, str(image))
        self.video = DrivingVideo(driving, options.driving_crop, model.size)
        if options.crop_shown is not None:
            write_png(options.crop_shown, shown(self._picture, self._square))
        if options.frames is not None:
            _make_folder(options.frames)
        cut = self._square.cut(self._picture, model.size)
        reference, self._reference_s = None, Fraction(0)
        if options.uses_best_frame:
            reference, self._reference_s = best_reference(
                model, model.points(cut), self.video.squares(partial(self._count, "choosing a frame"))
            )
        self._moving = MovingPicture(model, cut, options.carry, reference)
        height, width = self._picture.shape[:2]
        self._pasting = Pasting(width, height, self._square) if options.pastes else None
        self._n_drawn = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is made."""
        if self._pasting is None:
            return self._moving.size, self._moving.size
        return self._picture.shape[1], self._picture.shape[0]

    def pictures(self) -> Generator[VideoFrame]:
        """The moved pictures, at the driving frames' times; PNGs of them on the way, where they are wanted."""
        with closing(prefetched(self.video.squares(), _READ_AHEAD)) as squares:
            for made in self._moving.pictures(squares):
                whole = made.image if self._pasting is None else self._pasting.paste(self._picture, made.image)
                if self._options.frames is not None:
                    write_png(self._options.frames / f"{self._n_drawn:06d}.png", whole)
                self._n_drawn += 1
                self._count("animating", self._n_drawn)
                yield VideoFrame(whole, made.time_s)

    def result(self) -> dict[str, Any]:
        return {
            "n_frames": self._n_drawn,
            "size": list(self.size),
            "reference_s": float(self._reference_s),
            "crop": list(astuple(self._square)),
            "driving_crop": list(astuple(self.video.square)),
        }

    def _count(self, stage: str, done: int) -> None:
        self._report(stage, done, self.video.n_frames, "")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: is not empty; choose another `frames`")
    except OSError as error:
        raise InputError(f"{folder}: can't be made ({error.strerror}); choose another `frames`") from error
