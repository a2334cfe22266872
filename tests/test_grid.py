"""Warping at the nodes of a grid, held against the plain warp that computes every pixel."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from present import present

from hygiesync.rendering.grid import NodeGrid, Target
from hygiesync.rendering.warp import Box, PiecewiseAffine, triangulate

BOX = Box(11, 13, 131, 125)
STEPS = (1, 2, 3)


def mesh(seed: int = 0) -> np.ndarray:
    """Points about a dozen pixels apart, the outer ones on a square from 20 to 116."""
    y, x = np.mgrid[:9, :9] * 12.0 + 20
    points = np.stack([x, y], -1).reshape(-1, 2)
    inner = ((points > 20) & (points < 116)).all(1)
    points[inner] += np.random.default_rng(seed).uniform(-3, 3, (inner.sum(), 2))
    return points


def smoothly_moved(points: np.ndarray, amount: float) -> np.ndarray:
    """The same points, moved in waves by up to `amount` pixels; the outer ones stay."""
    depth = np.clip(np.minimum(points - 20, 116 - points).min(1) / 20, 0, 1)[:, None]
    return points + amount * depth * np.stack([np.sin(points[:, 1] / 15), np.cos(points[:, 0] / 17)], 1)


def node_positions(grid: NodeGrid) -> np.ndarray:
    """Picture position of each node (rows, columns, 2)."""
    return np.stack(np.broadcast_arrays(grid.x, grid.y), -1)


def pixel_positions(box: Box) -> np.ndarray:
    y, x = np.mgrid[box.top : box.bottom, box.left : box.right].astype(np.float32)
    return np.stack([x, y], -1)


def boxes(draw: DrawFn, left: int = -20, size: int = 60) -> Box:
    x, y = draw(st.integers(left, 40)), draw(st.integers(left, 40))
    return Box(x, y, x + draw(st.integers(1, size)), y + draw(st.integers(1, size)))


@st.composite
def grids(draw: DrawFn) -> NodeGrid:
    return NodeGrid(boxes(draw), draw(st.integers(1, 5)))


@st.composite
def grids_and_parts(draw: DrawFn) -> tuple[NodeGrid, Box]:
    grid = draw(grids())
    left, right = sorted(draw(st.tuples(*[st.integers(grid.box.left, grid.box.right)] * 2)))
    top, bottom = sorted(draw(st.tuples(*[st.integers(grid.box.top, grid.box.bottom)] * 2)))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    if right > grid.box.right or bottom > grid.box.bottom:
        left, right, top, bottom = grid.box.left, grid.box.right, grid.box.top, grid.box.bottom
    return grid, Box(left, top, right, bottom)


@given(grids())
def test_a_node_lies_in_the_middle_of_its_pixels(grid: NodeGrid) -> None:
    rows, columns = grid.shape
    assert (grid.x.shape, grid.y.shape) == ((columns,), (rows, 1))
    assert columns * grid.step - grid.box.width in range(grid.step)
    assert rows * grid.step - grid.box.height in range(grid.step)
    for column, x in enumerate(grid.x):
        first = grid.box.left + column * grid.step
        assert x == np.arange(first, first + grid.step).mean()
    for row, y in enumerate(grid.y[:, 0]):
        first = grid.box.top + row * grid.step
        assert y == np.arange(first, first + grid.step).mean()


@given(grids())
def test_between_nodes_an_affine_function_is_itself(grid: NodeGrid) -> None:
    """But for the outermost half step, where there is a node on one side only."""
    maps = np.array([[0.7, -0.4, 3], [0.2, 1.3, -5]])
    fine = grid.to_pixels((node_positions(grid) @ maps[:, :2].T + maps[:, 2]).astype(np.float32))
    expected = pixel_positions(grid.box) @ maps[:, :2].T + maps[:, 2]
    assert fine.shape == expected.shape
    x, y = pixel_positions(grid.box)[..., 0], pixel_positions(grid.box)[..., 1]
    between = (x >= grid.x[0]) & (x <= grid.x[-1]) & (y >= grid.y[0, 0]) & (y <= grid.y[-1, 0])
    np.testing.assert_allclose(fine[between], expected[between], atol=1e-3)
    assert np.abs(fine - expected).max() <= 2 * (grid.step - 1) / 2 * 1.3 + 1e-3


@given(grids())
def test_single_values_and_many_come_to_the_same_pixels(grid: NodeGrid) -> None:
    values = np.random.default_rng(0).normal(size=(*grid.shape, 3)).astype(np.float32)
    fine = grid.to_pixels(values)
    for channel in range(3):
        alone = grid.to_pixels(np.ascontiguousarray(values[..., channel]))
        np.testing.assert_allclose(alone, fine[..., channel], atol=1e-6)


@given(grids_and_parts())
def test_a_part_covers_its_box_with_nodes_of_the_whole(grid_and_box: tuple[NodeGrid, Box]) -> None:
    grid, box = grid_and_box
    part = grid.within(box)
    assert grid.box.left <= part.box.left <= box.left
    assert grid.box.top <= part.box.top <= box.top
    assert box.right <= part.box.right <= grid.box.right
    assert box.bottom <= part.box.bottom <= grid.box.bottom
    assert max(box.left - part.box.left, box.top - part.box.top) < grid.step
    np.testing.assert_array_equal(node_positions(grid)[grid.places_of(part)], node_positions(part))


@given(grids(), st.integers(1, 4))
def test_a_coarser_grid_has_fewer_nodes_over_the_same_pixels(grid: NodeGrid, factor: int) -> None:
    coarse = grid.coarser(factor)
    assert coarse.box == grid.box
    assert coarse.step == grid.step * factor
    its_own = node_positions(grid)[grid.places_of(coarse)]
    assert its_own.shape[:2] == coarse.shape
    # the first of the nodes that a coarse one stands for
    np.testing.assert_allclose(node_positions(coarse) - its_own, grid.step * (factor - 1) / 2, atol=1e-4)


@settings(deadline=None)
@given(grids(), st.integers(0, 10**6))
def test_the_part_around_flags_holds_them_and_their_neighbours(grid: NodeGrid, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flags = rng.random(grid.shape) < rng.choice([0.0, 0.01, 0.1])
    part = grid.around(flags)
    if not flags.any():
        assert part is None
        return
    rows, columns = np.nonzero(flags)
    is_held = np.zeros(grid.shape, bool)
    is_held[grid.places_of(present(part))] = True
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            beside = np.clip(rows + y, 0, grid.shape[0] - 1), np.clip(columns + x, 0, grid.shape[1] - 1)
            assert is_held[beside].all()
    assert is_held.any(1).sum() <= np.ptp(rows) + 3
    assert is_held.any(0).sum() <= np.ptp(columns) + 3
    np.testing.assert_array_equal(node_positions(grid)[grid.places_of(present(part))], node_positions(present(part)))


@pytest.mark.parametrize("amount", [0.0, 2.0, 6.0])
@pytest.mark.parametrize("seed", range(3))
def test_with_a_node_at_every_pixel_it_is_the_plain_warp(seed: int, amount: float) -> None:
    source = mesh(seed)
    target, triangles = smoothly_moved(source, amount), triangulate(source)
    plain = PiecewiseAffine(triangles).backward_map(target, source, BOX)
    backward = Target(target, triangles, NodeGrid(BOX, 1)).backward(source)
    assert backward.dtype == np.float32
    np.testing.assert_allclose(backward, plain, atol=1e-3)


@pytest.mark.parametrize(("step", "error"), [(2, 0.03), (3, 0.06)])
def test_wider_nodes_are_off_by_a_fraction_of_a_pixel(step: int, error: float) -> None:
    """Only where nodes lie on two sides of a triangle's side; a mean of `error`, and nowhere half a step."""
    source = mesh()
    target, triangles = smoothly_moved(source, 3), triangulate(source)
    plain = PiecewiseAffine(triangles).backward_map(target, source, BOX)
    grid = NodeGrid(BOX, step)
    distance = np.linalg.norm(grid.to_pixels(Target(target, triangles, grid).backward(source)) - plain, axis=-1)
    inner = distance[step:-step, step:-step]
    assert inner.mean() < error
    assert np.quantile(inner, 0.99) < 5 * error
    assert inner.max() < step / 2


@pytest.mark.parametrize("step", STEPS)
def test_at_nodes_within_a_triangle_it_is_the_plain_warp(step: int) -> None:
    """Drawn twice as large, so that there is a pixel at every node, of an even step too."""
    source = mesh(1)
    target, triangles, grid = smoothly_moved(source, 4), triangulate(source), NodeGrid(BOX, step)
    twice, warp = Box(0, 0, 280, 280), PiecewiseAffine(triangles)
    pixel = np.rint(2 * node_positions(grid)).astype(int)
    number = warp.triangle_map(2.0 * target, twice).astype(np.float32)
    window = np.ones((2 * step + 3, 2 * step + 3))  # a side is drawn a node wide
    is_within = (cv2.dilate(number, window) == cv2.erode(number, window)) & (number >= 0)
    is_within = is_within[pixel[..., 1], pixel[..., 0]]
    plain = warp.backward_map(2.0 * target, source, twice)[pixel[..., 1], pixel[..., 0]]
    backward = Target(target, triangles, grid).backward(source)
    assert is_within.sum() > 100
    np.testing.assert_allclose(backward[is_within], plain[is_within], atol=1e-3)


def test_a_mesh_that_does_not_move_leaves_every_place() -> None:
    points = mesh()
    for step in STEPS:
        grid = NodeGrid(BOX, step)
        backward = Target(points, triangulate(points), grid).backward(points)
        np.testing.assert_allclose(backward, node_positions(grid), atol=1e-4)


@pytest.mark.parametrize("step", STEPS)
def test_outside_the_mesh_a_place_is_its_own_or_the_one_given(step: int) -> None:
    source = mesh()
    target, grid = Target(smoothly_moved(source, 3), triangulate(source), NodeGrid(BOX, step)), NodeGrid(BOX, step)
    nodes = node_positions(grid)
    outside = ((nodes < 20 - step) | (nodes > 116 + step)).any(-1)
    inside = ((nodes > 20 + step) & (nodes < 116 - step)).all(-1)
    assert outside.any()
    np.testing.assert_array_equal(target.backward(source)[outside], nodes[outside])
    away = target.backward(source, outside=(-1e4, 7.0))
    np.testing.assert_array_equal(away[outside], np.broadcast_to(np.array([-1e4, 7], np.float32), away[outside].shape))
    np.testing.assert_array_equal(away[inside], target.backward(source)[inside])


@pytest.mark.parametrize("step", STEPS)
def test_a_part_of_the_grid_comes_from_where_the_whole_does(step: int) -> None:
    source = mesh()
    grid = NodeGrid(BOX, step)
    target = Target(smoothly_moved(source, 3), triangulate(source), grid)
    part = grid.within(Box(37, 41, 90, 102))
    np.testing.assert_allclose(target.backward(source, part), target.backward(source)[grid.places_of(part)], atol=1e-4)


@pytest.mark.parametrize("step", STEPS)
def test_a_coarser_grid_is_off_by_no_more_than_its_step(step: int) -> None:
    source = mesh()
    moved = smoothly_moved(source, 3)
    grid, triangles = NodeGrid(BOX, step), triangulate(source)
    coarse = grid.coarser(2)
    plain = PiecewiseAffine(triangles).backward_map(moved, source, BOX)
    backward = coarse.to_pixels(Target(moved, triangles, grid).backward(source, coarse))
    distance = np.linalg.norm(backward - plain, axis=-1)[2 * step : -2 * step, 2 * step : -2 * step]
    assert distance.mean() < 0.1 * step
    assert distance.max() < step


def test_one_target_serves_any_number_of_sources() -> None:
    target, triangles = mesh(), triangulate(mesh())
    shared = Target(target, triangles, NodeGrid(BOX, 2))
    for seed in range(1, 4):
        alone = Target(target, triangles, NodeGrid(BOX, 2)).backward(mesh(seed))
        np.testing.assert_array_equal(shared.backward(mesh(seed)), alone)


@pytest.mark.parametrize("step", STEPS)
def test_flat_triangles_give_numbers(step: int) -> None:
    source = mesh()
    target = source.copy()
    target[10:70] = [64, 64]
    target[70:72] = target[0]
    backward = Target(target, triangulate(source), NodeGrid(BOX, step)).backward(source)
    assert np.isfinite(backward).all()
    assert backward.min() > -200
    assert backward.max() < 400


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("gap", [0.0, 0.02, 0.1, 0.3])
def test_lips_that_close_draw_no_line_of_far_colours(gap: float, step: int) -> None:
    """Between closed lips lie triangles flatter than a node is wide; what they map there must come from the mouth."""
    source = np.array([[10, 10], [80, 10], [80, 80], [10, 80], [20, 45], [45, 30], [70, 45], [45, 60]], float)
    triangles = np.array([
        [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 6, 5], [3, 7, 2], [3, 4, 7], [2, 7, 6], [0, 4, 3], [1, 2, 6],
    ])  # fmt: skip
    grid = NodeGrid(Box(0, 0, 96, 96), step)
    for order in (triangles, triangles[::-1]):
        target = source.copy()
        target[5], target[7] = (45, 45.3 - gap / 2), (45, 45.3 + gap / 2)
        target[4, 1] = target[6, 1] = 45.3
        column = grid.to_pixels(Target(target, order, grid).backward(source))[13:78, 45, 1]
        # down the middle, one never goes up in the source by more than a step, nor out of the mesh
        assert (np.diff(column) > -2).all()
        assert (column > 8).all()
        assert (column < 82).all()


def test_a_mesh_half_outside_the_picture() -> None:
    source = mesh() + np.array([60, -50])
    target, triangles = source + np.array([1.5, -2.25]), triangulate(source)
    grid = NodeGrid(Box(40, 0, 128, 96), 2)
    backward = Target(target, triangles, grid).backward(source)
    nodes = node_positions(grid)
    inside = (nodes[..., 0] > 84) & (nodes[..., 1] < 60)
    np.testing.assert_allclose(backward[inside], nodes[inside] - [1.5, -2.25], atol=1e-3)


def test_what_is_handed_in_is_left_alone() -> None:
    source, triangles = mesh(), triangulate(mesh())
    target = smoothly_moved(source, 2)
    copies = source.copy(), target.copy(), triangles.copy()
    Target(target, triangles, NodeGrid(BOX, 2)).backward(source)
    for now, before in zip((source, target, triangles), copies, strict=True):
        np.testing.assert_array_equal(now, before)
