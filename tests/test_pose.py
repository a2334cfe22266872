"""Head pose: similarities are exact, head motion never enters the canonical face, and turning is told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.face.pose import (
    PoseModel,
    apply_similarity,
    fit_similarity,
    invert_similarity,
    similarity_scale,
)
from hygiesync.face.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, RIGID

RNG = np.random.default_rng(3)
POINTS = RNG.normal(0, 50, (14, 2))
EYES = [RIGID.index(RIGHT_EYE_OUTER), RIGID.index(LEFT_EYE_OUTER)]

# Eyes, bridge, forehead and temples of a head in 3-D, in the order of RIGID; one unit between the outer eye corners.
HEAD = np.array([
    [-0.5, 0, 0], [-0.17, 0, -0.08], [0.17, 0, -0.08], [0.5, 0, 0], [0, 0, -0.18], [0, 0.1, -0.22], [0, 0.2, -0.3],
    [0, 0.3, -0.38], [0, -0.1, -0.2], [0, -0.06, -0.2], [0, -0.4, -0.22], [0, -0.6, -0.15], [-0.75, -0.05, 0.4],
    [0.75, -0.05, 0.4],
])  # fmt: skip


def similarity(
    scale: float, degrees: float, shift: tuple[float, float] | np.ndarray | tuple[int, int] = (0.0, 0.0)
) -> np.ndarray:
    a, b = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[a, -b, shift[0]], [b, a, shift[1]]])


def seen(yaw: float, pitch: float = 0.0) -> np.ndarray:
    """The head turned by angles in degrees, seen from far away: rigid points (14, 2), one unit for the eyes."""
    (cy, sy), (cp, sp) = ((np.cos(np.radians(angle)), np.sin(np.radians(angle))) for angle in (yaw, pitch))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return (HEAD @ turn.T)[:, :2]


def video(n_frames: int = 300, seed: int = 0) -> np.ndarray:
    """Rigid points in pixels of a head that nods, turns and wanders."""
    rng = np.random.default_rng(seed)
    frames = np.array([seen(*angles) for angles in rng.normal(0, [8, 4], (n_frames, 2))])
    moves = [similarity(rng.uniform(90, 110), rng.normal(0, 5), rng.normal(250, 20, 2)) for _ in frames]
    return apply_similarity(np.array(moves), frames)


@given(st.floats(0.01, 100), st.floats(-180, 180), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_a_similarity_is_found_exactly(scale: float, degrees: float, x: float, y: float) -> None:
    matrix = similarity(scale, degrees, (x, y))
    found = fit_similarity(POINTS, apply_similarity(matrix, POINTS))
    np.testing.assert_allclose(found, matrix, rtol=1e-9, atol=1e-9 * (1 + abs(x) + abs(y)))


def test_mirrored_points_are_not_met_by_mirroring() -> None:
    found = fit_similarity(POINTS, POINTS * [-1, 1])
    a, b = found[0, 0], found[1, 0]
    np.testing.assert_allclose(found[:, :2], [[a, -b], [b, a]])
    assert np.linalg.det(found[:, :2]) >= 0


def test_no_similarity_is_nearer_to_noisy_points() -> None:
    target = apply_similarity(similarity(2, 30, (5, -3)), POINTS) + np.random.default_rng(1).normal(0, 5, POINTS.shape)
    best = fit_similarity(POINTS, target)

    def distance(matrix: np.ndarray) -> float:
        return ((apply_similarity(matrix, POINTS) - target) ** 2).sum()

    nudges = np.random.default_rng(2).normal(0, 1e-3, (200, 4))
    others = [best + np.array([[da, -db, dx], [db, da, dy]]) for da, db, dx, dy in nudges]
    assert distance(best) < min(map(distance, others))
    np.testing.assert_allclose(best[:, :2], similarity(2, 30)[:, :2], atol=0.1)


def test_one_target_serves_many_sources() -> None:
    sources = RNG.normal(0, 50, (5, 14, 2))
    together = fit_similarity(sources, POINTS)
    assert together.shape == (5, 2, 3)
    np.testing.assert_allclose(together, [fit_similarity(source, POINTS) for source in sources])


def test_inverse_undoes_and_scale_is_the_scale() -> None:
    matrices = np.stack([similarity(0.2, 100, (1, 2)), similarity(30, -20, (-500, 7))])
    np.testing.assert_allclose(similarity_scale(matrices), [0.2, 30])
    points = np.broadcast_to(POINTS, (2, *POINTS.shape))
    back = apply_similarity(invert_similarity(matrices), apply_similarity(matrices, points))
    np.testing.assert_allclose(back, points, atol=1e-9)


def test_the_canonical_face_has_its_eyes_one_unit_apart_and_level() -> None:
    np.testing.assert_allclose(PoseModel.fit(video()).reference[EYES], [[-0.5, 0], [0.5, 0]], atol=1e-12)


def test_moving_the_head_in_the_picture_changes_nothing_in_the_canonical_face() -> None:
    model, still = PoseModel.fit(video()), video(1, seed=9)[0]
    move = similarity(1.7, 25, (300, -80))
    moved = apply_similarity(move, still)
    canonical = [apply_similarity(model.to_canonical(points), points) for points in (still, moved)]
    np.testing.assert_allclose(canonical[1], canonical[0], atol=1e-9)
    np.testing.assert_allclose(model.turn(moved), model.turn(still), atol=1e-6)


def test_turn_grows_with_yaw_to_either_side() -> None:
    model = PoseModel.fit(video())
    yaw = model.turn(np.array([100.0 * seen(angle) for angle in range(-30, 31, 5)]))[:, 0]
    steps = np.diff(yaw)
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert np.abs(yaw[0]) > 2
    assert np.abs(yaw[-1]) > 2
    assert yaw[0] * yaw[-1] < 0


def test_pitch_is_told_from_yaw() -> None:
    model = PoseModel.fit(video())
    nod = model.turn(100.0 * seen(0, 10)) - model.turn(100.0 * seen(0, -10))
    shake = model.turn(100.0 * seen(10)) - model.turn(100.0 * seen(-10))
    assert abs(nod[1]) > 5 * abs(nod[0])
    assert abs(shake[0]) > 5 * abs(shake[1])


def test_turns_of_the_training_video_have_deviation_one() -> None:
    frames = video()
    np.testing.assert_allclose(PoseModel.fit(frames).turn(frames).std(0), [1, 1], rtol=1e-6)


def test_the_reference_itself_is_not_turned() -> None:
    model = PoseModel.fit(video())
    np.testing.assert_allclose(model.turn(100 * model.reference), 0, atol=1e-9)


def test_a_head_that_never_turns_gives_a_model_all_the_same() -> None:
    frames = np.array([apply_similarity(similarity(100, angle, (200, 200)), seen(0)) for angle in range(10)])
    model = PoseModel.fit(frames)
    assert np.isfinite(model.turn(frames)).all()


@pytest.mark.parametrize("n_frames", [1, 2])
def test_a_model_of_hardly_any_frames_is_finite(n_frames: int) -> None:
    assert np.isfinite(PoseModel.fit(video(n_frames)).turn(video(3))).all()
