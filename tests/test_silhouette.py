"""The rim of a turned face: no comb where the map jumps, and nothing at all where it doesn't."""

import numpy as np
import pytest

from hygiesync.portrait.silhouette import draw_rim, rim_of
from hygiesync.rendering.grid import NodeGrid
from hygiesync.rendering.warp import Box

WIDTH, HEIGHT = 90, 120


def slanted(grid: NodeGrid) -> np.ndarray:
    """Which nodes (rows, columns), bool, lie to the right of a line that goes aside by a pixel in four."""
    inside: np.ndarray = grid.x[None] > 30 + grid.y / 4
    return inside


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_a_rim_is_smooth_however_far_the_nodes_are_apart(step: int) -> None:
    """Light in front of dark: in each row the light begins where the line is, within a pixel and not by steps."""
    grid = NodeGrid(Box(10, 0, 10 + WIDTH, HEIGHT), step)
    is_face = slanted(grid)
    picture = np.zeros((HEIGHT, 400, 3), np.uint8)
    picture[:, 200:] = 200
    backward = np.dstack(np.broadcast_arrays(grid.x[None] + np.where(is_face, 250, 0), grid.y)).astype(np.float32)
    rim = rim_of(grid, backward, is_face)
    assert rim is not None
    is_light = grid.to_pixels(is_face.astype(np.float32)) > 0.5
    layer = np.repeat(np.where(is_light, 200, 0).astype(np.uint8)[..., None], 3, axis=2)
    draw_rim(layer, rim, picture, 1.0, 0.0)
    begins = 10 + WIDTH - layer[..., 0].sum(1) / 200.0
    rows = np.arange(2 * step, HEIGHT - 2 * step)
    wanted = 30 + rows / 4 + 0.5
    errors = begins[rows] - wanted
    assert np.abs(errors).max() < 0.5 + 0.3 * step
    assert np.abs(np.diff(begins[rows])).max() < 0.75, "no teeth of a comb"
    assert set(np.unique(layer)) - {0, 200}, "soft"


def test_a_map_that_only_stretches_has_no_rim() -> None:
    grid = NodeGrid(Box(0, 0, WIDTH, HEIGHT), 2)
    backward = np.dstack(np.broadcast_arrays(0.3 * grid.x[None], 1.8 * grid.y)).astype(np.float32)
    assert rim_of(grid, backward, slanted(grid)) is None
    assert rim_of(grid, backward, np.ones(grid.shape, bool)) is None
