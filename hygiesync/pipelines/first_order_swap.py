"""Parts of a picture in the place of those in a video, by a learnt model, as an mp4."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.concurrency.prefetch import prefetched
from hygiesync.engine import VideoFrame
from hygiesync.errors import InputError
from hygiesync.extras import require
from hygiesync.first_order.driving import DrivingVideo, first_picture
from hygiesync.first_order.face_crop import AUTO, chosen_square
from hygiesync.first_order.frame_swap import RegionSwap, SegmentSwap
from hygiesync.first_order.regions import FACE
from hygiesync.first_order.swapping import SwappingModel
from hygiesync.media.container import PathLike
from hygiesync.media.video import probe
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.output import check_not_same, write_pictures
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.portrait.driving import watch_driving
from hygiesync.portrait.face_selection import chosen_face
from hygiesync.progress import Progress
from hygiesync.timing import n_video_frames

_DRAWN_AHEAD = 3


@dataclass(frozen=True, kw_only=True)
class SwapOptions(EncodingOptions):
    """What may be asked of a swap of parts.

    Attributes
    ----------
    regions : tuple of str
        Parts of a face, found by its landmarks: some of :data:`hygiesync.first_order.regions.REGIONS`.
    segments : tuple of int
        Parts that a model of co-segmentation knows by number, from 1; given, they count and `regions` don't.
    is_hard : bool
        Segments are taken wholly or not at all.
    follows_picture : bool
        Parts have the outlines that they have in the picture, moved; else those of the video.
    crop, driving_crop : str
        Which square of picture and video the model sees; see :func:`hygiesync.first_order.face_crop.chosen_square`.
    """

    regions: tuple[str, ...] = (FACE,)
    segments: tuple[int, ...] = ()
    is_hard: bool = False
    follows_picture: bool = False
    crop: str = AUTO
    driving_crop: str = AUTO


def swap_parts(
    model: SwappingModel,
    image: PathLike,
    driving: PathLike,
    out: PathLike,
    options: SwapOptions | None = None,
    *,
    has_consent: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write an mp4 in which parts of a video are those of a picture, moved as the video moves; its sound is kept.

    Parameters
    ----------
    model : FirstOrderModel or SegmentModel
    image : path
    driving : path
        A video.
    out : path
        The mp4 to write. After an error it is gone.
    options : SwapOptions, optional
    has_consent : bool
        Whether those shown agreed; recorded in the file.
    progress : callable, optional

    Returns
    -------
    dict
        ``n_frames`` and ``n_frames_without_face``.

    Raises
    ------
    InputError
        When a file can't be used, or a face isn't found where parts of it are asked for.
    UsageError
        When an option asks for what there isn't.
    """
    options = options or SwapOptions()
    check_not_same(out, image, driving)
    report, info = progress or (lambda *_: None), probe(driving)
    work = _Swap(model, image, driving, options)
    n_frames = n_video_frames(info.duration_s, info.fps)

    def counted() -> Generator[VideoFrame]:
        with closing(prefetched(work.pictures(), _DRAWN_AHEAD)) as pictures:
            for number, picture in enumerate(pictures, 1):
                report("swapping", number, n_frames, "")
                yield picture

    tags = Provenance(Method.FACE_SWAPPED, Path(image).name, has_consent).tags()
    sound = Soundtrack(driving, is_heard=False) if info.has_audio else None
    with closing(counted()) as drawn:
        write_pictures(drawn, out, (info.width, info.height), info.fps, tags, sound=sound, encoding=options)
    return {"n_frames": work.n_frames, "n_frames_without_face": work.n_unseen}


class _Swap:
    """A picture and a video on their way to pictures."""

    def __init__(self, model: SwappingModel, image: PathLike, driving: PathLike, options: SwapOptions) -> None:
        self._options, self._driving = options, driving
        self.n_frames = self.n_unseen = 0
        picture = first_picture(image)
        square = chosen_square(picture, options.crop, str(image))
        self._video = DrivingVideo(driving, options.driving_crop, model.size)
        cut = square.cut(picture, model.size)
        if options.segments:
            swap = SegmentSwap(
                model, cut, self._video.square, options.segments,
                is_hard=options.is_hard, follows_picture=options.follows_picture,
            )  # fmt: skip
            self._draw: Callable[[NDArray[Any], FloatArray | None], NDArray[Any]] = lambda image, _: swap.draw(image)
            return
        require("photo", "finding parts of a face")
        landmarks = None
        if options.follows_picture:
            landmarks = (chosen_face(picture, image)[:, :2] - (square.left, square.top)) * (model.size / square.side)
        self._draw = RegionSwap(model, cut, self._video.square, options.regions, landmarks).draw

    def pictures(self) -> Generator[VideoFrame]:
        for image, time_s, landmarks in self._frames():
            self.n_frames += 1
            yield VideoFrame(self._draw(image, landmarks), time_s)
        if self.n_unseen == self.n_frames:
            raise InputError(f"{self._driving}: no face was found in any frame; expected a video of one face")

    def _frames(self) -> Iterator[tuple[NDArray[Any], Fraction, FloatArray | None]]:
        if self._options.segments:
            yield from ((image, time_s, None) for image, time_s in self._video.frames())
            return
        for frame in watch_driving(self._driving):
            self.n_unseen += not frame.is_seen
            yield frame.image, frame.time_s, frame.landmarks if frame.is_seen else None
