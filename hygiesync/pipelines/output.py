"""Pictures and the sound that goes with them, written to one mp4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hygiesync.engine import VideoFrame
from hygiesync.errors import UsageError
from hygiesync.media.container import PathLike
from hygiesync.media.video import VideoWriter
from hygiesync.pipelines.encoding import EncodingOptions
from hygiesync.pipelines.soundtrack import Soundtrack
from hygiesync.timing import sample_time


def write_pictures(
    pictures: Iterator[VideoFrame],
    out: PathLike,
    size: tuple[int, int],
    fps: Fraction,
    metadata: dict[str, str],
    *,
    sound: Soundtrack | None,
    encoding: EncodingOptions | None = None,
    progress: Callable[[Fraction], None] | None = None,
) -> None:
    """Write pictures to an mp4, and the sound of a file beside them.

    Parameters
    ----------
    pictures : iterator of VideoFrame
        Taken one at a time.
    out : path
    size : tuple of int
        (width, height) of the pictures.
    fps : Fraction
        Nominal rate; the pictures have times of their own.
    metadata : dict of str to str
    sound : Soundtrack or None
        It is written whole, in its own rate and channels where an mp4 keeps them; without one, there is none.
    encoding : EncodingOptions, optional
    progress : callable, optional
    """
    encoding = encoding or EncodingOptions()
    open_writer = partial(
        VideoWriter, out, *size, fps, metadata=metadata,
        crf=encoding.crf, preset=encoding.preset, codec=encoding.codec, n_threads=encoding.n_threads,
    )  # fmt: skip
    if sound is None:
        with open_writer() as writer:
            _write_side_by_side(writer, pictures, iter(()), 1, progress)
        return
    with open_writer(audio_rate=sound.sample_rate, audio_channels=sound.n_channels) as writer:
        _write_side_by_side(writer, pictures, sound.kept(), sound.sample_rate, progress)


def _write_side_by_side(
    writer: VideoWriter,
    pictures: Iterator[VideoFrame],
    track: Iterator[NDArray[Any]],
    rate: int,
    progress: Callable[[Fraction], None] | None,
) -> None:
    """Write each picture once the sound up to it is written."""
    n_samples = 0
    for picture in pictures:
        while sample_time(n_samples, rate) <= picture.time_s and (samples := next(track, None)) is not None:
            writer.write_audio(samples)
            n_samples += len(samples)
        writer.write(picture.image, picture.time_s)
        if progress is not None:
            progress(picture.time_s)
    for samples in track:
        writer.write_audio(samples)


def check_not_same(out: PathLike, *sources: PathLike | None) -> None:
    """Refuse to write over a file that is being read."""
    for source in sources:
        if source is not None and Path(out).exists() and Path(source).exists() and Path(out).samefile(source):
            raise UsageError(f"{out}: is also read; choose another `out`, or the file would be lost")
