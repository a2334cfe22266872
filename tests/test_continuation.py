"""A person continued beyond their picture's edges: hair stays hair, and a cut head is closed."""

import cv2
import numpy as np
import pytest

from hygiesync.face.landmarks import find_faces, mesh_triangles
from hygiesync.portrait.continuation import continued
from hygiesync.portrait.head import HeadMotion, pivot_of
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.painter import PortraitPainter
from hygiesync.portrait.parts import eye_distance
from hygiesync.portrait.transfer import MotionTransfer
from hygiesync.synthetic.portrait import Portrait

HAIR, SKIN, WALL = np.array([60, 35, 20]), np.array([220, 170, 150]), np.array([40, 90, 200])
REST = np.array([[1.0, 0, 0], [0, 1, 0]])
UPPER_EDGE = 45
"""Where the head is cut: through the hair, above the forehead."""


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """Landmarks of a face 400 pixels high, moved to where a picture that is cut begins."""
    return find_faces(Portrait(400).render(0, 0, 0, REST)[0])[0] - (0, UPPER_EDGE, 0)


@pytest.fixture(scope="module")
def layers(face: np.ndarray) -> Layers:
    """A head of two colours before a wall, cut by the upper edge."""
    height, width = 400 - UPPER_EDGE, 400
    middle, half = face[:468, :2].mean(0), np.ptp(face[:468, :2], axis=0) / 2
    alpha, hairline = np.zeros((height, width), np.uint8), middle[1] - 1.08 * half[1]
    centre, axes = (tuple(np.rint(place).astype(int)) for place in (middle, half * (1.4, 1.9)))
    cv2.ellipse(alpha, centre, axes, 0, 0, 360, 255, -1)
    assert hairline > 4, "the picture shows some hair"
    assert (alpha[0] > 0).sum() > 50, "and cuts the head"
    is_hair = np.arange(height)[:, None] < hairline
    person = np.where(is_hair[..., None], HAIR, SKIN) * np.ones((1, width, 1))
    return Layers(person.astype(np.uint8), alpha, np.full((height, width, 3), WALL, np.uint8))


def test_what_is_seen_stays(layers: Layers, face: np.ndarray) -> None:
    around = continued(layers.person, layers.alpha, face)
    inner = np.s_[around.border : -around.border, around.border : -around.border]
    np.testing.assert_array_equal(around.person[inner], layers.person)
    np.testing.assert_array_equal(around.alpha[inner], layers.alpha)


def test_above_hair_there_is_hair_and_no_second_forehead(layers: Layers, face: np.ndarray) -> None:
    around = continued(layers.person, layers.alpha, face)
    above = around.person[: around.border][around.alpha[: around.border] > 200].astype(int)
    assert len(above) > 500
    assert np.abs(above - HAIR).max() < 12


def test_a_cut_head_is_closed(layers: Layers, face: np.ndarray) -> None:
    """The head ends in a dome as wide as the cut, and does not go on to the border's end."""
    around = continued(layers.person, layers.alpha, face)
    widths = (around.alpha[: around.border] > 127).sum(1)
    cut = int((layers.alpha[0] > 127).sum())
    assert widths[-1] == pytest.approx(cut, abs=4)
    assert (np.diff(widths) >= 0).all()
    assert widths[0] == 0


def test_what_the_lower_edge_cuts_goes_on(layers: Layers, face: np.ndarray) -> None:
    around = continued(layers.person, layers.alpha, face)
    inner = slice(around.border, -around.border)
    np.testing.assert_array_equal(around.alpha[-1, inner], layers.alpha[-1])


@pytest.mark.parametrize("shift", [(0, 0.2), (0.15, 0.15), (-0.2, 0.05)])
def test_a_head_that_moves_by_a_fifth_of_its_height_brings_no_edge_along(
    layers: Layers, face: np.ndarray, shift: tuple[float, float]
) -> None:
    """Above the face there is hair, or the wall above the head: neither skin nor a straight edge."""
    image = np.where(layers.alpha[..., None] > 127, layers.person, layers.background)
    painter = PortraitPainter(image, face, layers, mesh_triangles())
    height = np.ptp(face[:, 1])
    moved = HeadMotion(np.eye(3), 1.0, pivot_of(face, float(eye_distance(face))), height * np.array([*shift, 0.0]))
    made = painter.render(MotionTransfer(face, face, 1.0)(moved.apply(face))).astype(int)
    hairline = int(face[:468, 1].min() + height * shift[1] - 0.06 * height)
    above = made[: max(hairline - 4, 1)].reshape(-1, 3)
    distance = np.min([np.abs(above - colour).max(1) for colour in (HAIR, WALL)], axis=0)
    on_the_way = np.abs(np.cross(above - HAIR, WALL - HAIR)).sum(1) / np.abs(WALL - HAIR).sum()
    assert (np.minimum(distance, on_the_way) < 16).mean() > 0.995
