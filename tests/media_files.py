"""Small media files of every awkward kind, made on the spot with PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from present import present

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 200, 30), (30, 30, 200), (90, 90, 90)
BT709, BT601 = 1, 6
TICKS = 90_000


def four_colours(height: int, width: int) -> np.ndarray:
    """Red and green above blue and grey, so that every turn and mirror of it differs."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = RED, GREEN
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = BLUE, GREY
    return image


def smooth_picture(height: int, width: int, phase: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 40 + phase), np.sin(y / 30 + 1 + phase), np.cos((x + y) / 50 + phase)]
    return (127 + 90 * np.stack(waves, axis=-1)).astype(np.uint8)


def clicks(times_s: Sequence[float], duration_s: float, sample_rate: int, n_channels: int = 1) -> np.ndarray:
    """Silence with short clicks, shape (n, n_channels), float32; each begins at its time."""
    samples = np.zeros((round(duration_s * sample_rate), n_channels), np.float32)
    length = max(1, sample_rate // 8000)
    for time_s in times_s:
        samples[round(time_s * sample_rate) :][:length] = 0.8
    return samples


def click_errors_ms(samples: np.ndarray, times_s: Sequence[float], sample_rate: int) -> list[float]:
    """How far from its time the loudest sample near each click lies, in milliseconds."""
    errors = []
    for time_s in times_s:
        begin = round((time_s - 0.15) * sample_rate)
        window = np.abs(samples[begin : begin + round(0.3 * sample_rate)])
        if window.size == 0 or window.max() < 0.05:
            raise AssertionError(f"no click near {time_s} s")
        errors.append(float((begin + int(window.argmax())) / sample_rate - time_s) * 1000)
    return errors


def write_media(
    path: Path,
    *,
    times_s: Sequence[Fraction] | None = (),
    image: np.ndarray | None = None,
    samples: np.ndarray | None = None,
    sample_rate: int = 48_000,
    format_name: str | None = None,
    video_codec: str = "libx264",
    audio_codec: str = "aac",
    rotation: tuple[int, bool, bool] | None = None,
    colour_matrix: int | None = None,
    pixel_aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    holes_s: Sequence[tuple[float, float]] = (),
    audio_start_s: Fraction = Fraction(0),
    muxer_options: dict[str, str] | None = None,
    is_cover: bool = False,
) -> Path:
    """Write pictures at `times_s` and sound without using hygiesync's own writer."""
    with av.open(str(path), "w", format=format_name, container_options=muxer_options or {}) as container:
        video = audio = None
        if times_s:
            image = four_colours(48, 64) if image is None else image
            # the MPEG encoders know the usual rates only
            time_base = Fraction(1, 25 if video_codec.startswith("mpeg") else TICKS)
            video = container.add_stream(video_codec, rate=25, time_base=time_base, options=options or {})
            video.height, video.width = image.shape[:2]
            video.pix_fmt = "yuvj420p" if video_codec == "mjpeg" else "yuv420p"
            video.disposition = Disposition.attached_pic if is_cover else Disposition.default
            video.codec_context.colorspace = colour_matrix or 2
            if pixel_aspect is not None:
                video.codec_context.sample_aspect_ratio = pixel_aspect
            if rotation is not None:
                video.set_display_rotation(*rotation)
        if samples is not None:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
            audio = container.add_stream(audio_codec, rate=sample_rate, layout=layout)
        container.start_encoding()
        if video is not None:
            for index, time_s in enumerate(times_s or ()):
                container.mux(video.encode(_picture(present(image), index, time_s, colour_matrix)))
            container.mux(video.encode(None))
        if audio is not None:
            for frame in _sound(samples, sample_rate, layout, holes_s, audio_start_s):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def _picture(image: np.ndarray, index: int, time_s: Fraction, colour_matrix: int | None) -> VideoFrame:
    # one brightness for each index, so that a frame can be told from its neighbours
    image = np.clip(image.astype(int) + index % 20, 0, 255).astype(np.uint8)
    frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709 if colour_matrix == BT709 else Colorspace.ITU601,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND,
    )
    frame.pts, frame.time_base = round(time_s * TICKS), Fraction(1, TICKS)
    return frame


def _sound(
    samples: np.ndarray | None, sample_rate: int, layout: str, holes_s: Sequence[tuple[float, float]], start_s: Fraction
) -> Iterator[AudioFrame]:
    for begin in range(0, len(present(samples)), 1024):
        if any(first <= begin / sample_rate < last for first, last in holes_s):
            continue
        planes = np.ascontiguousarray(present(samples)[begin : begin + 1024].T)
        frame = AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
        frame.pts = begin + int(start_s * sample_rate)
        yield frame


def tags_of(path: Path) -> dict[str, str]:
    """The tags that a media file carries."""
    with av.open(str(path)) as container:
        return dict(container.metadata)
