"""Cameras: a file stands in for one in real time, and webcams are found, stamped and lost in the open."""

import struct
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import cv2
import numpy as np
import pytest
from present import present

from hygiesync.devices.camera import camera, listing
from hygiesync.devices.camera.camera import CameraFrame, FileCamera, Webcam, open_camera, taken_at
from hygiesync.devices.camera.listing import CameraDevice, find_camera, list_cameras
from hygiesync.errors import InputError, MissingDependencyError, UsageError
from hygiesync.media.video import VideoWriter

N_PICTURES = 20

CAPTURES, METADATA = 0x04200001, 0x04A00000
"""What V4L2 says of a device that gives pictures, and of the one beside it."""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures at 20 a second, each brighter than the one before."""
    path = tmp_path_factory.mktemp("camera") / "ramp.mp4"
    with VideoWriter(path, 64, 48, Fraction(20)) as writer:
        for number in range(N_PICTURES):
            writer.write(np.full((48, 64, 3), 40 + 8 * number, np.uint8), Fraction(number, 20))
    return path


def read_all(source: FileCamera) -> list[CameraFrame]:
    frames = []
    while not source.has_ended:
        frame = source.read(0.5)
        if frame is not None:
            frames.append(frame)
    return frames


class TestFileCamera:
    @pytest.mark.slow
    def test_plays_every_picture_at_its_time(self, video: Path) -> None:
        source = FileCamera(video)
        source.start()
        began_s = time.perf_counter()
        frames = read_all(source)
        took_s = time.perf_counter() - began_s
        source.close()
        assert (source.size, source.fps, source.name) == ((64, 48), Fraction(20), "ramp.mp4")
        assert source.n_dropped == 0
        levels = [frame.image.mean() for frame in frames]
        np.testing.assert_allclose(levels, 40 + 8 * np.arange(N_PICTURES), atol=3)
        np.testing.assert_allclose(np.diff([frame.host_s for frame in frames]), 0.05, atol=1e-9)
        assert frames[0].host_s == source.begins_s
        assert took_s > 0.05 * (N_PICTURES - 2)  # in real time, not as fast as it decodes

    @pytest.mark.slow
    def test_nothing_comes_before_its_time(self, video: Path) -> None:
        source = FileCamera(video)
        source.start()
        try:
            while (frame := source.read(1.0)) is not None:
                assert frame.host_s <= time.perf_counter()
        finally:
            source.close()
        assert source.has_ended

    def test_it_may_be_in_time_with_something_else(self, video: Path) -> None:
        source = FileCamera(video)
        source.begins_s = time.perf_counter() - 0.4
        source.start()
        frames = read_all(source)
        source.close()
        assert [frames[0].host_s, len(frames)] == [source.begins_s, N_PICTURES]

    @pytest.mark.slow
    def test_a_late_reader_loses_the_oldest_and_is_told(self, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(camera, "MAX_WAITING", 4)
        source = FileCamera(video)
        source.start()
        time.sleep(0.05 * N_PICTURES + 0.2)
        frames = read_all(source)
        source.close()
        assert len(frames) == 4
        assert frames[-1].image.mean() == pytest.approx(40 + 8 * (N_PICTURES - 1), abs=3)
        assert source.n_dropped == N_PICTURES - 4

    def test_closing_early_ends_it(self, video: Path) -> None:
        source = FileCamera(video)
        source.start()
        assert source.read(1.0) is not None
        source.close()
        source.close()
        assert len(read_all(source)) < N_PICTURES

    def test_a_damaged_end_is_told_where_it_is_read(self, video: Path, tmp_path: Path) -> None:
        cut = tmp_path / "cut.mp4"
        content = video.read_bytes()
        cut.write_bytes(content[: len(content) * 6 // 10])
        source = FileCamera(cut)
        with pytest.raises(InputError):
            source.start()
            read_all(source)
        source.close()

    def test_no_such_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(camera, "list_cameras", list)
        with pytest.raises(InputError, match="no such video file"):
            open_camera("nowhere/film.mp4")


class FakeCapture:
    """OpenCV's capture of a camera that gives `n` pictures and is unplugged then."""

    def __init__(self, n: int, stamp_s: float | None = None) -> None:
        self.n, self.stamp_s, self.is_released = n, stamp_s, False

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, *_: object) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(0.002)
        self.n -= 1
        return (True, np.full((36, 64, 3), (10, 20, 200), np.uint8)) if self.n >= 0 else (False, None)

    def get(self, prop: int) -> float:
        if prop == cv2.CAP_PROP_POS_MSEC:
            return 0.0 if self.stamp_s is None else 1000 * (time.perf_counter() - self.stamp_s)
        return 0.0

    def release(self) -> None:
        self.is_released = True


class TestWebcam:
    def open(self, monkeypatch: pytest.MonkeyPatch, capture: FakeCapture) -> Webcam:
        monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
        monkeypatch.setattr(camera, "LOST_AFTER_S", 0.1)
        webcam = Webcam(CameraDevice(0, "Laptop"))
        webcam.start()
        return webcam

    def test_pictures_are_rgb_and_carry_the_drivers_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        webcam = self.open(monkeypatch, FakeCapture(8, stamp_s=0.04))
        frame = webcam.read(1.0)
        assert (webcam.size, webcam.fps) == ((64, 36), Fraction(30))
        assert tuple(present(frame).image[0, 0]) == (200, 20, 10)
        assert time.perf_counter() - present(frame).host_s >= 0.04
        webcam.close()

    def test_unplugging_is_told_after_what_was_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        capture = FakeCapture(4)
        webcam = self.open(monkeypatch, capture)
        assert [webcam.read(1.0) is not None for _ in range(3)] == [True] * 3
        with pytest.raises(MissingDependencyError, match="Laptop is gone"):
            webcam.read(5.0)
        webcam.close()
        assert capture.is_released

    def test_one_that_gives_nothing_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        capture = FakeCapture(0)
        with pytest.raises(MissingDependencyError, match="gives no picture"):
            self.open(monkeypatch, capture)
        assert capture.is_released

    @pytest.mark.parametrize(("stamp_s", "expected"), [(9.97, 9.97), (10.0, 10.0), (10.2, 10.0), (3.0, 10.0), (0, 10)])
    def test_only_stamps_of_our_clock_are_believed(self, stamp_s: float, expected: float) -> None:
        assert taken_at(stamp_s, 10.0) == expected


class TestFinding:
    CAMERAS = (CameraDevice(0, "Laptop Camera"), CameraDevice(2, "USB Camera"))

    def find(self, monkeypatch: pytest.MonkeyPatch, text: str | None, cameras: Sequence[CameraDevice] = CAMERAS) -> int:
        monkeypatch.setattr(listing, "list_cameras", lambda: list(cameras))
        return find_camera(text).index

    def test_by_default_number_and_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert [self.find(monkeypatch, text) for text in (None, "2", "usb", "Laptop")] == [0, 2, 2, 0]

    @pytest.mark.parametrize(
        ("text", "cameras", "error", "words"),
        [
            ("camera", CAMERAS, UsageError, "2 USB Camera"),
            ("7", CAMERAS, MissingDependencyError, "0 Laptop Camera, 2 USB Camera"),
            (None, (), MissingDependencyError, "as `camera`"),
        ],
    )
    def test_what_is_meant_by_none_or_several(
        self,
        monkeypatch: pytest.MonkeyPatch,
        text: str | None,
        cameras: Sequence[CameraDevice],
        error: type[MissingDependencyError] | type[UsageError],
        words: str,
    ) -> None:
        with pytest.raises(error, match=words):
            self.find(monkeypatch, text, cameras)

    def plug_in(self, monkeypatch: pytest.MonkeyPatch, folder: Path, devices: dict[int, tuple[str, int]]) -> None:
        """Make a Linux whose video devices have these numbers, names and capabilities."""
        (folder / "sys").mkdir()
        (folder / "dev").mkdir()
        for number, (name, _) in devices.items():
            (folder / "sys" / f"video{number}").mkdir()
            (folder / "sys" / f"video{number}" / "name").write_text(name)
            (folder / "dev" / f"video{number}").touch()

        def ioctl(device: IO[bytes], request: int, answer: bytearray) -> None:
            assert request == 0x80685600
            _, flags = devices[int(Path(device.name).name[5:])]
            struct.pack_into("=16s32s32s3I", answer, 0, b"uvcvideo", b"Camera", b"usb-1", 0x60000, 0x84A00001, flags)

        monkeypatch.setattr(listing, "VIDEO4LINUX", folder / "sys")
        monkeypatch.setattr(listing, "DEVICES", folder / "dev")
        monkeypatch.setattr(listing, "is_linux", lambda: True)
        monkeypatch.setitem(sys.modules, "fcntl", SimpleNamespace(ioctl=ioctl))

    def test_video4linux_names_and_leaves_out_metadata(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        devices = {10: ("Second\n", CAPTURES), 0: ("First\n", CAPTURES), 1: ("First metadata\n", METADATA)}
        self.plug_in(monkeypatch, tmp_path, devices)
        assert list_cameras() == [CameraDevice(0, "First"), CameraDevice(10, "Second")]

    @pytest.mark.parametrize(("flags", "captures"), [(CAPTURES, True), (METADATA, False)])
    def test_capabilities_of_a_device(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: int, captures: bool
    ) -> None:
        self.plug_in(monkeypatch, tmp_path, {0: ("Camera\n", flags), 1: ("gone\n", CAPTURES)})
        (tmp_path / "dev" / "video1").unlink()
        assert list_cameras() == ([CameraDevice(0, "Camera")] if captures else [])

    def test_elsewhere_numbers_are_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listing, "is_linux", lambda: False)
        opened = []

        def capture(number: int, _: object) -> SimpleNamespace:
            opened.append(number)
            return SimpleNamespace(isOpened=lambda: number == 1, release=lambda: None)

        monkeypatch.setattr(cv2, "VideoCapture", capture)
        assert list_cameras() == [CameraDevice(1, "camera 1")]
        assert opened == [0, 1, 2, 3]
