"""The virtual camera: what goes out is what came in, and what is missing is said in one line."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hygiesync.devices.camera.virtual import VirtualCamera
from hygiesync.errors import MissingDependencyError

COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The pictures that pyvirtualcam hands to the system, whose device is in memory here."""
    pytest.importorskip("pyvirtualcam", reason="the extra vcam is not installed")
    from pyvirtualcam import Backend, camera

    pictures: list[Any] = []

    class Memory(Backend):
        def __init__(
            self, *, width: int, height: int, fps: float, fourcc: object, device: object, **options: object
        ) -> None:
            self._shape = height, width, 3

        def close(self) -> None:
            pictures.append("closed")

        def send(self, frame: np.ndarray) -> None:
            pictures.append(frame.reshape(self._shape).copy())

        def device(self) -> str:
            return "memory"

        def native_fourcc(self) -> None:
            return None

    monkeypatch.setattr(camera, "BACKENDS", {"memory": Memory})
    return pictures


def test_pictures_go_out_as_they_come(seen: list[Any]) -> None:
    picture = np.repeat(COLOURS, 40, axis=0)[None].repeat(80, axis=0)
    with VirtualCamera(120, 80, 59.94) as camera:
        assert camera.device == "memory"
        camera.show(picture)
        camera.show(picture[:, ::-1])
    np.testing.assert_array_equal(seen[0], picture)
    np.testing.assert_array_equal(seen[1], picture[:, ::-1])
    assert seen[2:] == ["closed"]
    camera.close()
    assert seen[2:] == ["closed"]


def test_a_picture_of_another_shape_gets_bars(seen: list[Any]) -> None:
    with VirtualCamera(160, 80, 30) as camera:
        camera.show(np.full((40, 40, 3), 200, np.uint8))
    assert np.all(seen[0][:, 40:120] == 200)
    assert not seen[0][:, :40].any()
    assert not seen[0][:, 120:].any()


def test_odd_sizes_become_even(seen: list[Any]) -> None:
    with VirtualCamera(121, 79, 30) as camera:
        camera.show(np.full((79, 121, 3), 9, np.uint8))
    assert seen[0].shape == (80, 122, 3)


def test_a_device_that_goes_is_told(seen: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from pyvirtualcam.camera import BACKENDS

    def fail(device: object, frame: np.ndarray) -> None:
        raise RuntimeError("error writing frame")

    with VirtualCamera(64, 64, 30) as camera:
        monkeypatch.setattr(BACKENDS["memory"], "send", fail)
        with pytest.raises(MissingDependencyError, match=r"memory takes no more pictures \(error writing"):
            camera.show(np.zeros((64, 64, 3), np.uint8))


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hygiesync\[vcam\]'") as raised:
        VirtualCamera(640, 480, 30)
    assert raised.value.exit_code == 4
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("platform", "fix"), [("linux", "modprobe v4l2loopback exclusive_caps=1"), ("darwin", "OBS")])
def test_a_missing_device(monkeypatch: pytest.MonkeyPatch, platform: str, fix: str) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("'v4l2loopback' backend: No device found. Did you run 'modprobe'?")

    package = SimpleNamespace(Camera=refuse, PixelFormat=SimpleNamespace(RGB=0))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", package)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(MissingDependencyError, match=fix) as raised:
        VirtualCamera(640, 480, 30)
    assert raised.value.exit_code == 4
    assert "No device found;" in str(raised.value)
    assert "\n" not in str(raised.value)
