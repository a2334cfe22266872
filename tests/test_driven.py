"""A still picture moved by a camera as it films: the newest frame first, in order, and told of what goes wrong."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from media_files import tags_of

from hygiesync.apps.cli import main
from hygiesync.devices.camera.camera import CameraFrame
from hygiesync.errors import InputError
from hygiesync.live.driven import DrivenSession, MovedPicture
from hygiesync.media.images import write_png
from hygiesync.media.video import VideoWriter, probe
from hygiesync.synthetic.portrait import Portrait


class _Frames:
    """A camera that has seen all its frames already; the number of each is its brightness."""

    name, size, fps, n_dropped = "made", (2, 2), Fraction(25), 0

    def __init__(self, n: int) -> None:
        now_s = time.perf_counter()
        self._left = deque(CameraFrame(np.full((2, 2, 3), k, np.uint8), now_s) for k in range(n))

    @property
    def has_ended(self) -> bool:
        return not self._left

    def start(self) -> None:
        pass

    def read(self, timeout_s: float) -> CameraFrame | None:
        return self._left.popleft() if self._left else None

    def close(self) -> None:
        self._left.clear()


class _Mover:
    size, n_workers = (2, 2), 2

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.fault: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def begin_anew(self) -> None:
        pass

    def close(self) -> None:
        pass

    def __call__(self, image: np.ndarray, time_s: float) -> np.ndarray | None:
        self.may_go_on.wait(10)
        if self.fault is not None:
            raise self.fault
        self.seen.append(int(image[0, 0, 0]))
        return image + 100 if image[0, 0, 0] else None


def taken(session: DrivenSession) -> list[MovedPicture]:
    """Everything that comes out until the end."""
    pictures: list[MovedPicture] = []
    while not session.is_finished or not pictures:
        moved = session.take(10)
        if moved is None:
            break
        pictures.append(moved)
        session.shown(moved)
    return pictures


def test_the_newest_frame_is_moved_and_older_ones_are_left_out() -> None:
    mover = _Mover()
    session = DrivenSession(_Frames(50), mover)
    session.start()
    pictures = taken(session)
    session.stop()
    assert [int(moved.picture[0, 0, 0]) for moved in pictures] == [149]
    assert mover.seen == [49]
    result = session.result()
    assert (result["n_pictures"], result["n_frames_skipped"]) == (1, 49)
    assert result["latency_ms"]["p50"] > 0


def test_nothing_is_shown_before_there_is_something_to_be_moved_by() -> None:
    session = DrivenSession(_Frames(1), _Mover())
    session.start()
    assert session.take(10) is None
    session.stop()
    assert session.result()["n_pictures"] == 0


def test_a_fault_in_the_threads_is_heard() -> None:
    mover = _Mover()
    mover.fault = InputError("made: the model can't be run")
    session = DrivenSession(_Frames(3), mover)
    session.start()
    with pytest.raises(InputError, match="can't be run"):
        session.take(10)
    session.stop()


def test_stopping_waits_for_what_is_under_way() -> None:
    mover = _Mover()
    mover.may_go_on.clear()
    session = DrivenSession(_Frames(1), mover)
    session.start()
    threading.Timer(0.1, mover.may_go_on.set).start()
    session.stop()
    assert session.is_finished


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mesh", "first-order"])
def test_a_video_in_place_of_a_camera_moves_a_picture(method: str, tmp_path: Path) -> None:
    portrait, still = Portrait(160), np.array([[1.0, 0, 0], [0, 1, 0]])
    write_png(tmp_path / "face.png", np.ascontiguousarray(portrait.render(0, 0, 0, still)[0][:, ::-1]))
    with VideoWriter(tmp_path / "driving.mp4", 160, 160, Fraction(10)) as writer:
        for number in range(8):
            writer.write(portrait.render(number % 4 / 4, 0, 0, still)[0], Fraction(number, 10))
    record, measured = tmp_path / "moved.mp4", tmp_path / "measured.json"
    command = ["live", str(tmp_path / "face.png"), "--drive", str(tmp_path / "driving.mp4"), "--method", method]
    command += ["--no-window", "--record", str(record), "--json", str(measured), "--i-have-consent"]
    assert main(command) == 0
    result = json.loads(measured.read_text())
    assert 1 <= result["n_pictures"] <= 8
    assert result["latency_ms"]["p95"] > 0
    info = probe(record)
    assert (info.width, info.height) == (160, 160)
    assert "video-driven" in tags_of(record)["description"]


def test_what_can_t_drive_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "face.png", np.zeros((64, 64, 3), np.uint8))
    picture = str(tmp_path / "face.png")
    for arguments, code, said in (
        (["--drive", "0"], 2, "expected a picture for --drive"),
        ([picture, "--drive", "nowhere/film.mp4", "--method", "first-order"], 3, "no such video file"),
        ([picture, "--drive", "0", "--method", "first-order:nowhere"], 3, "has no first_order.json"),
        ([picture, "--drive", "0"], 3, "no face was found"),
        ([picture, "--drive", "0", "--duration", "0"], 2, "--duration"),
    ):
        assert main(["live", *arguments, "--no-window"]) == code
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error
