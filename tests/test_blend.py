"""Gradient-domain blending, held against the exact solution of Laplace's equation and OpenCV's slow one."""

import cv2
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from hygiesync.render.blend import feather, membrane, poisson_blend


def ellipse(size: int) -> np.ndarray:
    """Mask (H, W) of an ellipse `size` pixels wide, a few pixels from the border."""
    height, width = int(0.7 * size) + 6, size + 6
    y, x = np.mgrid[:height, :width]
    return ((x - width / 2) / (0.5 * size)) ** 2 + ((y - height / 2) / (0.35 * size)) ** 2 < 1


def star(size: int) -> np.ndarray:
    mask = ellipse(size)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    y, x = y / mask.shape[0] - 0.5, x / mask.shape[1] - 0.5
    return mask & (np.hypot(x, y) < 0.36 + 0.1 * np.sin(5 * np.arctan2(y, x)))


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = [30 * np.sin(6 * x / width + phase) + 20 * np.cos(5 * y / height) for phase in range(3)]
    return np.stack(waves, -1).astype(np.float32)


def rough(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 15, (height, width, 3)).astype(np.float32)


def half_and_half(height: int, width: int) -> np.ndarray:
    """A shadow's edge across the mask."""
    return np.where(np.arange(width)[None, :, None] > width / 2, 40, -40) * np.ones((height, width, 3), np.float32)


def exact_membrane(difference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Laplace's equation as one sparse linear system."""
    y, x = np.nonzero(mask)
    number = np.full(mask.shape, -1)
    number[y, x] = np.arange(len(y))
    matrix = sparse.lil_matrix((len(y), len(y)))
    right = np.zeros((len(y), difference.shape[2]))
    matrix.setdiag(4)
    rows, columns = [], []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        neighbour = number[y + dy, x + dx]
        rows.append(np.flatnonzero(neighbour >= 0))
        columns.append(neighbour[neighbour >= 0])
        right[neighbour < 0] += difference[y + dy, x + dx][neighbour < 0]
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    links = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), matrix.shape)
    solution = difference.astype(float)
    solution[y, x] = spsolve((sparse.identity(len(y)) * 4 - links).tocsc(), right).reshape(len(y), -1)
    return solution


@pytest.mark.parametrize("values", [smooth, rough, half_and_half])
@pytest.mark.parametrize("shape", [ellipse, star])
@pytest.mark.parametrize("size", [40, 96, 131, 256])
def test_the_membrane_is_harmonic(size, shape, values):
    mask = shape(size)
    difference = values(*mask.shape)
    error = np.abs(membrane(difference, mask) - exact_membrane(difference, mask))[mask]
    assert error.mean() < 0.4  # of 255
    assert error.max() < 3


def test_only_the_rim_counts():
    mask = ellipse(60)
    difference, other = smooth(*mask.shape), smooth(*mask.shape)
    far = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) == 0
    other[mask] = 1000
    other[far] = -500
    np.testing.assert_array_equal(membrane(other, mask)[mask], membrane(difference, mask)[mask])


def test_the_membrane_keeps_to_the_rims_range():
    mask = star(90)
    field = membrane(half_and_half(*mask.shape), mask)[mask]
    assert field.min() > -41
    assert field.max() < 41


@pytest.mark.parametrize("size", [8, 20, 60, 150])
def test_a_constant_offset_is_removed_exactly(size):
    mask = ellipse(size)
    picture = np.random.default_rng(0).integers(40, 200, (*mask.shape, 3), np.uint8)
    patch = picture + np.array([30, -25, 7]).astype(np.uint8)
    np.testing.assert_array_equal(poisson_blend(patch, picture, mask), picture)


def test_outside_the_mask_the_picture_is_untouched():
    mask = star(80)
    rng = np.random.default_rng(0)
    patch, picture = rng.integers(0, 256, (2, *mask.shape, 3), np.uint8)
    blended = poisson_blend(patch, picture, mask)
    np.testing.assert_array_equal(blended[~mask], picture[~mask])
    assert (blended[mask] != picture[mask]).any()
    assert blended.dtype == np.uint8


def test_what_is_handed_in_is_left_alone():
    mask = ellipse(40)
    patch, picture = np.random.default_rng(0).integers(0, 256, (2, *mask.shape, 3), np.uint8)
    copies = patch.copy(), picture.copy(), mask.copy()
    poisson_blend(patch, picture, mask)
    for now, before in zip((patch, picture, mask), copies, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("fill", [False, True])
def test_a_mask_of_nothing_or_of_everything(fill):
    patch, picture = np.random.default_rng(0).integers(0, 256, (2, 30, 40, 3), np.uint8)
    blended = poisson_blend(patch, picture, np.full((30, 40), fill))
    np.testing.assert_array_equal(blended, patch if fill else picture)


def test_a_single_pixel_becomes_the_mean_of_its_neighbours_difference():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    difference = rough(9, 9)
    expected = (difference[3, 4] + difference[5, 4] + difference[4, 3] + difference[4, 5]) / 4
    np.testing.assert_allclose(membrane(difference, mask)[4, 4], expected, atol=0.05)


def test_the_seam_is_as_small_as_seamless_clones():
    mask = ellipse(120)
    height, width = mask.shape
    texture = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    picture = np.clip(120 + smooth(height, width) + texture, 0, 255).astype(np.uint8)
    patch = np.clip(90 - smooth(height, width)[::-1] + texture, 0, 255).astype(np.uint8)
    ours = poisson_blend(patch, picture, mask)
    white = (mask * 255).astype(np.uint8)
    left, top, mask_width, mask_height = cv2.boundingRect(white)
    theirs = cv2.seamlessClone(
        patch, picture, white, (left + mask_width // 2, top + mask_height // 2), cv2.NORMAL_CLONE
    )
    assert np.abs(ours.astype(int) - theirs)[cv2.erode(white, np.ones((5, 5))) > 0].mean() < 3

    def seam(image):
        ring = (cv2.dilate(white, np.ones((5, 5))) > 0) & (cv2.erode(white, np.ones((5, 5))) == 0)
        return np.abs(np.diff(image.astype(int), axis=1))[ring[:, 1:]].mean()

    assert seam(ours) < 1.05 * seam(theirs)
    assert seam(ours) < 1.1 * seam(picture)
    pasted = np.where(mask[..., None], patch, picture)
    assert seam(ours) < 0.9 * seam(pasted)


def test_a_feather_runs_from_the_picture_at_the_rim_to_the_blend_inside():
    picture, blended = np.full((100, 100, 3), 50, np.uint8), np.full((100, 100, 3), 150, np.uint8)
    mask = np.zeros((100, 100), bool)
    mask[20:80, 20:80] = True
    feathered = feather(blended, picture, mask)
    np.testing.assert_array_equal(feathered[~mask], 50)
    np.testing.assert_array_equal(feathered[35:65, 35:65], 150)
    row = feathered[50, 19:40, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() < 25
