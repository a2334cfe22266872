"""The mouth's canvas: its membrane held against Laplace's equation, and the blend against OpenCV's slow one."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_rendering import PlainRendering, dense_poisson
from present import present

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.face.shape import ShapeModel, mouth_opening
from hygiesync.face.topology import (
    LOWER_FACE,
    LOWER_INNER_LIPS,
    LOWER_MOUTH_REGION,
    LOWER_OUTER_LIPS,
)
from hygiesync.rendering.canvas import N_RIM, MouthCanvas, rim_points, sample_rim
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame
from hygiesync.rendering.lips import place_shape
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.mouth_drawing import MouthDrawing
from hygiesync.rendering.mouth_pasting import without_covers
from hygiesync.rendering.warp import Box, PiecewiseAffine

FEATHER, LIP_MARGIN = 0.063, 0.05
"""Canonical units."""


def ellipse(n: int, width: float, height: float, first: float) -> np.ndarray:
    """Corners (n, 2) around (0, 0.95), from angle `first` on, against the clock as a picture shows it."""
    angle = first + 2 * np.pi * np.arange(n) / n
    return np.stack([width / 2 * np.cos(angle), 0.95 + height / 2 * -np.sin(angle)], 1)


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    """Of a face that is ellipses: lips from the left corner downwards, the region from its top to the right."""
    mean = np.random.default_rng(0).uniform([-0.6, 0.5], [0.6, 1.5], (len(LOWER_FACE), 2))
    mean[LOWER_MOUTH_REGION] = ellipse(len(LOWER_MOUTH_REGION), 0.85, 0.6, np.pi / 2)[[0, *range(17, 0, -1)]]
    mean[LOWER_OUTER_LIPS] = ellipse(len(LOWER_OUTER_LIPS), 0.5, 0.2, np.pi)
    mean[LOWER_INNER_LIPS] = ellipse(len(LOWER_INNER_LIPS), 0.4, 0.02, np.pi)
    none = np.zeros((8, mean.size))
    return FaceMesh(ShapeModel(mean, none[:2], none, none.T, np.zeros(8)))


@pytest.fixture(scope="module", params=[40, 130, 400])
def px_per_unit(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="module")
def canvas(mesh: FaceMesh, px_per_unit: int) -> MouthCanvas:
    return MouthCanvas.from_mesh(mesh, px_per_unit)


@pytest.fixture(scope="module")
def region(canvas: MouthCanvas) -> np.ndarray:
    """Corners of the mouth region, cells."""
    return canvas.vertices[LOWER_MOUTH_REGION]


@pytest.fixture(scope="module")
def cell(mesh: FaceMesh, region: np.ndarray) -> float:
    """Side of a cell, canonical units."""
    return np.ptp(mesh.reference[LOWER_MOUTH_REGION], axis=0)[0] / np.ptp(region, axis=0)[0]


def depth_within(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Distance (h, w), cells, of each cell to a polygon's rim; negative outside."""
    polygon = corners.astype(np.float32)
    return np.array([
        [cv2.pointPolygonTest(polygon, (x, y), measureDist=True) for x in range(size[1])] for y in range(size[0])
    ])  # fmt: skip


def rim_places(region: np.ndarray) -> np.ndarray:
    """Where the rim's samples lie (N_RIM, 2), cells."""
    return rim_points(region).reshape(N_RIM, -1, 2).mean(1)


def smooth_rim(places: np.ndarray) -> np.ndarray:
    angle = np.arctan2(*(places - places.mean(0)).T)
    return np.stack([30 * np.sin(angle), 20 * np.cos(2 * angle) - 5, 15 * np.sin(3 * angle + 1)], 1)


def random_rim(places: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 20, (len(places), 3))


def shadow(places: np.ndarray) -> np.ndarray:
    """A shadow's edge across the mouth."""
    return np.where(places[:, :1] > places[:, 0].mean(), 40.0, -40.0) * np.ones(3)


RIMS = pytest.mark.parametrize("values", [smooth_rim, random_rim, shadow])


def at(field: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values (n[, channels]) of a field between its cells."""
    return cv2.remap(field, places[:, None].astype(np.float32), None, cv2.INTER_LINEAR)[:, 0]


# --- membrane


@RIMS
def test_inside_the_membrane_is_laplaces(canvas: MouthCanvas, region: np.ndarray, values: Callable[..., Any]) -> None:
    """The same as the equation's dense solution, between what the canvas has on and outside the rim."""
    membrane = canvas.membrane(values(rim_places(region)))
    inside = depth_within(region, canvas.size) > 0.5
    known = np.where(inside[..., None], 0, membrane)
    assert inside.sum() > 50
    np.testing.assert_allclose(membrane, dense_poisson(known, inside), atol=2e-3)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_harmonic_functions_are_found_from_their_rim(canvas: MouthCanvas, region: np.ndarray, power: int) -> None:
    """Re z^n and Im z^n solve Laplace's equation: no grid, no program."""
    centre, radius = region.mean(0), np.ptp(region, axis=0).max() / 2

    def function(places: np.ndarray) -> np.ndarray:
        z = ((places - centre) / radius) @ np.array([1, 1j])
        return 50 * np.stack([(z**power).real, (z**power).imag, 0.5 * (z**power).real], -1)

    y, x = np.mgrid[: canvas.size[0], : canvas.size[1]]
    inside = depth_within(region, canvas.size) > 0
    error = np.abs(canvas.membrane(function(rim_places(region))) - function(np.stack([x, y], -1)))[inside]
    assert error.mean() < 1.5
    assert error.max() < 8


def test_on_the_rim_the_membrane_is_what_it_is_to_carry_inwards(canvas: MouthCanvas, region: np.ndarray) -> None:
    places = rim_places(region)
    values = smooth_rim(places)
    found = at(canvas.membrane(values), places)
    assert np.abs(found - values).mean() < 1.5
    assert np.abs(found - values).max() < 8


def test_a_constant_is_constant_everywhere(canvas: MouthCanvas) -> None:
    constant = np.array([[30.0, -25.0, 255.0]])
    membrane = canvas.membrane(np.repeat(constant, N_RIM, 0))
    np.testing.assert_allclose(membrane, np.broadcast_to(constant, membrane.shape), atol=2e-3)


@RIMS
def test_the_membrane_keeps_to_the_rims_range(
    canvas: MouthCanvas, region: np.ndarray, values: Callable[..., Any]
) -> None:
    rim = values(rim_places(region))
    membrane = canvas.membrane(rim).reshape(-1, 3)
    assert (membrane.min(0) >= rim.min(0) - 1e-2).all()
    assert (membrane.max(0) <= rim.max(0) + 1e-2).all()


def test_two_differences_add_up(canvas: MouthCanvas, region: np.ndarray) -> None:
    places = rim_places(region)
    one, other = smooth_rim(places), random_rim(places)
    together = canvas.membrane(2 * one - 0.5 * other)
    np.testing.assert_allclose(together, 2 * canvas.membrane(one) - 0.5 * canvas.membrane(other), atol=5e-3)


def test_a_spike_on_the_rim_fades_inwards(canvas: MouthCanvas, region: np.ndarray) -> None:
    """One sample of 96 counts in the middle for no more than its share of the view from there."""
    for sample in range(0, N_RIM, 7):
        spike = np.zeros((N_RIM, 3))
        spike[sample] = 100
        membrane = canvas.membrane(spike)
        assert at(membrane, region.mean(0)[None]).max() < 4
        assert at(membrane, rim_places(region)[[sample]]).min() > 8


# --- feather and lips


def test_the_feather_runs_from_0_on_the_rim_to_1_inside(canvas: MouthCanvas, region: np.ndarray, cell: float) -> None:
    depth = depth_within(region, canvas.size)
    assert (canvas.feather[depth < -1] == 0).all()
    assert (canvas.feather[depth > FEATHER / cell + 1] == 1).all()
    assert at(canvas.feather, rim_points(region)).max() < 0.6 * min(1, cell / FEATHER)
    expected = np.clip(depth * cell / FEATHER, 0, 1)
    np.testing.assert_allclose(canvas.feather, expected, atol=0.6 * cell / FEATHER)


def test_the_feather_never_falls_on_the_way_inwards(canvas: MouthCanvas, region: np.ndarray) -> None:
    middle = region.mean(0)
    for place in rim_points(region)[::5]:
        way = place + np.linspace(0, 1, 40)[:, None] * (middle - place)
        shares = at(canvas.feather, way)
        assert (np.diff(shares) > -0.02).all()
        assert shares[-1] == 1


def test_the_look_is_corrected_on_the_lips_and_a_little_around(canvas: MouthCanvas, cell: float) -> None:
    lips = canvas.vertices[LOWER_OUTER_LIPS]
    distance = -depth_within(lips, canvas.size) * cell
    assert canvas.around_lips.min() >= 0
    assert canvas.around_lips.max() == 1
    assert (canvas.around_lips[distance < LIP_MARGIN - cell] == 1).all()
    assert (canvas.around_lips[distance > 2 * LIP_MARGIN + cell] == 0).all()
    assert (at(canvas.around_lips, lips) > 0.95).all()
    expected = np.clip(2 - distance / LIP_MARGIN, 0, 1)
    np.testing.assert_allclose(canvas.around_lips, expected, atol=0.6 * cell / LIP_MARGIN)


def test_the_canvas_holds_the_region_and_is_as_large_as_that_needs(canvas: MouthCanvas, region: np.ndarray) -> None:
    height, width = canvas.size
    assert canvas.around_lips.shape == canvas.feather.shape == (height, width)
    assert canvas.spread.shape == (height * width, N_RIM)
    assert (region >= 2).all()
    assert (region <= [width - 3, height - 3]).all()
    assert (np.ptp(region, axis=0) > np.array([width, height]) - 9).all()


def test_cells_are_no_finer_than_the_video(cell: float, px_per_unit: int) -> None:
    assert cell * px_per_unit >= 1.99
    assert cell >= 0.0099
    assert cell == pytest.approx(max(0.01, 2 / px_per_unit), rel=1e-3)


# --- the rim in a picture


def test_rim_points_go_around_the_region_with_as_many_on_each_side(region: np.ndarray) -> None:
    points = rim_points(region)
    assert points.dtype == np.float32
    assert all(abs(cv2.pointPolygonTest(region, tuple(map(float, p)), measureDist=True)) < 1e-3 for p in points)
    on_each_side = len(points) // len(region)
    np.testing.assert_array_equal(points[::on_each_side], region)
    steps = np.linalg.norm(np.diff(points, axis=0, append=points[:1]), axis=1).reshape(len(region), -1)
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(on_each_side), rtol=1e-2, atol=1e-4)


numbers = st.floats(-3, 3)


@given(st.tuples(numbers, numbers, numbers, numbers), st.tuples(numbers, numbers), st.integers(0, 1000))
def test_rim_points_keep_their_places_under_any_affine_map(
    linear: tuple[float, float, float, float], shift: tuple[float, float], seed: int
) -> None:
    region = np.random.default_rng(seed).uniform(0, 100, (len(LOWER_MOUTH_REGION), 2))
    matrix, offset = np.reshape(linear, (2, 2)), 30 * np.array(shift)
    moved = rim_points(region @ matrix.T + offset)
    np.testing.assert_allclose(moved, rim_points(region) @ matrix.T + offset, atol=2e-3)


def test_a_sample_is_the_mean_colour_of_its_three_places() -> None:
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], (90, 1, 3))
    ramp[..., 1] = np.arange(90)[:, None]
    region = 45 + 35 * np.stack([np.sin(np.arange(18) / 18 * 2 * np.pi), np.cos(np.arange(18) / 18 * 2 * np.pi)], 1)
    points = rim_points(region)
    places = points.reshape(N_RIM, 3, 2).mean(1)
    colours = sample_rim(ramp, points)
    assert colours.shape == (N_RIM, 3)
    assert colours.dtype == np.float32
    np.testing.assert_allclose(colours[:, 0], 2 * places[:, 0], atol=0.7)
    np.testing.assert_allclose(colours[:, 1], places[:, 1], atol=0.7)


def test_grain_on_the_rim_is_averaged() -> None:
    grain = np.random.default_rng(0).integers(100, 156, (200, 200, 3), np.uint8)
    region = 100 + 80 * np.stack([np.sin(np.arange(18) / 18 * 2 * np.pi), np.cos(np.arange(18) / 18 * 2 * np.pi)], 1)
    assert sample_rim(grain, rim_points(region)).std() < 0.65 * grain.std()


def test_a_rim_outside_the_picture_has_the_colour_of_its_edge() -> None:
    image = np.full((20, 30, 3), 50, np.uint8)
    image[:, 0] = 200
    region = np.tile([-15.0, 10.0], (18, 1)) + np.random.default_rng(0).uniform(-4, 4, (18, 2))
    np.testing.assert_array_equal(sample_rim(image, rim_points(region)), 200)


# --- the blend as a whole, on a talker


@pytest.fixture(scope="module")
def blends(talker_avatar: VideoAvatar) -> list[tuple[np.ndarray, PlainRendering, np.ndarray]]:
    """Mouths put into another light: drawn, rendered plainly, and the patch that both began with."""
    avatar = talker_avatar
    templates = list(islice(avatar.idle(avatar.fps).template.frames(), 40))[::8]
    order = np.argsort(mouth_opening(avatar.shape.inverse_transform(avatar.atlas.coefficients)))
    drawing = MouthDrawing(avatar.shape, avatar.atlas, avatar.mesh, avatar.canvas, avatar.appearance)
    found = []
    for template, index in zip(templates, order[np.linspace(0, len(order) - 1, 5).astype(int)], strict=True):
        template = replace(template, image=dimmed(template.image))
        coefficients, look = avatar.atlas.coefficients[index], avatar.atlas.codes[index]  # nothing to correct
        drawn = drawing.draw(template, coefficients, int(index), look)
        plain = PlainRendering(avatar, template, coefficients, int(index), look)
        found.append((drawn, plain, moved_patch(avatar, template, coefficients, index)))
    return found


def dimmed(image: np.ndarray) -> np.ndarray:
    """The picture, darker the further to its right."""
    light = np.linspace(0.95, 0.65, image.shape[1])[None, :, None]
    return np.rint(image * light).astype(np.uint8)


def moved_patch(
    avatar: VideoAvatar, template: TemplateFrame[TemplateFace], coefficients: np.ndarray, index: int
) -> np.ndarray:
    """An atlas picture, moved to the target (H, W, 3) by the plain warp."""
    face, (height, width) = template.face, template.image.shape[:2]
    target = avatar.mesh.place(place_shape(avatar.shape, coefficients, present(face)), present(face).to_picture)
    warp = PiecewiseAffine(avatar.mesh.triangles)
    backward = warp.backward_map(target, avatar.atlas.vertices[index], Box(0, 0, width, height))
    return cv2.remap(avatar.atlas.picture(index), backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def seamless_clone(patch: np.ndarray, skin: np.ndarray, mask: np.ndarray) -> np.ndarray:
    white = mask.astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(white)
    return cv2.seamlessClone(patch, skin, white, (left + width // 2, top + height // 2), cv2.NORMAL_CLONE)


def seam(image: np.ndarray, mask: np.ndarray) -> float:
    """Mean step from pixel to pixel, across and down, in a ring around the mask's rim."""
    white = mask.astype(np.uint8)
    ring = (cv2.dilate(white, np.ones((5, 5))) > 0) & (cv2.erode(white, np.ones((5, 5))) == 0)
    across = np.abs(np.diff(image.astype(int), axis=1))[ring[:, 1:]].mean()
    down = np.abs(np.diff(image.astype(int), axis=0))[ring[1:]].mean()
    return (across + down) / 2


def test_the_seam_is_as_small_as_seamless_clones(blends: list[tuple[np.ndarray, PlainRendering, np.ndarray]]) -> None:
    ours, theirs, skins, pastes = np.transpose([
        [
            seam(drawn, plain.mask),
            seam(seamless_clone(patch, plain.skin, plain.mask), plain.mask),
            seam(plain.skin, plain.mask),
            seam(np.where(plain.mask[..., None], patch, plain.skin), plain.mask),
        ]
        for drawn, plain, patch in blends
    ])  # fmt: skip
    assert ours.mean() < 1.05 * theirs.mean()
    assert ours.mean() < 1.05 * skins.mean()
    assert ours.mean() < 0.5 * pastes.mean()


def test_deep_inside_the_blend_is_what_seamless_clone_makes(
    blends: list[tuple[np.ndarray, PlainRendering, np.ndarray]],
) -> None:
    """Beyond the feather, within what the clone itself differs from the equation's dense solution."""
    ours, dense = [], []
    for drawn, plain, patch in blends:
        clone = seamless_clone(patch, plain.skin, plain.mask)
        inside = cv2.erode(plain.mask.astype(np.uint8), np.ones((21, 21))) > 0
        ours.append(np.abs(drawn.astype(int) - clone)[inside].mean())
        dense.append(np.abs(plain.blended - clone)[inside].mean())
    assert max(ours) < 3  # of 255
    assert np.mean(ours) < np.mean(dense) + 0.5


# --- things before the face


def test_a_thing_before_the_chin_leaves_no_glow() -> None:
    place = np.linspace(0, 2 * np.pi, N_RIM, endpoint=False)
    light = np.stack([10 + 8 * np.sin(place), 5 + 20 * np.cos(place), np.full(N_RIM, -12.0)], 1).astype(np.float32)
    np.testing.assert_array_equal(without_covers(light), light)  # nothing stands out: not touched
    covered = light.copy()
    wrapped = np.arange(-3, 5)
    covered[wrapped] += (150, 140, 90)  # across the rim's beginning
    np.testing.assert_allclose(without_covers(covered), light, atol=3)


def test_where_most_is_covered_the_step_stays() -> None:
    step = np.zeros((N_RIM, 3), np.float32)
    step[::2] = 200
    step[1::2] = -200
    np.testing.assert_array_equal(without_covers(step), step)
