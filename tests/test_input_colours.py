"""Colours as a screen shows them, however a camera stored them; and whole pictures from interlaced video."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, Interpolation

from hygiesync.media.colours import to_srgb
from hygiesync.media.video import probe, read_frames

BT601, BT709, BT2020 = 6, 1, 9
EXACT = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND

COLOURS = np.array(
    [
        [0, 0, 0],
        [40, 40, 40],
        [128, 128, 128],
        [225, 225, 225],
        [200, 150, 120],
        [120, 80, 60],
        [60, 140, 70],
        [70, 80, 170],
    ]
)
"""Greys, skin, leaves and sky, in numbers of an ordinary screen."""

TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.8225, 0.1775, 0.0], [0.0332, 0.9668, 0.0], [0.0171, 0.0724, 0.9105]])
"""From light of BT.709's primaries; ITU-R BT.2087 and the definition of Display P3."""


def light(colours: np.ndarray) -> np.ndarray:
    return (colours / 255.0) ** 2.4


def as_hlg(colours: np.ndarray) -> np.ndarray:
    """BT.2100's OETF, the display's exponent taken back; white at 203 of 1000 cd/m2."""
    display = light(colours) @ TO_BT2020.T * 0.203
    luminance = display @ [0.2627, 0.6780, 0.0593]
    scene = display * np.maximum(luminance, 1e-6)[..., None] ** ((1 - 1.2) / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-6)) + c)


def as_pq(colours: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084's inverse EOTF; white at 203 of 10 000 cd/m2."""
    power = (light(colours) @ TO_BT2020.T * 0.0203) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def as_p3(colours: np.ndarray) -> np.ndarray:
    return (light(colours) @ TO_P3.T) ** (1 / 2.4)


def as_is(colours: np.ndarray) -> np.ndarray:
    return colours / 255.0


def stripes(colours: np.ndarray) -> np.ndarray:
    """Columns of 16 pixels in each colour."""
    return np.repeat(np.repeat(colours[None], 48, axis=0), 16, axis=1)


def write(
    path: Path,
    numbers: np.ndarray,
    pixels: str,
    *,
    matrix: int = BT709,
    full_range: bool = False,
    transfer: int = ColorTrc.BT709,
    primaries: int = ColorPrimaries.BT709,
    codec: str = "libx264",
) -> Path:
    """A lossless video of numbers from 0 to 1, stored as the arguments say."""
    rng = ColorRange.JPEG if full_range else ColorRange.MPEG
    deep = (np.clip(numbers, 0, 1) * 65535 + 0.5).astype(np.uint16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = *deep.shape[:2], pixels
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, rng
        context.color_trc, context.color_primaries = transfer, primaries
        for number in range(3):
            frame = VideoFrame.from_ndarray(deep, format="rgb48le").reformat(
                format=pixels, dst_colorspace=matrix, dst_color_range=rng, interpolation=EXACT
            )
            frame.color_trc, frame.color_primaries, frame.pts = transfer, primaries, number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def middles(path: Path) -> np.ndarray:
    """The colour in the middle of each stripe."""
    image = list(read_frames(path))[1].image
    return image[24, 8::16].astype(int)


@pytest.mark.parametrize(
    ("stored", "pixels", "how", "tolerance"),
    [
        (as_is, "yuv420p", {}, 2),
        (as_is, "yuv420p", {"matrix": BT601}, 2),
        (as_is, "yuv444p", {}, 2),
        (as_is, "yuv422p10le", {}, 2),
        (as_is, "yuv420p", {"full_range": True}, 2),
        (as_is, "yuvj420p", {"full_range": True, "matrix": BT601}, 2),
        (as_hlg, "yuv420p10le", {"matrix": BT2020, "transfer": 18, "primaries": 9}, 3),
        (as_pq, "yuv420p10le", {"matrix": BT2020, "transfer": 16, "primaries": 9}, 3),
        (as_pq, "yuv444p10le", {"matrix": BT2020, "transfer": 16, "primaries": 9, "full_range": True}, 4),
        (as_p3, "yuv420p", {"primaries": 12}, 4),
    ],
    ids=["709", "601", "4:4:4", "10 bit", "full range", "full range 601", "HLG", "PQ", "PQ full range", "Display P3"],
)
def test_colours_come_out_as_they_were_meant(
    tmp_path: Path, stored: Callable[[np.ndarray], np.ndarray], pixels: str, how: dict, tolerance: int
) -> None:
    path = write(tmp_path / "v.mp4", stripes(stored(COLOURS)), pixels, **how)
    np.testing.assert_allclose(middles(path), COLOURS, atol=tolerance)


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_light_beyond_white_is_rolled_off_in_order_and_grey_stays_grey(transfer: int) -> None:
    numbers = np.linspace(0, 1, 200)
    greys = to_srgb(np.repeat(numbers[:, None, None], 3, axis=2), transfer, ColorPrimaries.BT2020)[:, 0]
    assert (np.diff(greys[:, 0]) >= -1e-6).all()
    np.testing.assert_allclose(greys, greys[:, :1].repeat(3, axis=1), atol=2e-3)
    assert greys[-1, 0] == pytest.approx(1, abs=1e-3)
    white = as_hlg(np.array([[255.0] * 3])) if transfer == 18 else as_pq(np.array([[255.0] * 3]))
    assert to_srgb(white[None], transfer, ColorPrimaries.BT2020).min() > 0.95


def test_twelve_bits_and_what_one_may_see_through(tmp_path: Path) -> None:
    """ProRes 4444 keeps 12 bits and how far each pixel is seen through: that is shown on white, as a page shows it."""
    rgba = np.zeros((48, 64, 4), np.uint16)
    rgba[..., :3], rgba[:, :32, 3] = 20_000, 65_535
    path = tmp_path / "v.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=25, options={"profile": "4444", "alpha_bits": "16"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuva444p10le"
        for _ in range(2):
            frame = VideoFrame.from_ndarray(rgba, format="rgba64le")
            container.mux(stream.encode(frame.reformat(format="yuva444p10le")))
        container.mux(stream.encode(None))
    image = next(read_frames(path)).image.astype(int)
    assert abs(image[24, 10] - 78).max() <= 3
    assert (image[24, 54] > 250).all()


def combed(path: Path, codec: str, *, top_first: bool) -> Path:
    """A square that moves sideways, its even and odd lines taken 20 ms apart."""
    options = (
        {"x264-params": f"{'tff' if top_first else 'bff'}=1", "crf": "4"} if codec == "libx264" else {"qscale": "2"}
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if codec == "mpeg2video":
            stream.codec_context.flags |= 0x20000000 | 0x40000  # interlaced motion and DCT
        for number in range(16):
            image = np.full((64, 96, 3), 40, np.uint8)
            for field in (0, 1):
                left = 8 + 3 * (2 * number + field) % 60
                image[(0 if top_first else 1) ^ field :: 2, left : left + 24] = 220
            frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "top_first"),
    [("a.mp4", "libx264", True), ("b.mp4", "libx264", False), ("c.mpg", "mpeg2video", True)],
)
def test_interlaced_video_has_no_combs(tmp_path: Path, name: str, codec: str, top_first: bool) -> None:
    path = combed(tmp_path / name, codec, top_first=top_first)
    frames = list(read_frames(path))
    assert [frame.time_s for frame in frames] == [Fraction(number, 25) for number in range(16)]
    for frame in frames[1:-1]:
        rows = frame.image[16:48, :, 0].astype(int)
        comb = np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).max()
        assert comb < 60
        assert np.ptp(rows) > 120  # the square is still there
    later = list(read_frames(path, Fraction(8, 25)))
    assert [frame.time_s for frame in later] == [Fraction(number, 25) for number in range(8, 16)]
    assert probe(path).n_frames in (15, 16, 17)
