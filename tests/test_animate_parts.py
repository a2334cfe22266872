"""The parts of moving a picture, each by itself: pictures read, heads turned, rings unfolded, layers, tracks."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from present import present
from scipy.spatial.transform import Rotation

from hygiesync.errors import InputError
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from hygiesync.media.images import MAX_SIDE, read_still
from hygiesync.portrait.driving import DrivingFrame, best_frame, held, smoothed
from hygiesync.portrait.head import HeadMotion, angles_deg, held_back, rotation_of
from hygiesync.portrait.layers import Layers, pull_push
from hygiesync.portrait.masks import cover
from hygiesync.portrait.mouth import SkinLight
from hygiesync.portrait.parts import OVAL, ring_triangles
from hygiesync.portrait.rings import NestedRings
from hygiesync.rendering.warp import Box, double_areas

angles = st.tuples(*(st.floats(-60, 60) for _ in range(3))).map(np.array)


def gradient(height: int = 80, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 2, y * 3, 255 - x], -1).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff"])
def test_pictures_of_all_kinds_are_read(name: str, tmp_path: Path) -> None:
    Image.fromarray(gradient()).save(tmp_path / name)
    assert np.abs(read_still(tmp_path / name).astype(int) - gradient()).mean() < 4


def test_grey_palette_and_deep_pictures_become_rgb(tmp_path: Path) -> None:
    grey = gradient()[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(gradient()).quantize(255).save(tmp_path / "palette.png")
    Image.fromarray(gradient()).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    for name in ("grey.png", "deep.png"):
        np.testing.assert_array_equal(read_still(tmp_path / name), np.dstack([grey] * 3))
    for name in ("palette.png", "print.jpg"):
        assert np.abs(read_still(tmp_path / name).astype(int) - gradient()).mean() < 8


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    alpha = np.zeros((80, 120), np.uint8)
    alpha[:, 60:] = 255
    Image.fromarray(np.dstack([gradient(), alpha])).save(tmp_path / "a.png")
    image = read_still(tmp_path / "a.png")
    assert (image[:, :60] == 255).all()
    np.testing.assert_array_equal(image[:, 60:], gradient()[:, 60:])


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    Image.fromarray(gradient()).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert np.abs(read_still(tmp_path / "a.jpg").astype(int) - np.rot90(gradient(), -1)).mean() < 4


@pytest.mark.slow
def test_large_pictures_are_scaled_with_a_note(tmp_path: Path) -> None:
    Image.new("RGB", (8000, 5000), (10, 200, 30)).save(tmp_path / "a.png", compress_level=1)
    notes: list[str] = []
    image = read_still(tmp_path / "a.png", warn=notes.append)
    assert image.shape == (1200, MAX_SIDE, 3)
    assert "8000x5000" in notes[0]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    chunks = b""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")):
        chunks += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bomb(10_000, 9_000), "more than 80 million pixels"),
        (bomb(60_000, 60_000), "more than 80 million pixels"),
        (bomb(300, 300), "can't be read as a picture"),
        (bomb(20, 300), "at least 64x64 pixels, got 20x300"),
        (b"hello", "is no picture"),
        (b"", "is no picture"),
    ],
)
def test_bad_pictures_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=f"a.png: .*{message}"):
        read_still(tmp_path / "a.png")


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.png: no such file"):
        read_still(tmp_path / "b.png")


@given(angles)
@settings(max_examples=50, deadline=None)
def test_angles_and_rotations_are_each_others_inverse(wanted: np.ndarray) -> None:
    rotation = rotation_of(wanted)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(angles_deg(rotation), wanted, atol=1e-9)


_AXES = (("y", -1), ("x", 1), ("z", 1))


@given(angles)
@settings(max_examples=50, deadline=None)
def test_heads_are_rolled_then_pitched_then_yawed(wanted: np.ndarray) -> None:
    """R = R_yaw R_pitch R_roll about the picture's axes; yaw is counted against the usual sense, towards the right."""
    signed = zip(_AXES, wanted, strict=True)
    yaw, pitch, roll = (Rotation.from_euler(axis, sign * angle, degrees=True) for (axis, sign), angle in signed)
    np.testing.assert_allclose(rotation_of(wanted), (yaw * pitch * roll).as_matrix(), atol=1e-12)


@pytest.mark.parametrize(
    ("turn_deg", "point", "goes_to"),
    [((20, 0, 0), (0, 0, -1), (1, 0)), ((0, 20, 0), (0, 0, -1), (0, 1)), ((0, 0, 20), (1, 0, 0), (0, 1))],
)
def test_yaw_goes_right_pitch_down_and_roll_clockwise(
    turn_deg: tuple[int, int, int], point: tuple[int, int, int], goes_to: tuple[int, int]
) -> None:
    moved = rotation_of(np.array(turn_deg)) @ np.array(point) - np.array(point)
    assert moved[:2] @ np.array(goes_to) == pytest.approx(np.sin(np.radians(20)))


@given(angles, st.floats(0.5, 2), st.tuples(*(st.floats(-50, 50) for _ in range(3))))
@settings(max_examples=50, deadline=None)
def test_a_heads_motion_is_found_again(turn: np.ndarray, scale: float, shift: tuple[float, ...]) -> None:
    points = np.random.default_rng(0).normal(0, 60, (478, 3))
    pivot = points.mean(0)
    motion = HeadMotion(rotation_of(turn), scale, pivot, np.array(shift))
    found = HeadMotion.between(points, motion.apply(points), pivot)
    np.testing.assert_allclose(found.apply(points), motion.apply(points), atol=1e-6)
    np.testing.assert_allclose(found.undo(motion.apply(points)), points, atol=1e-6)


def test_a_turned_head_turns_on_only_a_little_and_back_before_it_shows_what_it_hides() -> None:
    def yaw_of(yaw: float) -> float:
        motion = HeadMotion(rotation_of(np.array([yaw, 0.0, 0.0])), 1.0, np.zeros(3), np.zeros(3))
        return angles_deg(held_back(motion, np.array([35.0, 0, 0])).rotation)[0]

    assert yaw_of(-8) == pytest.approx(-8)
    assert -17 < yaw_of(-40) < -12
    assert 4 < yaw_of(20) < 5.01
    assert yaw_of(1) == pytest.approx(1)
    turns = [yaw_of(yaw) for yaw in np.linspace(-50, 10, 100)]
    assert (np.diff(turns) > 0).all()


@given(st.integers(0, 10_000), st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_rings_never_fold(seed: int, noise: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    rings = np.stack([circle * radius for radius in (1.0, 1.5, 2.0, 3.0)])
    moved = rings + np.random.default_rng(seed).normal(0, noise, rings.shape)
    first = moved[0].copy()
    NestedRings(rings, 0.3).unfold(moved)
    np.testing.assert_array_equal(moved[0], first)
    outward = (np.diff(moved, axis=0) * circle)[..., :2].sum(-1)
    assert (outward > 0.3 * np.array([0.5, 0.5, 1.0])[:, None] - 1e-9).all()


def test_rings_that_do_not_fold_are_left_alone() -> None:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    rings = np.stack([circle * radius for radius in (1.0, 1.5, 2.0)])
    moved = 1.2 * rings + 0.1
    before = moved.copy()
    NestedRings(rings, 0.5).unfold(moved)
    np.testing.assert_array_equal(moved, before)


def test_the_triangles_of_a_slit_fill_it() -> None:
    angle = np.linspace(np.pi, -np.pi, 20, endpoint=False)
    points = np.stack([np.cos(angle) * 3, np.sin(angle)], -1)
    triangles = ring_triangles(tuple(range(20)))
    assert len(triangles) == 18
    x, y = points.T
    area = 0.5 * abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
    assert 0.5 * np.abs(double_areas(points[triangles])).sum() == pytest.approx(area)


def test_a_cover_is_exact_to_a_part_of_a_pixel() -> None:
    box = Box(10, 20, 30, 40)
    share = cover(np.array([[12.5, 24.5], [22.0, 24.5], [22.0, 33.5], [12.5, 33.5]]), box)
    assert share.sum() == pytest.approx(9.5 * 9, rel=0.06)
    assert share[10, 5] == 1
    assert share[10, 15] == 0


def test_pull_and_push_keeps_what_is_known_and_invents_nothing_beyond_it() -> None:
    generator = np.random.default_rng(0)
    image = generator.uniform(50, 200, (61, 47, 3)).astype(np.float32)
    known = (generator.uniform(size=(61, 47)) > 0.7).astype(np.float32)
    filled = pull_push(image, known)
    np.testing.assert_allclose(filled[known > 0], image[known > 0], atol=1e-3)
    assert filled.min() > 45
    assert filled.max() < 205


def test_layers_put_together_again_are_the_picture() -> None:
    y, x = np.mgrid[:200, :200]
    behind = np.stack([120 + 60 * np.sin(x / 7), 90 + 0 * x, 60 + 40 * np.cos(y / 9)], -1)
    share = np.clip((60 - np.hypot(x - 100, y - 110)) / 4 + 0.5, 0, 1)
    image = np.rint(behind + share[..., None] * (np.array([210, 150, 120]) - behind)).astype(np.uint8)
    landmarks = np.zeros((478, 2))
    angle = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    landmarks[list(OVAL)] = np.stack([100 + 30 * np.sin(angle), 110 - 30 * np.cos(angle)], -1)
    landmarks[[RIGHT_EYE_OUTER, LEFT_EYE_OUTER]] = (87.5, 100), (112.5, 100)
    layers = Layers.from_picture(image, share.astype(np.float32), landmarks)
    alpha = layers.alpha[..., None] / 255
    together = layers.background + alpha * (layers.person.astype(float) - layers.background)
    assert np.abs(together - image).mean() < 1
    # the person is gone from the background, and the wallpaper goes on behind their edge
    inside = (np.hypot(x - 100, y - 110) < 55) & (np.hypot(x - 100, y - 110) > 50)
    assert np.abs(layers.background[inside] - np.array([210, 150, 120])).mean() > 30
    assert np.abs(layers.background[inside] - behind[inside]).mean() < 45
    far = np.hypot(x - 100, y - 110) > 75
    np.testing.assert_array_equal(layers.background[far], image[far])


def test_light_turns_one_skin_into_the_other() -> None:
    pink, olive, grey = (SkinLight(np.array(colour)) for colour in ([170.0, 22, -14], [120.0, 8, -25], [90.0, 0, 0]))
    to_rgb = np.linalg.inv([[0.299, 0.587, 0.114], [0.5, -0.418688, -0.081312], [-0.168736, -0.331264, 0.5]])
    skin = to_rgb @ pink.colour
    np.testing.assert_allclose(pink.to(olive) @ skin, to_rgb @ olive.colour, atol=1)
    assert np.ptp(pink.to(grey) @ np.array([200.0, 60, 60])) < 1
    np.testing.assert_allclose(pink.to(pink), np.eye(3), atol=1e-4)


def frames_of(landmarks: Sequence[np.ndarray | None]) -> list[DrivingFrame]:
    """Driving frames at 25 a second; None where there is no face."""
    image = np.zeros((4, 4, 3), np.uint8)
    return [DrivingFrame(image, Fraction(n, 25), face, face is not None) for n, face in enumerate(landmarks)]


def face_at(x: float) -> np.ndarray:
    face = np.random.default_rng(0).normal(0, 40, (478, 3))
    face[33, :2], face[263, :2] = (-50, 0), (50, 0)
    return face + np.array([x, 0, 0])


def test_smoothing_takes_jitter_off_without_lag_and_stops_at_cuts() -> None:
    generator = np.random.default_rng(1)
    moves = [face_at(2.0 * n) + generator.normal(0, 1, (478, 3)) for n in range(20)]
    moves += [face_at(500.0)] * 5
    out = list(smoothed(frames_of(moves)))
    assert [frame.time_s for frame in out] == [Fraction(n, 25) for n in range(25)]
    error = np.array([frame.landmarks - face_at(2.0 * n) for n, frame in enumerate(out[:20])])
    assert error[1:-1].std() < 0.85
    assert abs(error[2:-2].mean()) < 0.05
    np.testing.assert_allclose(present(out[20].landmarks), face_at(500.0))


def test_smoothing_holds_only_a_few_frames() -> None:
    taken = 0

    def source() -> Iterator[DrivingFrame]:
        nonlocal taken
        for frame in frames_of([face_at(0.0)] * 200):
            taken += 1
            yield frame

    for number, _ in enumerate(smoothed(source())):
        assert taken - number <= 4
    assert number == 199


def test_a_lost_face_is_held_and_then_caught_up_with() -> None:
    faces = [None, *[face_at(0.0)] * 3, None, None, *[face_at(100.0)] * 12]
    out = list(held(frames_of(faces)))
    assert out[0].landmarks is None
    assert [frame.is_seen for frame in out[:6]] == [False, True, True, True, False, False]
    place = [present(frame.landmarks)[33, 0] + 50 for frame in out[1:]]
    np.testing.assert_allclose(place[:5], 0, atol=1e-9)
    assert 0 < place[5] < 40
    assert (np.diff(place[5:]) >= 0).all()
    assert place[-1] == pytest.approx(100)


def test_the_best_frame_is_found_whatever_its_place_and_size() -> None:
    other = face_at(0.0)
    other[100:200, 1] += 30
    wanted = frames_of([other, None, 1.7 * face_at(0.0) + 90, other])
    assert best_frame(wanted, face_at(0.0)) is wanted[2]
    assert best_frame(frames_of([None]), face_at(0.0)) is None
