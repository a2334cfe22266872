"""Photos of all kinds, in the colours that were meant; moving pictures of other kinds as driving videos."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from hygiesync.errors import InputError
from hygiesync.face.landmarks import find_faces
from hygiesync.media.images import read_still
from hygiesync.media.video import probe, read_frames
from hygiesync.portrait.face_selection import chosen_face
from hygiesync.synthetic.portrait import photograph

pillow_heif.register_heif_opener()

COLOURS = np.array([[255, 255, 255], [128, 128, 128], [200, 150, 120], [60, 140, 70], [70, 80, 170], [20, 20, 20]])

P3_TO_XYZ = np.array([[0.51512, 0.29198, 0.15710], [0.24118, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""Light of the primaries as CIE XYZ under D50, as profiles have it (ICC.1:2022, annex F.3)."""


def stripes(colours: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(colours[None], 96, axis=0), 16, axis=1).astype(np.uint8)


def middles(path: Path, warn: Callable[[str], None] | None = None) -> np.ndarray:
    return read_still(path, warn=warn)[48, 8::16].astype(int)


def srgb_light(colours: np.ndarray) -> np.ndarray:
    share = colours / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def as_display_p3(colours: np.ndarray) -> np.ndarray:
    light = srgb_light(colours) @ (np.linalg.inv(P3_TO_XYZ) @ SRGB_TO_XYZ).T
    return np.rint(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055))


def profile(kind: bytes, space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """An ICC profile of version 2 (ICC.1:2001-04, clause 6)."""
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"x\0",
        **tags,
    }
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, kind, space, connection)
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)  # D50
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *np.rint(values * 65536).astype(int))


def display_p3() -> bytes:
    curve = np.rint(65535 * srgb_light(np.linspace(0, 255, 1024))).astype(int)
    curves = b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *curve)
    columns = {name: xyz(P3_TO_XYZ[:, place]) for place, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tones = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curves)
    return profile(b"mntr", b"RGB ", {b"wtpt": xyz(np.array([0.9642, 1, 0.8249])), **columns, **tones})


def pale_inks() -> bytes:
    """Inks of which even the fullest let half of the light through: each corner of the table as CIE L*a*b*."""
    table = b""
    for corner in range(16):
        amounts = [corner >> bit & 1 for bit in (3, 2, 1, 0)]  # the first ink changes most slowly
        lightness = 255 - 40 * sum(amounts)
        table += bytes((max(lightness, 0), 128, 128))
    matrix = struct.pack(">9i", *np.rint(np.eye(3).ravel() * 65536).astype(int))
    identity = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + matrix + 4 * identity + table + 3 * identity
    return profile(b"prtr", b"CMYK", {b"A2B0": lut, b"wtpt": xyz(np.array([0.9642, 1, 0.8249]))}, b"Lab ")


@pytest.mark.parametrize(
    ("name", "tolerance"), [("a.png", 1), ("a.jpg", 4), ("a.webp", 2), ("a.tif", 1), ("a.avif", 8), ("a.heic", 8)]
)
def test_a_display_p3_photo_has_its_colours(tmp_path: Path, name: str, tolerance: int) -> None:
    options: dict[str, Any] = {"quality": 98, "subsampling": 0} if name == "a.jpg" else {"quality": 98}
    if name == "a.webp":
        options = {"lossless": True}
    image = Image.fromarray(stripes(as_display_p3(COLOURS)))
    image.save(tmp_path / name, icc_profile=display_p3(), **options)
    np.testing.assert_allclose(middles(tmp_path / name), COLOURS, atol=tolerance)


def test_a_seen_through_p3_photo_is_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([stripes(as_display_p3(COLOURS)), np.full((96, 96), 255, np.uint8)])
    rgba[:, 80:, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png", icc_profile=display_p3())
    expected = COLOURS.copy()
    expected[-1] = 255
    np.testing.assert_allclose(middles(tmp_path / "a.png"), expected, atol=1)


def test_inks_look_as_their_profile_says(tmp_path: Path) -> None:
    """Without the profile, full black ink would be black."""
    inks = np.zeros((96, 96, 4), np.uint8)
    inks[:, 48:, 3] = 255
    for name in ("a.jpg", "a.tif"):
        Image.fromarray(inks, mode="CMYK").save(tmp_path / name, icc_profile=pale_inks())
        image = read_still(tmp_path / name).astype(int)
        assert (image[48, 20] > 245).all()
        lightness = (255 - 40) / 255 * 100
        grey = 255 * (1.055 * (((lightness + 16) / 116) ** 3) ** (1 / 2.4) - 0.055)
        np.testing.assert_allclose(image[48, 80], grey, atol=6)


def test_a_profile_that_is_none_is_told_and_left(tmp_path: Path) -> None:
    notes: list[str] = []
    Image.fromarray(stripes(COLOURS)).save(tmp_path / "a.png", icc_profile=b"no profile at all")
    np.testing.assert_array_equal(middles(tmp_path / "a.png", notes.append), COLOURS)
    assert "its colour profile can't be used" in notes[0]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "GIF"])
def test_photos_of_other_kinds_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"photo.{kind.lower()}"
    Image.fromarray(stripes(COLOURS)).save(path, format=kind)
    np.testing.assert_allclose(middles(path), COLOURS, atol=10)


def moving(path: Path) -> Path:
    pictures = [Image.fromarray(np.full((64, 96, 3), 40 * number + 30, np.uint8)) for number in range(5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 50, 100, 200, 100])
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.avif"])
def test_moving_pictures_are_videos_at_their_own_times(tmp_path: Path, name: str) -> None:
    path = moving(tmp_path / name)
    frames = list(read_frames(path))
    assert [round(float(frame.time_s), 3) for frame in frames] == [0, 0.1, 0.15, 0.25, 0.45]
    np.testing.assert_allclose([frame.image[5, 5, 0] for frame in frames], [30, 70, 110, 150, 190], atol=6)
    assert (probe(path).width, probe(path).height) == (96, 64)


def test_a_moving_webp_is_named_and_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.webp: is a WebP, which FFmpeg can't read as a video; save it as"):
        probe(moving(tmp_path / "a.webp"))


@pytest.mark.parametrize("n_quarters", [1, 2, 3])
def test_a_portrait_on_its_side_is_refused_whatever_a_detector_sees_in_it(n_quarters: int) -> None:
    picture = np.ascontiguousarray(np.rot90(photograph(), n_quarters))
    with pytest.raises(InputError, match=r"lies on its side or stands on its head; turn|no face was found|edge cuts"):
        chosen_face(picture, "photo.png")
    assert len(find_faces(photograph())) == 1
