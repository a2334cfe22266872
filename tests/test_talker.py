"""The synthetic talker: what its video shows is what it says is true."""

import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hygiesync.errors import UsageError
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.face.topology import (
    INNER_LIP_BOTTOM,
    INNER_LIP_TOP,
    INNER_LIPS,
    LIPS,
    MOUTH_CORNER_LEFT,
    MOUTH_CORNER_RIGHT,
)
from hygiesync.media.video import probe, read_frames
from hygiesync.portrait.speaking.articulation import LIP_RINGS
from hygiesync.rendering.warp import Box
from hygiesync.synthetic.portrait import Portrait
from hygiesync.synthetic.talker import HELD_OUT, SENTENCES, TalkerTruth, head_poses, make_talker
from hygiesync.timing import video_frame_time

FPS = Fraction(25)
STILL = np.array([[1.0, 0, 0], [0, 1, 0]])
LEFT_EYE, RIGHT_EYE = 263, 33


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait(512)


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TalkerTruth]:
    path = tmp_path_factory.mktemp("talker") / "talker.mp4"
    return path, make_talker(path, sentences=[SENTENCES[1], SENTENCES[3], SENTENCES[9]], seed=3)


@pytest.fixture(scope="module")
def detected(talker: tuple[Path, TalkerTruth]) -> np.ndarray:
    with LandmarkDetector() as detector:
        found = [detector.detect(frame.image) for frame in read_frames(talker[0])]
    seen = [points for points in found if points is not None]
    assert len(seen) == len(found)
    return np.stack(seen)


def relative(landmarks: np.ndarray, one: int, other: int) -> np.ndarray:
    """Distance of two landmarks in each frame, in outer-eye distances."""
    unit = np.linalg.norm(landmarks[:, LEFT_EYE] - landmarks[:, RIGHT_EYE], axis=1)
    return np.linalg.norm(landmarks[:, one] - landmarks[:, other], axis=1) / unit


def lag_in_frames(truth: np.ndarray, seen: np.ndarray) -> float:
    """Delay of `seen` behind `truth`, to a fraction of a frame: the top of the parabola through the correlations."""
    early, on_time, late = (np.corrcoef(truth[5:-5], seen[5 + k : len(seen) - 5 + k])[0, 1] for k in (-1, 0, 1))
    return 0.5 * (early - late) / (early - 2 * on_time + late)


@pytest.mark.slow
def test_video_has_the_promised_frames_and_sound(talker: tuple[Path, TalkerTruth]) -> None:
    path, truth = talker
    info = probe(path)
    assert (info.width, info.height, info.fps, info.has_audio) == (512, 512, FPS, True)
    assert tuple(frame.time_s for frame in read_frames(path)) == truth.times_s
    assert truth.times_s == tuple(video_frame_time(index, FPS) for index in range(len(truth.times_s)))
    assert truth.landmarks.shape == (len(truth.times_s), 478, 2)
    assert abs(float(info.duration_s) - truth.speech.duration_s) < 0.05


def test_detected_opening_follows_the_truth_without_lag(talker: tuple[Path, TalkerTruth], detected: np.ndarray) -> None:
    truth = relative(talker[1].landmarks, INNER_LIP_TOP, INNER_LIP_BOTTOM)
    seen = relative(detected, INNER_LIP_TOP, INNER_LIP_BOTTOM)
    assert np.corrcoef(truth, seen)[0, 1] > 0.95
    assert abs(lag_in_frames(truth, seen)) < 0.25
    assert 0.8 < np.polyfit(truth, seen, 1)[0] < 1.2


def test_detected_width_follows_the_truth(talker: tuple[Path, TalkerTruth], detected: np.ndarray) -> None:
    truth = relative(talker[1].landmarks, MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT)
    seen = relative(detected, MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT)
    assert np.ptp(truth) > 0.1
    assert np.corrcoef(truth, seen)[0, 1] > 0.8


def test_closed_lips_are_seen_closed(talker: tuple[Path, TalkerTruth], detected: np.ndarray) -> None:
    is_closed = talker[1].opening == 0
    assert is_closed.sum() > 30
    seen = relative(detected, INNER_LIP_TOP, INNER_LIP_BOTTOM)
    assert np.median(seen[is_closed]) < 0.005
    assert np.mean(seen[is_closed] < 0.01) > 0.95
    assert seen[is_closed].max() < 0.015
    assert relative(talker[1].landmarks, INNER_LIP_TOP, INNER_LIP_BOTTOM)[is_closed].max() < 0.003


def test_true_landmarks_lie_where_the_face_is(talker: tuple[Path, TalkerTruth], detected: np.ndarray) -> None:
    truth = talker[1].landmarks
    unit = np.linalg.norm(truth[:, LEFT_EYE] - truth[:, RIGHT_EYE], axis=1).mean()
    assert np.linalg.norm(truth - detected, axis=2).mean() < 0.02 * unit
    assert np.linalg.norm(truth - detected, axis=2)[:, list(LIPS)].mean() < 0.03 * unit


def test_eyes_move_with_the_head_alone(talker: tuple[Path, TalkerTruth]) -> None:
    truth = talker[1]
    inverse = np.linalg.inv(truth.poses[:, :, :2])
    eyes = truth.landmarks[:, [RIGHT_EYE, LEFT_EYE]] - truth.poses[:, None, :, 2]
    unmoved = np.einsum("nij,nkj->nki", inverse, eyes)
    np.testing.assert_allclose(unmoved, np.broadcast_to(unmoved[0], unmoved.shape), atol=0.05)
    assert np.ptp(truth.landmarks[:, LEFT_EYE], axis=0).max() > 2


@pytest.mark.slow
def test_same_seed_same_video_other_seed_another(tmp_path: Path) -> None:
    def talk(name: str, seed: int) -> tuple[TalkerTruth, np.ndarray]:
        truth = make_talker(tmp_path / name, sentences=["Papa."], seed=seed, size=256)
        return truth, np.stack([frame.image for frame in read_frames(tmp_path / name)])

    (one, one_frames), (same, same_frames), (other, _) = talk("a.mp4", 1), talk("b.mp4", 1), talk("c.mp4", 2)
    np.testing.assert_array_equal(one.landmarks, same.landmarks)
    np.testing.assert_array_equal(one.speech.samples, same.speech.samples)
    np.testing.assert_array_equal(one_frames, same_frames)
    assert not np.array_equal(one.landmarks[:20], other.landmarks[:20])


def test_progress_counts_every_frame(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    truth = make_talker(tmp_path / "a.mp4", sentences=["Papa."], size=128, progress=lambda *done: calls.append(done))
    n_frames = len(truth.times_s)
    assert calls == [(index + 1, n_frames) for index in range(n_frames)]


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the talker may not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert Portrait(256).render(0.5, 0, 0, STILL)[0].shape == (256, 256, 3)


@pytest.mark.parametrize("shape", [(1, 0, 0), (1, 1, 0), (0.3, -1, 0), (0.8, -0.8, 0), (0.1, 0, 1), (0, 1, 0)])
def test_no_triangle_folds(portrait: Portrait, shape: tuple[float, float, float]) -> None:
    def doubled_areas(vertices: np.ndarray) -> np.ndarray:
        first, second, third = (vertices[portrait.triangles[:, corner]] for corner in range(3))
        return np.cross(second - first, third - first)

    open_mouth = doubled_areas(portrait.vertices(0.5, 0, 0))
    area = doubled_areas(portrait.vertices(*shape)) * np.sign(open_mouth)
    # Between closed lips flat triangles may turn over, by less than anyone can see.
    assert area.min() > -4
    is_skin = ~np.isin(portrait.triangles, LIP_RINGS[1:]).any(axis=1)
    assert area[is_skin].min() > 0


def test_background_and_eyes_are_not_dragged_along(portrait: Portrait) -> None:
    closed, landmarks = portrait.render(0, 0, 0, STILL)
    opened, _ = portrait.render(1, 0.5, 0, STILL)
    moved = np.abs(closed.astype(int) - opened).max(axis=2) > 8
    unit = landmarks[LEFT_EYE, 0] - landmarks[RIGHT_EYE, 0]
    rows, columns = np.nonzero(moved)
    assert moved.sum() > 2000
    assert rows.min() > landmarks[[RIGHT_EYE, LEFT_EYE], 1].max() + 0.1 * unit
    assert columns.min() > landmarks[:, 0].min() - 0.2 * unit and columns.max() < landmarks[:, 0].max() + 0.2 * unit


@pytest.mark.parametrize("width", [-1, -0.9, -0.5, 0, 0.5, 1])
def test_closed_lips_show_no_stray_bright_pixels(portrait: Portrait, width: float) -> None:
    tilted = np.array([[1, 0.03, -4], [-0.03, 1, 9]])
    image, landmarks = portrait.render(0, width, 0, tilted)
    seam = image[Box.around(landmarks[list(INNER_LIPS)], (512, 512), margin=2).slices].mean(axis=2)
    height, columns = seam.shape
    shifts = [(down, right) for down in range(3) for right in range(3) if (down, right) != (1, 1)]
    brightest_neighbour = np.max([seam[y : height - 2 + y, x : columns - 2 + x] for y, x in shifts], axis=0)
    assert (seam[1:-1, 1:-1] - brightest_neighbour).max() < 12


def test_open_mouth_is_dark_inside_with_teeth_above(portrait: Portrait) -> None:
    image, landmarks = portrait.render(1, 0, 0, STILL)
    top, bottom = landmarks[INNER_LIP_TOP], landmarks[INNER_LIP_BOTTOM]
    column = [image[tuple(np.rint(top + share * (bottom - top)).astype(int)[::-1])] for share in (0.3, 0.75)]
    teeth, cavity = (colour.astype(float) for colour in column)
    assert teeth.min() > 110 and np.ptp(teeth) < 60
    assert cavity.mean() < 90 and cavity[0] > cavity[1]


def test_head_motion_stays_in_its_bounds() -> None:
    times = np.arange(0, 120, 0.04)
    poses = head_poses(times, np.array([256.0, 256.0]), 512, np.random.default_rng(0))
    scale = np.hypot(poses[:, 0, 0], poses[:, 1, 0])
    turn = np.rad2deg(np.arctan2(poses[:, 1, 0], poses[:, 0, 0]))
    assert 1.5 < np.abs(turn).max() <= 3 and 0.01 < np.abs(scale - 1).max() <= 0.02
    centre = poses[:, :, :2] @ [256, 256] + poses[:, :, 2]
    assert np.abs(centre - 256).max() <= 0.015 * 512
    assert np.abs(np.diff(turn)).max() < 0.5


def test_held_out_sentences_are_new() -> None:
    assert len(SENTENCES) >= 24 and len(HELD_OUT) >= 2
    assert not set(HELD_OUT) & set(SENTENCES)


@pytest.mark.parametrize("sentences", [0, 99, [], "one text"])
def test_wrong_sentences_are_refused(tmp_path: Path, sentences: object) -> None:
    with pytest.raises(UsageError, match="sentences"):
        make_talker(tmp_path / "a.mp4", sentences=sentences)  # type: ignore[arg-type]


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 128 pixels"):
        Portrait(64)
