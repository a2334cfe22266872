"""What a driving person does beyond the face, on a textured figure whose head and torso are moved apart."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from present import present

from hygiesync.face.landmarks import find_faces, mesh_triangles
from hygiesync.portrait.body import BodyMotion
from hygiesync.portrait.driving import DrivingFrame
from hygiesync.portrait.parts import CHIN, EYES, OVAL, eye_distance
from hygiesync.portrait.reference_flow import CELL_PX, ReferenceFlow
from hygiesync.portrait.surroundings import Surroundings
from hygiesync.portrait.transfer import FaceTarget, MotionTransfer
from hygiesync.synthetic.portrait import Portrait

SIDE = 400
REST = np.array([[1.0, 0, 0], [0, 1, 0]])


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    image, _ = Portrait(SIDE).render(0, 0, 0, REST)
    return find_faces(image)[0]


@pytest.fixture(scope="module")
def figure() -> np.ndarray:
    """Cloth and hair all over: flow has something to hold on to."""
    noise = np.random.default_rng(0).normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.dstack([np.clip(128 + 50 * noise / noise.std(), 0, 255).astype(np.uint8)] * 3)


@pytest.fixture
def body(figure: np.ndarray, face: np.ndarray) -> BodyMotion:
    return BodyMotion(figure, face, np.ones((SIDE, SIDE), np.float32), face, mesh_triangles())


def moved(figure: np.ndarray, face: np.ndarray, head: float, torso: float) -> np.ndarray:
    """The figure with its head and its torso shifted to the right by so many pixels, the neck bent between."""
    unit = float(eye_distance(face))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    share = np.clip((y - face[CHIN, 1]) / (0.4 * unit), 0, 1)
    return cv2.remap(figure, x - head - share * (torso - head), y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def run(
    body: BodyMotion, figure: np.ndarray, face: np.ndarray, head: float, torso: float, is_seen: bool = True
) -> FaceTarget:
    """Target after a few frames of the motion."""
    image, landmarks = moved(figure, face, head, torso), face + np.array([head, 0, 0])
    transfer = MotionTransfer(face, face, 1.0)
    for number in range(4):
        frame = DrivingFrame(image, Fraction(number, 25), landmarks, is_seen)
        target = body.carry(transfer(landmarks), frame)
    return target


def torso_motion(face: np.ndarray, target: FaceTarget) -> np.ndarray:
    """Motion (n, 2) of the vertices on the shoulders, within the picture."""
    around, unit = Surroundings(face), float(eye_distance(face))
    place = around.vertices
    on_torso = (place[:, 1] > face[CHIN, 1] + 0.5 * unit) & (place[:, 1] < SIDE - 5)
    on_torso &= np.abs(place[:, 0] - face[CHIN, 0]) < 1.2 * unit
    assert on_torso.sum() > 5
    return (around.move(target) - place)[on_torso, :2]


@pytest.mark.parametrize(("head", "torso"), [(9.0, 0.0), (9.0, 9.0), (0.0, -7.0)])
def test_shoulders_do_what_the_driving_persons_do(
    head: float, torso: float, body: BodyMotion, figure: np.ndarray, face: np.ndarray
) -> None:
    motion = torso_motion(face, run(body, figure, face, head, torso))
    np.testing.assert_allclose(np.median(motion, 0), (torso, 0), atol=0.8)


def test_the_inner_face_is_left_to_its_landmarks(body: BodyMotion, figure: np.ndarray, face: np.ndarray) -> None:
    target = run(body, figure, face, 9.0, 0.0)
    eyes = np.ravel(EYES)
    np.testing.assert_allclose(target.landmarks[eyes], face[eyes] + (9.0, 0, 0), atol=0.3)
    outline = target.landmarks[list(OVAL), 0] - face[list(OVAL), 0]
    assert np.median(outline) == pytest.approx(9.0, abs=1.0)


def test_a_larger_source_moves_further(figure: np.ndarray, face: np.ndarray) -> None:
    source = 2.0 * face
    body = BodyMotion(figure, face, np.ones((SIDE, SIDE), np.float32), source, mesh_triangles())
    frame = DrivingFrame(moved(figure, face, 0.0, -7.0), Fraction(0), face, True)
    for _ in range(4):
        target = body.carry(MotionTransfer(source, face, 1.0)(face), frame)
    low = Surroundings(source).vertices[:, 1].argsort()[-40:]
    assert np.median(present(target.drift)[low, 0]) == pytest.approx(-14.0, abs=1.6)


def test_what_looks_like_nothing_known_moves_nothing(body: BodyMotion, figure: np.ndarray, face: np.ndarray) -> None:
    other = np.ascontiguousarray(255 - figure[::-1])
    frame = DrivingFrame(other, Fraction(0), face, True)
    target = body.carry(MotionTransfer(face, face, 1.0)(face), frame)
    assert np.abs(present(target.drift)).max() < 0.35 * eye_distance(face)


def test_out_of_sight_the_drift_is_held(body: BodyMotion, figure: np.ndarray, face: np.ndarray) -> None:
    before = run(body, figure, face, 0.0, -7.0).drift
    after = run(body, np.zeros_like(figure), face, 0.0, 0.0, is_seen=False).drift
    np.testing.assert_array_equal(present(before), present(after))


def test_in_anothers_face_the_flow_bends_nothing_in_ones_own_it_corrects_the_detector(
    figure: np.ndarray, face: np.ndarray
) -> None:
    nose, unit = 4, float(eye_distance(face))
    slip = np.array([0.03 * unit, 0.0, 0.0])
    found = []
    for is_own in (False, True):
        body = BodyMotion(figure, face, np.ones((SIDE, SIDE), np.float32), face, mesh_triangles(), is_own=is_own)
        for number in range(4):
            # the picture stands still, and the detector says that the head has moved
            frame = DrivingFrame(figure, Fraction(number, 25), face + slip, True)
            target = body.carry(MotionTransfer(face, face, 1.0)(face + slip), frame)
        found.append(target.landmarks[nose, 0] - face[nose, 0])
    assert found[0] == pytest.approx(slip[0], abs=0.1 * slip[0])
    assert abs(found[1]) < 0.25 * slip[0]


def test_small_steps_find_a_motion_to_a_tenth_of_a_pixel(figure: np.ndarray) -> None:
    grey = figure[:, :, 0]
    rows = SIDE // CELL_PX
    flow = ReferenceFlow(grey, np.ones_like(grey, np.float32), np.zeros((rows, rows), bool), 1.0)
    shift = np.array([0.7, -0.4], np.float32)
    moved_grey = cv2.warpAffine(grey, np.column_stack([np.eye(2), shift]), (SIDE, SIDE), flags=cv2.INTER_CUBIC)
    found = np.zeros((rows, rows, 2), np.float32)
    for _ in range(2):
        found = flow.nearer(moved_grey, found)
    inner = found[5:-5, 5:-5]
    np.testing.assert_allclose(np.median(inner, (0, 1)), shift, atol=0.1)
    assert np.abs(inner - shift).mean() < 0.1


def test_where_nothing_is_to_be_seen_a_small_step_is_none() -> None:
    grey = np.full((64, 64), 128, np.uint8)
    flow = ReferenceFlow(grey, np.ones((64, 64), np.float32), np.zeros((16, 16), bool), 1.0)
    found = flow.nearer(grey + np.uint8(9), np.full((16, 16, 2), 1.5, np.float32))
    np.testing.assert_allclose(found, 1.5)
