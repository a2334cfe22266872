"""Candidates for a frame: the atlas pictures nearest in shape, turn and look, and what each would cost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.face.shape import ShapeModel, mouth_opening
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_FACE, LOWER_TOP
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.retrieval import N_CANDIDATES, Retriever

N_FEATURES, N_COMPONENTS = 6, 8
NOBODY = np.zeros(0, np.int64)


def make_atlas(codes: np.ndarray) -> Atlas:
    n = len(codes)
    return Atlas(
        pictures=(b"",) * n,
        vertices=np.zeros((n, 1, 2), np.float32),
        coefficients=np.zeros((n, 4), np.float32),
        turns=np.zeros((n, 2), np.float32),
        frame_numbers=np.arange(n),
        codes=np.asarray(codes, np.float32),
    )


def random_pictures(n: int, seed: int = 0) -> tuple[Atlas, np.ndarray]:
    """An atlas of `n` pictures, and their features: a mouth's differ by some hundredths, its codes by thousands."""
    rng = np.random.default_rng(seed)
    return make_atlas(rng.normal(0, 1000, (n, N_COMPONENTS))), rng.normal(0, 0.02, (n, N_FEATURES)).astype(np.float32)


def cheapest(retriever: Retriever, features: np.ndarray, look: np.ndarray) -> int:
    candidates, costs = retriever.find(features[None], look[None], NOBODY)
    return int(candidates[costs.argmin()])


@pytest.fixture(scope="module")
def shape() -> ShapeModel:
    rng = np.random.default_rng(0)
    mean = rng.uniform([-0.5, 0.5], [0.5, 1.3], (len(LOWER_FACE), 2))
    mean[LOWER_TOP], mean[LOWER_BOTTOM] = (0, 0.8), (0, 0.9)
    components = rng.normal(0, 1, (4, mean.size)) * np.array([0.02, 0.015, 0.01, 0.005])[:, None]
    return ShapeModel(mean, np.zeros((2, mean.size)), components, np.linalg.pinv(components), np.full(4, 0.25))


def test_every_picture_is_its_own_cheapest() -> None:
    atlas, features = random_pictures(200)
    retriever = Retriever(atlas, features)
    for index in range(len(atlas)):
        candidates, costs = retriever.find(features[[index]], atlas.codes[[index]], NOBODY)
        assert candidates[costs.argmin()] == index
        assert costs.min() == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_the_candidates_are_the_cheapest_of_all_pictures(seed: int) -> None:
    atlas, features = random_pictures(150, seed)
    retriever = Retriever(atlas, features)
    wanted, look = features[[0]] + np.float32(0.01), atlas.codes[[1]]
    everyone, all_costs = retriever.find(wanted, look, np.arange(len(atlas)))
    np.testing.assert_array_equal(everyone, np.arange(len(atlas)))
    candidates, costs = retriever.find(wanted, look, NOBODY)
    assert len(candidates) == N_CANDIDATES
    np.testing.assert_array_equal(costs, all_costs[candidates])
    np.testing.assert_allclose(np.sort(costs), np.sort(all_costs)[:N_CANDIDATES])


def test_with_the_expected_look_a_cost_is_the_distance_in_shape() -> None:
    atlas, features = random_pictures(100)
    retriever = Retriever(replace(atlas, codes=np.ones((100, N_COMPONENTS), np.float32)), features)
    wanted = features[[5]] + np.float32(0.003)
    candidates, costs = retriever.find(wanted, np.ones((1, N_COMPONENTS), np.float32), NOBODY)
    np.testing.assert_allclose(costs, np.linalg.norm(features[candidates] - wanted, axis=1), rtol=1e-5)


def test_between_equal_shapes_the_look_decides() -> None:
    atlas, _ = random_pictures(60)
    retriever = Retriever(atlas, np.zeros((60, N_FEATURES), np.float32))
    for index in range(60):
        nearly = atlas.codes[index] + np.float32(20)
        assert cheapest(retriever, np.zeros(N_FEATURES, np.float32), nearly) == index


def test_a_look_counts_against_a_shape_whatever_its_unit() -> None:
    """The same pictures, their looks measured in another unit: the same candidates at the same cost."""
    atlas, features = random_pictures(80)
    for scale in (1e-3, 50.0):
        other = Retriever(replace(atlas, codes=atlas.codes * np.float32(scale)), features)
        one_found = Retriever(atlas, features).find(features[[3]], atlas.codes[[4]], NOBODY)
        other_found = other.find(features[[3]], atlas.codes[[4]] * np.float32(scale), NOBODY)
        np.testing.assert_array_equal(one_found[0], other_found[0])
        np.testing.assert_allclose(one_found[1], other_found[1], rtol=1e-4)


def test_a_far_better_shape_outweighs_the_look() -> None:
    codes = np.array([[1000.0, 0], [-1000.0, 0]])
    features = np.array([[0.0] * N_FEATURES, [0.3] * N_FEATURES], np.float32)
    retriever = Retriever(make_atlas(codes), features)
    assert cheapest(retriever, features[0], codes[1].astype(np.float32)) == 0
    assert cheapest(retriever, features[1], codes[0].astype(np.float32)) == 1


def test_between_equal_mouths_the_nearer_turn_is_chosen(shape: ShapeModel) -> None:
    turns = np.array([[-2.0, 0], [0, 0], [2.0, 0], [0, -2], [0, 2]])
    find_features = ShapeFeatures(shape)
    retriever = Retriever(make_atlas(np.ones((5, 3))), find_features(np.zeros((5, 4)), turns))
    for index, turn in enumerate(turns):
        wanted = find_features(np.zeros((1, 4)), 0.8 * turn[None])
        assert cheapest(retriever, wanted[0], np.ones(3, np.float32)) == index


def test_a_movement_counts_by_how_far_it_moves_the_points_and_once_more_by_the_opening(shape: ShapeModel) -> None:
    frontal = np.zeros((1, 2))
    find_features = ShapeFeatures(shape)
    rest = find_features(np.zeros((1, 4)), frontal)
    for movement in np.eye(4)[:, None] * 1.7:
        moved = shape.inverse_transform(movement)
        distance = np.sqrt(((moved - shape.mean) ** 2).sum(-1).mean())
        opened = 0.5 * (mouth_opening(moved)[0] - mouth_opening(shape.mean))
        counted = np.linalg.norm(find_features(movement, frontal) - rest)
        assert counted == pytest.approx(np.hypot(distance, opened), rel=1e-3)


def test_a_turn_counts_for_less_than_a_movement(shape: ShapeModel) -> None:
    find_features = ShapeFeatures(shape)
    turned = find_features(np.zeros((1, 4)), np.ones((1, 2))) - find_features(np.zeros((1, 4)), np.zeros((1, 2)))
    moved = find_features(np.ones((1, 4)), np.zeros((1, 2))) - find_features(np.zeros((1, 4)), np.zeros((1, 2)))
    assert 0 < np.linalg.norm(turned) < 0.2 * np.linalg.norm(moved)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 99), max_size=30))
def test_others_are_always_among_the_candidates_each_once(others: list[int]) -> None:
    atlas, features = random_pictures(100)
    candidates, costs = Retriever(atlas, features).find(features[[7]], atlas.codes[[7]], np.array(others, np.int64))
    assert set(others) <= set(candidates)
    assert len(set(candidates)) == len(candidates) == len(costs)
    assert N_CANDIDATES <= len(candidates) <= N_CANDIDATES + len(set(others))
    assert candidates[costs.argmin()] == 7


@pytest.mark.parametrize("n_pictures", [1, 2, N_CANDIDATES - 1])
def test_a_small_atlas_offers_all_it_has(n_pictures: int) -> None:
    atlas, features = random_pictures(n_pictures)
    retriever = Retriever(atlas, features)
    for distance in (0, 5, -5):
        found = retriever.find(features[:1] + np.float32(distance), atlas.codes[:1], np.zeros(1, np.int64))
        np.testing.assert_array_equal(found[0], np.arange(n_pictures))
        assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("n_components", [0, 1, 3, 200])
def test_any_number_of_look_components(n_components: int) -> None:
    """Pictures that all look the same have none."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.02, (30, N_FEATURES)).astype(np.float32)
    atlas = make_atlas(rng.normal(size=(30, n_components)))
    candidates, costs = Retriever(atlas, features).find(features[[4]], atlas.codes[[4]], NOBODY)
    assert candidates[costs.argmin()] == 4
    assert np.isfinite(costs).all()
