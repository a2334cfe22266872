"""Piecewise-affine warping, held against a plain one that asks every pixel by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.rendering.warp import Box, PiecewiseAffine, sample, triangulate

SIZE = 96


def mesh(seed: int = 0, n_points: int = 25) -> np.ndarray:
    """Points of a face-like mesh in the middle of a picture, with a rim of corners."""
    rng = np.random.default_rng(seed)
    corners = np.array([[10, 10], [86, 12], [84, 86], [12, 84]], float)
    return np.concatenate([corners, rng.uniform(25, 70, (n_points, 2))])


def moved(points: np.ndarray, amount: float, seed: int = 1) -> np.ndarray:
    """The same mesh with its inner points moved."""
    target = points.copy()
    target[4:] += np.random.default_rng(seed).uniform(-amount, amount, target[4:].shape)
    return target


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


def plain_backward_map(triangles: np.ndarray, target: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Barycentric coordinates pixel by pixel: where each comes from, and how deep inside its triangle it lies."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    backward = np.stack([x, y], -1)
    depth = np.full((SIZE, SIZE), -np.inf)
    for corners in triangles:
        (ax, ay), (bx, by), (cx, cy) = target[corners]
        double_area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        v = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / double_area
        w = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / double_area
        weights = np.stack([1 - v - w, v, w], -1)
        sides = np.linalg.norm(target[corners[[1, 2, 0]]] - target[corners[[2, 0, 1]]], axis=1)
        here = (weights * abs(double_area) / sides).min(-1)  # pixels to the nearest side, negative outside
        deeper = here > depth
        backward[deeper & (here >= 0)] = (weights @ source[corners])[deeper & (here >= 0)]
        depth = np.maximum(depth, here)
    return backward, depth


@pytest.mark.parametrize("seed", range(4))
def test_backward_map_is_the_plain_one(seed: int) -> None:
    source = mesh(seed)
    target = moved(source, 3, seed + 10)
    triangles = triangulate((source + target) / 2)
    warp = PiecewiseAffine(triangles)
    backward = warp.backward_map(target, source, Box(0, 0, SIZE, SIZE))
    expected, depth = plain_backward_map(triangles, target, source)
    folded = folds(triangles, source, target)
    inside = (depth > 1) & ~folded
    assert inside.sum() > 1000
    np.testing.assert_allclose(backward[inside], expected[inside], atol=1e-3)
    np.testing.assert_array_equal(backward[depth < -1], expected[depth < -1])


def folds(triangles: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Pixels near triangles that the move turned over: there two answers are right."""

    def area(points: np.ndarray) -> np.ndarray:
        a, b, c = (points[triangles[:, k]] for k in range(3))
        return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]

    turned = np.sign(area(source)) != np.sign(area(target))
    mask = np.zeros((SIZE, SIZE), bool)
    for corners in triangles[turned]:
        (left, top), (right, bottom) = target[corners].min(0).astype(int) - 2, target[corners].max(0).astype(int) + 3
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("seed", range(4))
def test_along_the_sides_it_is_off_by_no_more_than_a_neighbouring_pixel(seed: int) -> None:
    source = mesh(seed)
    target = moved(source, 1, seed + 10)
    warp = PiecewiseAffine(triangulate(source))
    backward = warp.backward_map(target, source, Box(0, 0, SIZE, SIZE))
    expected, depth = plain_backward_map(warp.triangles, target, source)
    inside = (depth > 0) & ~folds(warp.triangles, source, target)
    assert np.abs(backward - expected)[inside].max() < 2


def test_a_mesh_that_does_not_move_leaves_every_pixel() -> None:
    image, points = picture(), mesh()
    np.testing.assert_array_equal(PiecewiseAffine(triangulate(points)).warp(image, points, points), image)


def test_outside_the_mesh_the_picture_is_untouched() -> None:
    image, source = picture(), mesh()
    warped = PiecewiseAffine(triangulate(source)).warp(image, source, moved(source, 4))
    outside = np.ones((SIZE, SIZE), bool)
    outside[9:89, 9:89] = False
    np.testing.assert_array_equal(warped[outside], image[outside])
    assert (warped != image).any()


def test_the_picture_that_is_handed_in_is_left_alone() -> None:
    image, source = picture(), mesh()
    before = image.copy()
    PiecewiseAffine(triangulate(source)).warp(image, source, moved(source, 4))
    np.testing.assert_array_equal(image, before)


def test_a_shifted_mesh_brings_its_pixels_along() -> None:
    image, source = picture(), mesh()
    target = source + np.array([3, -2])
    warped = PiecewiseAffine(triangulate(source)).warp(image, source, target)
    np.testing.assert_array_equal(warped[20:70, 20:70], image[22:72, 17:67])


def test_a_box_is_cut_out_of_the_whole_map() -> None:
    source = mesh()
    target, warp, box = moved(source, 1), PiecewiseAffine(triangulate(source)), Box(20, 31, 71, 64)
    whole = warp.backward_map(target, source, Box(0, 0, SIZE, SIZE))[box.slices]
    difference = np.abs(warp.backward_map(target, source, box) - whole).max(-1)
    assert (difference > 1e-4).mean() < 0.01  # pixels on a side that the box cuts may fall to either triangle
    assert difference.max() < 1


def test_a_mesh_half_outside_the_picture_is_warped_where_it_is_seen() -> None:
    source = mesh() + np.array([40, -30])
    target = moved(source, 1)
    warp = PiecewiseAffine(triangulate(source))
    backward = warp.backward_map(target, source, Box(0, 0, SIZE, SIZE))
    expected, depth = plain_backward_map(warp.triangles, target, source)
    inside = (depth > 1) & ~folds(warp.triangles, source, target)
    assert inside.sum() > 500
    np.testing.assert_allclose(backward[inside], expected[inside], atol=1e-3)


def test_flat_triangles_give_numbers() -> None:
    source = mesh()
    target = source.copy()
    target[4:] = [[40, 40]]
    warp = PiecewiseAffine(triangulate(source))
    assert np.isfinite(warp.affine_maps(target, source)).all()
    assert np.isfinite(warp.backward_map(target, source, Box(0, 0, SIZE, SIZE))).all()


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.1, 0.3])
def test_lips_that_close_draw_no_line_of_far_colours(gap: float) -> None:
    """Between closed lips lie triangles flatter than a pixel; what they map there must come from the mouth."""
    source = np.array([[10, 10], [80, 10], [80, 80], [10, 80], [20, 45], [45, 30], [70, 45], [45, 60]], float)
    triangles = np.array([
        [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 6, 5], [3, 7, 2], [3, 4, 7], [2, 7, 6], [0, 4, 3], [1, 2, 6],
    ])  # fmt: skip
    for order in (triangles, triangles[::-1]):
        target = source.copy()
        target[5], target[7] = (45, 45.3 - gap / 2), (45, 45.3 + gap / 2)
        target[4, 1] = target[6, 1] = 45.3
        backward = PiecewiseAffine(order).backward_map(target, source, Box(0, 0, SIZE, SIZE))
        column = backward[11:80, 45, 1]
        # down the middle, one never goes up in the source by more than a pixel, nor out of the picture
        assert (np.diff(column) > -2).all()
        assert (column > 8).all()
        assert (column < 82).all()


def test_triangles_cover_the_hull_and_are_no_slivers() -> None:
    y, x = np.mgrid[0:5, 0:5]
    points = np.stack([x, y], -1).reshape(-1, 2).astype(float)
    triangles = triangulate(points)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert area.min() > 1e-6
    assert area.sum() == pytest.approx(16)


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(0, 60), st.floats(0, 60))
def test_boxes_stay_in_the_picture_and_hold_their_points(x: float, y: float, width: float, height: float) -> None:
    points = np.array([[x, y], [x + width, y + height]])
    box = Box.around(points, (80, 100))
    assert 0 <= box.left <= box.right <= 100
    assert 0 <= box.top <= box.bottom <= 80
    seen = np.clip(points, 0, [99, 79])
    if (seen == points).all():
        assert (seen >= box.origin).all()
        assert (seen <= [box.right - 1, box.bottom - 1]).all()


def test_sampling_between_pixels_keeps_the_colours_of_a_ramp() -> None:
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 20, 0).repeat(3, 2)
    y, x = np.mgrid[5:15, 10:80].astype(np.float32)
    between = sample(ramp, np.stack([x + 0.5, y], -1))
    np.testing.assert_allclose(between[..., 0], 2 * x + 1, atol=1)
