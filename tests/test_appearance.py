"""The look of a mouth, learnt: held against plain kernel ridge regression."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from hygiesync.rendering.appearance import N_COMPONENTS, AppearanceModel

N_PIXELS = 12 * 16 * 3
N_MOVEMENTS = 3


def look_of(movements: np.ndarray) -> np.ndarray:
    """True looks (n, N_PIXELS) of movements (n, N_MOVEMENTS): smooth, of few dimensions, but not linear."""
    rng = np.random.default_rng(99)
    waves = np.concatenate([np.sin(2 * movements), movements, movements[:, :1] * movements[:, 1:]], axis=1)
    return 120 + waves @ rng.normal(0, 6, (waves.shape[1], N_PIXELS))


def some_mouths(n: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Looks as a camera sees them, features of a mouth's size, and the true looks."""
    rng = np.random.default_rng(seed)
    movements = rng.uniform(-1, 1, (n, N_MOVEMENTS))
    true = look_of(movements)
    seen = np.clip(np.rint(true + rng.normal(0, noise, true.shape)), 0, 255).astype(np.uint8)
    return seen, (0.03 * movements + 0.1).astype(np.float32), true


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray]:
    appearances, features, _ = some_mouths(250, noise=4)
    return appearances, features, *AppearanceModel.fit(appearances, features)


@pytest.fixture(scope="module")
def large() -> tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray]:
    """More pictures than there are centres."""
    appearances, features, _ = some_mouths(1800, noise=25, seed=3)
    return appearances, features, *AppearanceModel.fit(appearances, features)


def test_with_every_picture_a_centre_it_is_kernel_ridge_regression(
    small: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    _, features, model, codes = small
    assert len(model.centres) == len(features)
    plain = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / (2 * model.width**2)).fit(features, codes)
    unseen = some_mouths(100, noise=0, seed=1)[1]
    expected = plain.predict(unseen)
    np.testing.assert_allclose(model.expected(unseen), expected, atol=2e-3 * codes.std(0).max())


def test_the_kernel_is_as_wide_as_mouths_are_apart(
    small: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    _, features, model, _ = small
    distances = np.linalg.norm(features[:, None] - features, axis=-1)
    assert model.width == pytest.approx(np.median(distances), rel=0.05)


def test_the_basis_is_orthonormal_and_its_components_fall(
    small: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    _, _, model, codes = small
    np.testing.assert_allclose(model.basis @ model.basis.T, np.eye(len(model.basis)), atol=1e-3)
    assert (np.diff((codes**2).sum(0)) <= 1e-3 * (codes**2).sum()).all()
    assert model.basis.dtype == model.centres.dtype == model.weights.dtype == codes.dtype == np.float32


def test_codes_give_looks_of_few_dimensions_back() -> None:
    _, features, true = some_mouths(200, noise=0)
    model, codes = AppearanceModel.fit(true.astype(np.float32), features)
    for index in (3, 50, 177):
        difference = model.draw(codes[index] - codes[0])
        np.testing.assert_allclose(difference, true[index] - true[0], atol=0.05)


def test_what_codes_leave_out_of_noisy_looks_is_noise(
    small: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    appearances, _, model, codes = small
    difference = np.stack([model.draw(code - codes[0]) for code in codes])
    left_out = appearances.astype(float) - appearances[0] - difference
    assert len(model.basis) == N_COMPONENTS
    assert left_out[1:].std() < 4 * 1.5


def test_fitting_twice_gives_the_same(small: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray]) -> None:
    appearances, features, model, codes = small
    again, codes_again = AppearanceModel.fit(appearances, features)
    np.testing.assert_array_equal(codes_again, codes)
    for name, value in vars(model).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_what_is_handed_in_is_left_alone() -> None:
    appearances, features, _ = some_mouths(60, noise=3)
    copies = appearances.copy(), features.copy()
    AppearanceModel.fit(appearances, features)
    np.testing.assert_array_equal(appearances, copies[0])
    np.testing.assert_array_equal(features, copies[1])


def test_of_a_large_atlas_only_some_pictures_are_centres(
    large: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    _, features, model, codes = large
    assert len(model.centres) < len(features)
    assert len(codes) == len(features)


def test_it_knows_unseen_mouths_better_than_the_nearest_picture_does(
    large: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    """Of noisy pictures: what all of them say is nearer to the truth than what any one of them shows."""
    appearances, features, model, codes = large
    _, unseen, true = some_mouths(200, noise=0, seed=4)
    nearest = np.linalg.norm(unseen[:, None] - features, axis=-1).argmin(1)
    offset = appearances.mean(0) - codes.mean(0) @ model.basis
    expected = model.expected(unseen) @ model.basis + offset
    of_truth = ((true - true.mean(0)) ** 2).mean()
    assert ((expected - true) ** 2).mean() < 0.15 * of_truth
    assert ((expected - true) ** 2).mean() < 0.2 * ((appearances[nearest] - true) ** 2).mean()
    as_drawn = codes[nearest] @ model.basis + offset
    assert ((expected - true) ** 2).mean() < 0.7 * ((as_drawn - true) ** 2).mean()


def test_with_some_centres_it_expects_nearly_what_it_does_with_all(
    large: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray],
) -> None:
    _, features, model, codes = large
    _, unseen, _ = some_mouths(200, noise=0, seed=5)
    plain = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / (2 * model.width**2)).fit(features, codes)
    all_of_them = plain.predict(unseen)
    error = np.linalg.norm(model.expected(unseen) - all_of_them, axis=1)
    assert error.mean() < 0.02 * np.linalg.norm(all_of_them, axis=1).mean()


@pytest.mark.parametrize("distance", [0.1, 1.0, 100.0])
def test_far_from_all_mouths_the_look_is_an_ordinary_one(
    large: tuple[np.ndarray, np.ndarray, AppearanceModel, np.ndarray], distance: float
) -> None:
    _, features, model, codes = large
    far = (features[:50] + distance).astype(np.float32)
    expected = model.expected(far)
    assert np.isfinite(expected).all()
    assert np.linalg.norm(expected, axis=1).max() < 2 * np.linalg.norm(codes, axis=1).max()
    if distance > 0.5:
        np.testing.assert_allclose(expected, 0, atol=1e-3)  # the mean look


@pytest.mark.parametrize("n_pictures", [1, 2, 3, 7, 40, 100])
def test_a_handful_of_pictures(n_pictures: int) -> None:
    appearances, features, _ = some_mouths(n_pictures, noise=3)
    model, codes = AppearanceModel.fit(appearances, features)
    assert len(codes) == n_pictures
    assert codes.shape[1] == len(model.basis) < max(n_pictures, 2)
    assert np.isfinite(model.expected(features)).all()
    drawn = model.draw(codes[-1] - codes[0])
    np.testing.assert_allclose(drawn, appearances[-1].astype(float) - appearances[0], atol=0.05)
    np.testing.assert_allclose(model.basis @ model.basis.T, np.eye(len(model.basis)), atol=1e-3)


def test_pictures_that_all_look_the_same() -> None:
    appearances, features, _ = some_mouths(30, noise=3)
    model, _ = AppearanceModel.fit(np.repeat(appearances[:1], 30, 0), features)
    np.testing.assert_allclose(model.draw(model.expected(features)[0]), 0, atol=1e-3)


def test_mouths_that_all_have_the_same_shape() -> None:
    appearances, features, _ = some_mouths(30, noise=3)
    model, codes = AppearanceModel.fit(appearances, np.repeat(features[:1], 30, 0))
    np.testing.assert_allclose(model.expected(features[:1])[0], codes.mean(0), atol=0.02 * np.abs(codes).max())
