"""Colours of other kinds than an ordinary screen's, brought to sRGB: high dynamic range, and wider sets of colours.

Phones and cameras store light beyond white (HLG, PQ) and colours beyond sRGB (BT.2020, Display P3). Shown as they are,
they look washed out. A pixel goes this way::

    stored (R', G', B') -- transfer --> light -- highlights rolled off --> light up to white -- primaries --> sRGB

White is what a diffuse white surface has, 203 cd/m2, as broadcasters agreed [1]_; up to four fifths of its light
nothing is changed, and all beyond is rolled off towards full white, the same for the three colours, so that no hue
changes.

References
----------
.. [1] ITU-R BT.2408-7, *Guidance for operational practices in HDR television production*, 2023, section 2.2.
.. [2] ITU-R BT.2100-2, *Image parameter values for high dynamic range television*, 2018, tables 4 (PQ) and 5 (HLG).
.. [3] ITU-R BT.2020-2, 2015, table 3; SMPTE EG 432-1, 2010 (P3 with the white of D65): the primaries.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray

DIFFUSE_WHITE = 203.0
"""Light of a white sheet of paper, cd/m2."""

HLG_PEAK, HLG_GAMMA = 1000.0, 1.2
"""Display that HLG is meant for: its peak, cd/m2, and the exponent between scene and display."""

PQ_PEAK = 10_000.0
"""What PQ's largest number means, cd/m2."""

DISPLAY_GAMMA = 2.4
"""From light to an ordinary video's numbers (ITU-R BT.1886)."""

KNEE = 0.8
"""Share of white's light up to which nothing is changed."""

_N_NODES = 49
"""Nodes of the table along each colour: between them it errs by less than a level of 255."""

_ANY_TIME_BASE = Fraction(1, 90_000)

_HIGH_RANGE = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)

_PRIMARIES = {
    ColorPrimaries.BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    ColorPrimaries.BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    ColorPrimaries.SMPTE432: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)

_NAMES = {
    ColorTrc.SMPTE2084: "HDR (PQ)", ColorTrc.ARIB_STD_B67: "HDR (HLG)", ColorPrimaries.BT2020: "BT.2020",
    ColorPrimaries.SMPTE432: "Display P3",
}  # fmt: skip


def is_high_range(frame: VideoFrame) -> bool:
    """Whether a frame stores light beyond white."""
    return frame.color_trc in _HIGH_RANGE


def is_wide(frame: VideoFrame) -> bool:
    """Whether a frame stores colours beyond sRGB's."""
    return frame.color_primaries in (ColorPrimaries.BT2020, ColorPrimaries.SMPTE432)


def other_colours(frame: VideoFrame) -> str:
    """Name of what a frame's colours are, where they are not an ordinary screen's; else nothing."""
    names = [_NAMES[kind] for kind in (ColorTrc(frame.color_trc), _primaries(frame)) if kind in _NAMES]
    return ", ".join(names)


class ToSrgb:
    """Turns frames into ordinary colours, by a table that FFmpeg interpolates in: a twentieth of the exact way's time.

    Parameters
    ----------
    first : VideoFrame
        The first of them, in R'G'B' of 16 bits.
    stored : VideoFrame
        The same as it is in the file: what its numbers mean.
    """

    def __init__(self, first: VideoFrame, stored: VideoFrame) -> None:
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=first.time_base or _ANY_TIME_BASE
        )
        with tempfile.NamedTemporaryFile("w", suffix=".cube") as cube:
            cube.write(_cube(int(stored.color_trc), _primaries(stored)))
            cube.flush()
            table = self._graph.add("lut3d", f"file={cube.name}:interp=tetrahedral")
            sink = self._graph.add("buffersink")
            source.link_to(table)
            table.link_to(sink)
            self._graph.configure()

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Picture (height, width, 3), uint8, of a frame in R'G'B' of 16 bits."""
        self._graph.push(frame)
        made = cast(NDArray[np.uint16], cast(VideoFrame, self._graph.pull()).to_ndarray())
        return ((made.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)


@lru_cache
def _cube(transfer: int, primaries: ColorPrimaries) -> str:
    """Table of ordinary colours in Adobe's format, red the quickest."""
    levels = np.linspace(0, 1, _N_NODES)
    blue, green, red = np.meshgrid(levels, levels, levels, indexing="ij")
    made = to_srgb(np.stack([red, green, blue], axis=-1).reshape(-1, 1, 3), transfer, primaries)
    lines = "\n".join(f"{red:.6f} {green:.6f} {blue:.6f}" for red, green, blue in made.reshape(-1, 3).tolist())
    return f"LUT_3D_SIZE {_N_NODES}\n{lines}\n"


def to_srgb(stored: FloatArray, transfer: int, primaries: ColorPrimaries) -> NDArray[np.float32]:
    """Ordinary colours, exactly.

    Parameters
    ----------
    stored : ndarray, shape (height, width, 3), 0 to 1
        R'G'B' as stored.
    transfer : int
        FFmpeg's number of what the numbers mean.
    primaries : ColorPrimaries

    Returns
    -------
    ndarray, shape (height, width, 3), float32, 0 to 1
    """
    light = _light_of(stored, transfer)
    if transfer == ColorTrc.ARIB_STD_B67:
        light *= _hlg_gain(light)[..., None]
    if transfer in _HIGH_RANGE:
        light = _rolled_off(light)
    light = cv2.transform(light, _to_srgb_primaries(primaries))
    return np.clip(light, 0, 1) ** np.float32(1 / DISPLAY_GAMMA)


def _primaries(frame: VideoFrame) -> ColorPrimaries:
    """Primaries of a frame; high range without any is BT.2020 by its own standard."""
    if frame.color_primaries in _PRIMARIES:
        return ColorPrimaries(frame.color_primaries)
    return ColorPrimaries.BT2020 if is_high_range(frame) else ColorPrimaries.BT709


def _light_of(number: FloatArray, transfer: int) -> NDArray[np.float32]:
    """Light, white = 1, of stored numbers; HLG's is the scene's, before its display's exponent."""
    if transfer == ColorTrc.SMPTE2084:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = number ** (1 / m2)
        light = PQ_PEAK / DIFFUSE_WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    elif transfer == ColorTrc.ARIB_STD_B67:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(number <= 0.5, number**2 / 3, (np.exp((number - c) / a) + b) / 12)
    else:
        light = number**DISPLAY_GAMMA
    return light.astype(np.float32)


def _hlg_gain(scene: FloatArray) -> NDArray[np.float32]:
    """What takes a scene's light to the display's, white = 1, shape (height, width)."""
    luminance = cv2.transform(scene, np.array([[0.2627, 0.6780, 0.0593]], np.float32))
    return HLG_PEAK / DIFFUSE_WHITE * np.maximum(luminance, 1e-6) ** np.float32(HLG_GAMMA - 1)


def _rolled_off(light: FloatArray) -> NDArray[np.float32]:
    """Light whose largest colour is at most 1."""
    largest = light.max(axis=-1)
    room = np.float32(1 - KNEE)
    wanted = np.where(largest > KNEE, KNEE + room * (1 - np.exp((KNEE - largest) / room)), largest)
    return light * (wanted / np.maximum(largest, 1e-6))[..., None].astype(np.float32)


@lru_cache
def _to_srgb_primaries(primaries: ColorPrimaries) -> NDArray[np.float32]:
    """Matrix (3, 3) from light of these primaries to that of sRGB's."""
    to_srgb = np.linalg.inv(_to_xyz(ColorPrimaries.BT709)) @ _to_xyz(primaries)
    return to_srgb.astype(np.float32)


def _to_xyz(primaries: ColorPrimaries) -> NDArray[np.float64]:
    """Matrix (3, 3) from light of three primaries, white being D65, to CIE XYZ."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in _PRIMARIES[primaries]]).T
    x, y = _D65
    amounts: NDArray[np.float64] = np.linalg.solve(columns, np.array([x / y, 1, (1 - x - y) / y]))
    return columns * amounts
