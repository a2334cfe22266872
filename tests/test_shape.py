"""The shape model: few coefficients that give the lower face back, with the head's turn taken off."""

import numpy as np
import pytest

from hygiesync.face.shape import ShapeModel, mouth_opening, mouth_width
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_FACE, LOWER_LEFT, LOWER_RIGHT, LOWER_TOP

N_POINTS = len(LOWER_FACE)


def make_faces(
    n_frames: int = 250, n_movements: int = 5, turning: float = 0.02, noise: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Shapes (n_frames, N_POINTS, 2) moved by known movements of falling size, and by turns (n_frames, 2)."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform([-0.6, 0.5], [0.6, 1.5], (N_POINTS, 2))
    size = 0.03 * 0.6 ** np.arange(n_movements)
    movements = rng.normal(0, 1, (n_movements, N_POINTS * 2)) * size[:, None]
    turn_movement = rng.normal(0, turning, (2, N_POINTS, 2))
    turn_movement[:, LOWER_BOTTOM] = turn_movement[:, LOWER_TOP]  # turning does not open the mouth
    turn_movement = turn_movement.reshape(2, -1)
    turns = rng.normal([0.4, -0.2], 1, (n_frames, 2))
    flat = rng.normal(0, 1, (n_frames, n_movements)) @ movements + turns @ turn_movement
    return mean + flat.reshape(n_frames, N_POINTS, 2) + rng.normal(0, noise, (n_frames, N_POINTS, 2)), turns


def test_coefficients_survive_the_way_to_a_shape_and_back() -> None:
    shapes, turns = make_faces(noise=0.002)
    model = ShapeModel.fit(shapes, turns)
    coefficients = np.random.default_rng(1).normal(0, 2, (7, model.n_components))
    back = model.transform(model.inverse_transform(coefficients, turns[:7]), turns[:7])
    np.testing.assert_allclose(back, coefficients, atol=1e-9)


def test_shapes_come_back_as_exactly_as_the_explained_variance_says() -> None:
    shapes, turns = make_faces(noise=0.001)
    model = ShapeModel.fit(shapes, turns)
    back = model.inverse_transform(model.transform(shapes, turns), turns)
    left = ((shapes - back) ** 2).sum() / ((shapes - shapes.mean(0)) ** 2).sum()
    assert left < 0.02
    assert model.explained_variance_ratio.sum() > 0.95
    assert (np.diff(model.explained_variance_ratio) <= 0).all()


def test_movements_that_fit_in_the_components_come_back_exactly() -> None:
    shapes, turns = make_faces()
    model = ShapeModel.fit(shapes, turns)
    np.testing.assert_allclose(model.inverse_transform(model.transform(shapes, turns), turns), shapes, atol=1e-6)


def test_coefficients_of_the_training_frames_are_standard_and_independent() -> None:
    shapes, turns = make_faces(n_movements=8, noise=0.0005)
    model = ShapeModel.fit(shapes, turns)
    coefficients = model.transform(shapes, turns)
    np.testing.assert_allclose(coefficients.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(np.cov(coefficients.T), np.eye(model.n_components), atol=1e-6)


def test_turning_the_head_does_not_change_the_coefficients() -> None:
    shapes, turns = make_faces()
    model = ShapeModel.fit(shapes, turns)
    others = turns[::-1]
    turned = shapes + ((others - turns) @ model.turn_basis).reshape(shapes.shape)
    np.testing.assert_allclose(model.transform(turned, others), model.transform(shapes, turns), atol=1e-6)


def test_only_turning_leaves_nothing_for_the_coefficients() -> None:
    shapes, turns = make_faces(n_movements=1, turning=0.05)
    model = ShapeModel.fit(shapes, turns)
    frontal = model.inverse_transform(np.zeros(model.n_components))
    turn_only = frontal + (turns @ model.turn_basis).reshape(shapes.shape)
    np.testing.assert_allclose(model.transform(turn_only, turns), 0, atol=1e-6)
    assert np.corrcoef(model.transform(shapes, turns)[:, 0], turns.sum(1))[0, 1] < 0.2


def test_the_mean_is_the_frontal_face() -> None:
    shapes, turns = make_faces(n_frames=1500)
    shifted, more_turns = ShapeModel.fit(shapes[turns[:, 0] > 0], turns[turns[:, 0] > 0]), turns
    np.testing.assert_allclose(shifted.mean, ShapeModel.fit(shapes, more_turns).mean, atol=0.02)


@pytest.mark.parametrize(("n_movements", "noise", "expected"), [(2, 0.0, 8), (12, 0.0, None), (60, 0.05, 24)])
def test_as_many_components_as_needed_between_8_and_24(n_movements: int, noise: float, expected: int | None) -> None:
    n_components = ShapeModel.fit(*make_faces(n_movements=n_movements, noise=noise)).n_components
    assert 8 <= n_components <= 24
    assert expected is None or n_components == expected


def test_a_higher_share_of_variance_needs_more_components() -> None:
    faces = make_faces(n_movements=20, noise=0.001)
    counts = [ShapeModel.fit(*faces, explained_variance=share).n_components for share in (0.9, 0.99, 0.9999)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_signs_do_not_depend_on_the_order_of_the_frames() -> None:
    shapes, turns = make_faces(n_movements=8, noise=0.0005)
    model, reversed_model = ShapeModel.fit(shapes, turns), ShapeModel.fit(shapes[::-1], turns[::-1])
    np.testing.assert_allclose(reversed_model.components, model.components, atol=1e-6)


def test_a_turn_that_the_opening_leaks_into_does_not_open_the_mouth() -> None:
    shapes, turns = make_faces(n_frames=1000)
    leaking = turns + 20 * (mouth_opening(shapes) - mouth_opening(shapes).mean())[:, None]
    turned = ShapeModel.fit(shapes, leaking).turn_basis.reshape(2, N_POINTS, 2)
    np.testing.assert_allclose(turned[:, LOWER_BOTTOM], turned[:, LOWER_TOP], atol=0.003)


def test_opening_and_width_are_distances_of_the_right_points() -> None:
    shapes = np.zeros((3, N_POINTS, 2))
    shapes[:, LOWER_TOP], shapes[:, LOWER_BOTTOM] = (0, 1), (0, 1.25)
    shapes[:, LOWER_RIGHT], shapes[:, LOWER_LEFT] = (-0.3, 1), (0.1, 1.3)
    np.testing.assert_allclose(mouth_opening(shapes), 0.25)
    np.testing.assert_allclose(mouth_width(shapes), 0.5)
