"""Choosing real mouths: the nearest, unless going on from the last one is about as near."""

import numpy as np
import pytest

from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_BOTTOM, LOWER_FACE, LOWER_TOP
from hygiesync.render.atlas import Atlas
from hygiesync.render.retrieval import N_CANDIDATES, Retriever

N_POINTS, N_COMPONENTS = len(LOWER_FACE), 4
FRONTAL = np.zeros(2)


@pytest.fixture(scope="module")
def shape():
    rng = np.random.default_rng(0)
    mean = rng.uniform([-0.5, 0.5], [0.5, 1.3], (N_POINTS, 2))
    mean[LOWER_TOP], mean[LOWER_BOTTOM] = (0, 0.8), (0, 0.9)
    components = rng.normal(0, 1, (N_COMPONENTS, N_POINTS * 2)) * np.array([0.02, 0.015, 0.01, 0.005])[:, None]
    return ShapeModel(mean, np.zeros((2, N_POINTS * 2)), components, np.linalg.pinv(components), np.full(4, 0.25))


def make_atlas(coefficients, frame_numbers=None, turns=None) -> Atlas:
    n = len(coefficients)
    return Atlas(
        pictures=(b"",) * n,
        vertices=np.zeros((n, 1, 2), np.float32),
        coefficients=np.asarray(coefficients, np.float32),
        turns=np.zeros((n, 2), np.float32) if turns is None else np.asarray(turns, np.float32),
        frame_numbers=np.arange(n) * 10 if frame_numbers is None else np.asarray(frame_numbers),
    )


def far_apart(n: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1.5, (n, N_COMPONENTS))


def test_every_picture_is_its_own_nearest(shape):
    atlas = make_atlas(far_apart(200))
    for index in range(len(atlas)):
        retriever = Retriever(atlas, shape)
        assert retriever.next(atlas.coefficients[index], FRONTAL) == index


def test_the_first_choice_is_the_nearest_in_points(shape):
    atlas = make_atlas(far_apart(300))
    wanted = far_apart(320)[300:]
    real = shape.inverse_transform(atlas.coefficients)
    for coefficients in wanted:
        distances = np.sqrt(((real - shape.inverse_transform(coefficients)) ** 2).sum(-1).mean(-1))
        chosen = Retriever(atlas, shape).next(coefficients, FRONTAL)
        assert distances[chosen] <= np.sort(distances)[4]


def test_between_equal_mouths_the_nearer_turn_is_chosen(shape):
    turns = np.array([[-2.0, 0], [0, 0], [2.0, 0]])
    retriever = Retriever(make_atlas(np.zeros((3, N_COMPONENTS)), turns=turns), shape)
    assert retriever.next(np.zeros(N_COMPONENTS), np.array([1.8, 0])) == 2
    retriever.reset()
    assert retriever.next(np.zeros(N_COMPONENTS), np.array([-1.8, 0])) == 0


def test_staying_is_preferred_to_an_equal_jump(shape):
    twins = np.array([[0.0] * N_COMPONENTS, [1e-4] * N_COMPONENTS])
    for first in (0, 1):
        retriever = Retriever(make_atlas(twins, frame_numbers=[0, 100]), shape)
        assert retriever.next(np.full(N_COMPONENTS, 1e-4 * first), FRONTAL) == first
        assert [retriever.next(np.full(N_COMPONENTS, 5e-5), FRONTAL) for _ in range(3)] == [first] * 3


def test_going_on_in_the_video_is_preferred_to_an_equal_jump(shape):
    """Two takes of the same movement: whichever was begun is followed to its end."""
    movement = np.linspace(-2, 2, 12)[:, None] * np.ones(N_COMPONENTS)
    atlas = make_atlas(np.concatenate([movement, movement]), frame_numbers=[*range(12), *range(500, 512)])
    for take in (0, 12):
        nudge = np.where(np.arange(24) // 12 == take // 12, 0, 1e-3)[:, None]
        begun = make_atlas(atlas.coefficients + nudge, atlas.frame_numbers)
        retriever = Retriever(begun, shape)
        assert retriever.next(movement[0], FRONTAL) == take
        others = [retriever.next(step + 7e-4, FRONTAL) for step in movement[1:]]
        assert others == list(range(take + 1, take + 12))


def test_a_far_better_mouth_is_worth_a_jump(shape):
    atlas = make_atlas([[0.0] * 4, [3.0] * 4], frame_numbers=[0, 100])
    retriever = Retriever(atlas, shape)
    assert retriever.next(np.zeros(4), FRONTAL) == 0
    assert retriever.next(np.full(4, 3.0), FRONTAL) == 1


def test_a_neighbour_out_of_the_candidates_is_still_considered(shape):
    """Many pictures lie a hair nearer than the one that follows: following wins all the same."""
    crowd = np.full((N_CANDIDATES + 6, N_COMPONENTS), 0.05)
    coefficients = np.concatenate([[[0.0] * 4, [0.051] * 4], crowd])
    atlas = make_atlas(coefficients, frame_numbers=[0, 1, *range(100, 100 + 10 * len(crowd), 10)])
    retriever = Retriever(atlas, shape)
    assert retriever.next(np.zeros(4), FRONTAL) == 0
    assert retriever.next(np.full(4, 0.05), FRONTAL) == 1


def test_neighbours_in_the_atlas_from_different_takes_are_a_jump(shape):
    close = np.array([[0.0] * 4, [0.02] * 4])
    retriever = Retriever(make_atlas(close, frame_numbers=[0, 300]), shape)
    assert retriever.next(close[0], FRONTAL) == 0
    assert retriever.next(close[1], FRONTAL) == 0


def test_reset_forgets_the_last_choice(shape):
    close = np.array([[0.0] * 4, [0.02] * 4])
    retriever = Retriever(make_atlas(close, frame_numbers=[0, 300]), shape)
    retriever.next(close[0], FRONTAL)
    retriever.reset()
    assert retriever.next(close[1], FRONTAL) == 1


def test_an_atlas_of_one_picture(shape):
    retriever = Retriever(make_atlas(np.zeros((1, 4))), shape)
    assert [retriever.next(np.full(4, value), FRONTAL) for value in (0, 5, -5)] == [0, 0, 0]
