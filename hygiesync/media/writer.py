"""Writing an mp4 so that it is playable whatever happens.

While it is being written the file is a *hybrid fragmented* mp4: a process that is killed leaves everything up to the
last fragment. Closed in peace it becomes an ordinary mp4 with its index first, by a stream copy into a sibling that
then takes the file's name. After an exception there is no file at all, unless what is being written can't be had again:
a recording keeps the fragments that it has. Where an older file has the name, the new one is written beside it, and
takes its place only when it is whole.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hygiesync import timing
from hygiesync.errors import InputError, UsageError
from hygiesync.media.container import PathLike
from hygiesync.media.fragments import keep_whole_fragments
from hygiesync.media.replacing import free_name, unfinished

logger = logging.getLogger(__name__)

MIN_TICK_RATE = 90_000
"""Ticks a second that time stamps are counted in, at least: irregular times are kept to 6 microseconds."""

KEYFRAME_SPAN_S = Fraction(1)
"""Time between keyframes; each starts a fragment, so this much is lost when the process is killed."""

AAC_SAMPLE_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})

AAC_BIT_RATE = 128_000
"""Bits a second for each channel."""

METADATA_KEYS = frozenset(
    {"title", "artist", "album_artist", "album", "date", "genre", "comment", "description", "synopsis", "copyright"}
)
"""Tags that players show and that an mp4 keeps."""

WHILE_WRITING = "+hybrid_fragmented+frag_keyframe+delay_moov"
"""delay_moov lets the muxer see the first packets, without which AAC's priming would shift the sound by 21 ms."""

AVCOL_SPC_BT709 = 1

ACCURATE = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND


class VideoWriter:
    """Context manager that writes pictures, and sound beside them, to an mp4.

    Not thread-safe; :class:`hygiesync.media.background_writer.BackgroundWriter` is.

    The file appears at `path` at once, or, where an older file is, when it is whole; never name a file that is being
    read. What is kept of a recording that failed never replaces an older file, but lies beside it. Pictures of an odd
    width or height get their last column or row repeated, since the usual 4:2:0 colour needs even sizes.
    Colours are written and tagged as BT.709, limited range.

    Parameters
    ----------
    path : str or os.PathLike
        The mp4 to write.
    width, height : int
        Size of the pictures in pixels.
    fps : Fraction
        Nominal frames a second; times ``n / fps`` are kept exactly, others to 6 microseconds.
    audio_rate : int, optional
        Sample rate (Hz) of the sound; no sound without it.
    audio_channels : int
        1 or 2 when there is sound.
    metadata : dict of str to str, optional
        Container tags, among `METADATA_KEYS`.
    crf : int
        x264's constant quality, 0 (lossless) to 51.
    tune : str, optional
        What x264 is to favour, such as "fastdecode".
    preset : str
        x264's speed, ``ultrafast`` to ``veryslow``.
    codec : str
        FFmpeg's name of the video encoder.
    n_threads : int
        Encoding threads.
    keeps_fragments : bool
        Leave what was written when something fails, as a kill would: for what happens only once.

    Raises
    ------
    UsageError
        When an option is out of its range.
    InputError
        On entering, when `path` can't be written; later, when the disk is full or the arrays do not fit.

    Examples
    --------
    >>> with VideoWriter("out.mp4", 640, 480, Fraction(30)) as writer:  # doctest: +SKIP
    ...     writer.write(image, Fraction(0))
    """

    def __init__(
        self,
        path: PathLike,
        width: int,
        height: int,
        fps: Fraction,
        *,
        audio_rate: int | None = None,
        audio_channels: int = 0,
        metadata: dict[str, str] | None = None,
        crf: int = 16,
        preset: str = "veryfast",
        tune: str | None = None,
        codec: str = "libx264",
        n_threads: int = 2,
        keeps_fragments: bool = False,
    ) -> None:
        _check_options(width, height, fps, audio_rate, audio_channels, metadata or {})
        self.path = Path(path)
        self._file = self.path
        self._width, self._height, self._fps = width, height, Fraction(fps)
        self._audio_rate, self._audio_channels = audio_rate, audio_channels
        self._metadata = dict(metadata or {})
        self._codec, self._n_threads = codec, n_threads
        self._keeps_fragments = keeps_fragments
        self._codec_options = {"crf": str(crf), "preset": preset} if codec.startswith("libx26") else {}
        if self._codec_options and tune:
            self._codec_options["tune"] = tune
        # a multiple of the rate's numerator, so that n / fps falls on a tick for every n
        self._tick_rate = self._fps.numerator * -(-MIN_TICK_RATE // self._fps.numerator)
        self._reformatter = VideoReformatter()
        self._last_tick = -1
        self._n_samples = 0
        self._container: OutputContainer | None = None
        self._video: VideoStream
        self._audio: AudioStream | None = None

    def __enter__(self) -> VideoWriter:
        _check_writable(self.path)
        if self.path.exists():
            self._file = unfinished(self.path.resolve())
        try:
            self._open()
        except (FFmpegError, OSError, ValueError) as error:
            raise self._abandon(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._give_up()
            return
        if self._last_tick < 0:
            self._remove()
            raise InputError(f"{self.path}: not one picture was written, so there is no video to keep")
        try:
            self._flush()
        except (FFmpegError, OSError, ValueError) as failure:
            raise self._abandon(failure) from failure
        _put_index_first(self._file, self._tick_rate)
        self._put_in_place(self.path)

    def write(self, image: NDArray[np.uint8], time_s: Fraction, *, is_keyframe: bool = False) -> None:
        """Append one picture.

        Parameters
        ----------
        image : ndarray, shape (height, width, 3), uint8, RGB
            The picture; left as it is.
        time_s : Fraction
            Presentation time in seconds, after that of the picture before.
        is_keyframe : bool
            Whether this picture must be one that decoding can begin with, so that the file may be cut before it.

        Raises
        ------
        InputError
            When `image` has another shape or type, `time_s` does not advance, or the disk is full.
        """
        container = self._opened()
        if image.shape != (self._height, self._width, 3) or image.dtype != np.uint8:
            raise InputError(
                f"picture for {self.path}: expected shape ({self._height}, {self._width}, 3) of uint8, "
                f"got {image.shape} of {image.dtype}"
            )
        tick = timing.time_to_samples(time_s, self._tick_rate)
        if tick <= self._last_tick:
            raise InputError(f"picture for {self.path}: its time {float(time_s):.6f} s is not after the one before")
        self._last_tick = tick
        try:
            frame = self._to_frame(image, tick)
            frame.pict_type = PictureType.I if is_keyframe else PictureType.NONE
            container.mux(self._video.encode(frame))
        except (FFmpegError, OSError) as error:
            raise InputError(self._why_not_written(error)) from error

    def write_audio(self, samples: NDArray[np.float32]) -> None:
        """Append sound; it starts at time zero. Keep it abreast of the pictures, so that the file plays smoothly.

        Parameters
        ----------
        samples : ndarray, shape (n,) or (n, audio_channels), float32, -1 to 1
            Samples at `audio_rate`.

        Raises
        ------
        UsageError
            When the writer was made without sound.
        InputError
            When the shape does not fit, a sample is not finite, or the disk is full.
        """
        container = self._opened()
        if self._audio is None or self._audio_rate is None:
            raise UsageError("write_audio needs a VideoWriter made with audio_rate and audio_channels")
        block = samples[:, np.newaxis] if samples.ndim == 1 else samples
        if block.ndim != 2 or block.shape[1] != self._audio_channels:
            raise InputError(f"sound for {self.path}: expected shape (n, {self._audio_channels}), got {samples.shape}")
        if not np.isfinite(block).all():
            raise InputError(f"sound for {self.path}: expected finite samples, got NaN or infinity")
        if len(block) == 0:
            return
        planes = np.ascontiguousarray(block.T, dtype=np.float32)
        frame = AudioFrame.from_ndarray(planes, format="fltp", layout=_layout(self._audio_channels))
        frame.sample_rate, frame.pts, frame.time_base = self._audio_rate, self._n_samples, Fraction(1, self._audio_rate)
        self._n_samples += len(block)
        try:
            container.mux(self._audio.encode(frame))
        except (FFmpegError, OSError) as error:
            raise InputError(self._why_not_written(error)) from error

    def _open(self) -> None:
        """Create the file and its streams and write the header, so that a bad path fails before any work is done."""
        options = {
            "movflags": WHILE_WRITING,
            # a finished fragment must reach the disk, not wait in a buffer that dies with the process
            "flush_packets": "1",
            **_exact_edits(self._tick_rate),
        }
        self._container = av.open(_file_url(self._file), mode="w", format="mp4", container_options=options)
        self._container.metadata.update(self._metadata)
        self._video = self._add_video(self._container)
        if self._audio_rate is not None:
            self._audio = self._container.add_stream("aac", rate=self._audio_rate)
            self._audio.codec_context.layout = _layout(self._audio_channels)
            # the format allows 6144 bits a channel in each frame of 1024 samples
            self._audio.codec_context.bit_rate = min(AAC_BIT_RATE, 6 * self._audio_rate) * self._audio_channels
        self._container.start_encoding()

    def _add_video(self, container: OutputContainer) -> VideoStream:
        """The video stream with its encoder set up."""
        stream = cast(
            VideoStream,
            container.add_stream(
                self._codec,
                rate=self._fps,
                width=self._width + self._width % 2,
                height=self._height + self._height % 2,
                time_base=Fraction(1, self._tick_rate),
                options=self._codec_options,
            ),
        )
        context = stream.codec_context
        context.pix_fmt = "yuv420p"
        context.gop_size = max(1, timing.frames_in(KEYFRAME_SPAN_S, self._fps))
        context.thread_count = self._n_threads
        context.colorspace, context.color_range = AVCOL_SPC_BT709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return stream

    def _to_frame(self, image: NDArray[np.uint8], tick: int) -> VideoFrame:
        """Encoder's frame of a picture, at time stamp `tick`."""
        if self._width % 2 or self._height % 2:
            image = np.pad(image, ((0, self._height % 2), (0, self._width % 2), (0, 0)), mode="edge")
        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=ACCURATE,
            threads=1,
        )
        frame.pts, frame.time_base = tick, Fraction(1, self._tick_rate)
        frame.duration = timing.time_to_samples(timing.video_frame_time(1, self._fps), self._tick_rate)
        return frame

    def _opened(self) -> OutputContainer:
        if self._container is None:
            raise UsageError("VideoWriter is a context manager: write inside its with block")
        return self._container

    def _flush(self) -> None:
        """Write what the encoders still hold and finish the file."""
        container = self._opened()
        self._end_video(container)
        if self._audio is not None:
            container.mux(self._audio.encode(None))
        container.close()
        self._container = None

    def _end_video(self, container: OutputContainer) -> None:
        """Write the pictures that the encoder still holds."""
        container.mux(self._video.encode(None))

    def _abandon(self, error: Exception) -> InputError:
        """Give the file up and say why."""
        self._give_up()
        return InputError(self._why_not_written(error))

    def _give_up(self) -> None:
        """Close whatever is open; the file goes, or stays as far as it got."""
        if not self._keeps_fragments or self._last_tick < 0:
            self._remove()
            return
        try:
            self._flush()
        except (FFmpegError, OSError, ValueError):
            self._close()
            with suppress(OSError):  # as it is, it can still be played
                keep_whole_fragments(self._file)
        kept = free_name(self.path) if self.path.exists() and self._file != self.path else self.path
        if kept != self.path:
            logger.warning("%s: stays as it was; what there is of the new one is %s", self.path, kept)
        self._put_in_place(kept)

    def _put_in_place(self, place: Path) -> None:
        """Give the file that was written its name."""
        if self._file != place:
            try:
                self._file.replace(place.resolve())  # what a link names is replaced, not the link
            except OSError as error:
                raise InputError(f"{place}: can't be written ({error.strerror}); the file is {self._file}") from error

    def _remove(self) -> None:
        """Close whatever is open and delete the file."""
        self._close()
        self._file.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._container is not None:
            try:
                self._container.close()
            except (FFmpegError, OSError, ValueError) as error:
                logger.debug("closing the abandoned %s: %s", self.path, error)
            self._container = None

    def _why_not_written(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error)
        return f"{self.path}: can't be written ({reason}); free disk space or choose another place, then run it again"


def _check_options(
    width: int, height: int, fps: Fraction, audio_rate: int | None, audio_channels: int, metadata: dict[str, str]
) -> None:
    """Refuse options that no file can have."""
    if width < 1 or height < 1:
        raise UsageError(f"video size: expected at least 1x1 pixels, got {width}x{height}")
    if not timing.MIN_FPS <= fps <= timing.MAX_FPS:
        raise UsageError(f"frame rate: expected {timing.MIN_FPS} to {timing.MAX_FPS} frames a second, got {fps}")
    if audio_rate is not None and audio_rate not in AAC_SAMPLE_RATES:
        raise UsageError(f"audio_rate: expected one of {sorted(AAC_SAMPLE_RATES)} Hz, got {audio_rate}")
    if audio_rate is not None and audio_channels not in (1, 2):
        raise UsageError(f"audio_channels: expected 1 or 2, got {audio_channels}")
    if audio_rate is None and audio_channels:
        raise UsageError(f"audio_channels is {audio_channels} but audio_rate is not given")
    unknown = sorted(set(metadata) - METADATA_KEYS)
    if unknown:
        raise UsageError(f"metadata: expected keys among {sorted(METADATA_KEYS)}, got {unknown}")


def _check_writable(path: Path) -> None:
    """Refuse a path that is a folder or lies in a missing or read-only one."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the name of a video file to write, such as {path / 'out.mp4'}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first: mkdir -p {path.parent}")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is a device or a pipe; expected the name of a video file to write")
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise InputError(f"{path}: may not be written by this user; choose another place")


def _file_url(path: Path) -> str:
    # "file:" keeps FFmpeg from seeing a protocol, a pattern or an option in the name itself
    return f"file:{path.absolute()}"


def _layout(n_channels: int) -> str:
    return "mono" if n_channels == 1 else "stereo"


def _exact_edits(tick_rate: int) -> dict[str, str]:
    """Muxer option that keeps the start of a late stream in ticks; the default is whole milliseconds."""
    return {"movie_timescale": str(tick_rate)}


def _put_index_first(path: Path, tick_rate: int) -> None:
    """Rewrite a whole mp4 with its index first, so that it plays while it downloads; nothing is encoded again."""
    sibling = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _copy_streams(path, sibling, tick_rate)
        sibling.replace(path)
    except (FFmpegError, OSError) as error:
        # the file is whole and plays everywhere; hours of work are not thrown away for its index's place
        logger.warning("%s: finished, but its index stays at its end (%s)", path, getattr(error, "strerror", error))
    finally:
        sibling.unlink(missing_ok=True)


def _copy_streams(source: Path, target: Path, tick_rate: int) -> None:
    """Copy all packets of an mp4 into another, index first."""
    options = {"movflags": "+faststart", **_exact_edits(tick_rate)}
    with (
        av.open(_file_url(source), mode="r") as reader,
        av.open(_file_url(target), mode="w", format="mp4", container_options=options) as writer,
    ):
        writer.metadata.update(reader.metadata)
        copies: dict[int, Stream] = {s.index: writer.add_stream_from_template(s) for s in reader.streams}
        for packet in reader.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                writer.mux(packet)
