"""Where a picture ends below, the body is held."""

import numpy as np
import pytest

from hygiesync.face.landmarks import find_faces
from hygiesync.portrait.lower_edge import LowerEdge
from hygiesync.portrait.parts import CHIN, eye_distance
from hygiesync.portrait.surroundings import Surroundings
from hygiesync.synthetic.portrait import Portrait

SIDE = 240
REST = np.array([[1.0, 0, 0], [0, 1, 0]])


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return find_faces(Portrait(SIDE).render(0, 0, 0, REST)[0])[0]


@pytest.fixture(scope="module")
def around(face: np.ndarray) -> np.ndarray:
    return Surroundings(face).vertices


def test_a_body_that_rises_is_stretched_and_brings_no_edge_into_view(face: np.ndarray, around: np.ndarray) -> None:
    unit, height = float(eye_distance(face)), round(face[CHIN, 1] + 2 * float(eye_distance(face)))
    held = LowerEdge(face, around, height).hold(around - (0, 0.5 * unit, 0))
    rise = around[:, 1] - held[:, 1]
    assert rise[around[:, 1] >= height - 1].max() < 0.15 * unit
    np.testing.assert_allclose(rise[around[:, 1] < face[CHIN, 1]], 0.5 * unit)
    # what lay lower still does
    rings = held.reshape(-1, 36, 3)[:, :, 1]
    order = np.argsort(around.reshape(-1, 36, 3)[:, :, 1], axis=0)
    assert (np.diff(np.take_along_axis(rings, order, 0), axis=0) > -1e-9).all()


@pytest.mark.parametrize(("rise", "below"), [(0.05, 2.0), (-0.5, 2.0), (0.5, 0.1)])
def test_small_rises_sinking_bodies_and_chins_at_the_edge_are_left_alone(
    rise: float, below: float, face: np.ndarray, around: np.ndarray
) -> None:
    unit = float(eye_distance(face))
    moved = around - (0, rise * unit, 0)
    np.testing.assert_array_equal(LowerEdge(face, around, round(face[CHIN, 1] + below * unit)).hold(moved), moved)
