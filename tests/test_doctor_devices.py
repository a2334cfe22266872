"""The doctor's look at devices: what it finds on a machine that has them, and what it advises where it does not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import numpy as np
import pytest
import soundfile
from display import needs_display, use_environment, virtual_display, without_display

from hygiesync.apps.doctor import devices
from hygiesync.apps.doctor.check import Check, tried
from hygiesync.devices.camera import camera
from hygiesync.devices.camera.listing import CameraDevice
from hygiesync.devices.sound import devices as sound_devices
from hygiesync.devices.sound import portaudio
from hygiesync.devices.sound import sources as sound_sources
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.errors import MissingDependencyError


def raising(error: MissingDependencyError | subprocess.TimeoutExpired) -> Callable[..., NoReturn]:
    def attempt(*_arguments: object, **_options: object) -> NoReturn:
        raise error

    return attempt


def is_a_note(check: Check) -> bool | str:
    """Whether it failed without failing the machine, and says what to do."""
    return not check.is_ok and not check.is_required and check.fix


# Sound


def test_portaudio_counts_microphones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        portaudio,
        "load_sounddevice",
        lambda: SimpleNamespace(get_portaudio_version=lambda: (1, "PortAudio V19.7.0-devel, revision x")),
    )
    monkeypatch.setattr(sound_devices, "list_input_devices", lambda: ["one"])
    check = devices.check_portaudio()
    assert check.is_ok
    assert check.detail == "PortAudio V19.7.0-devel; 1 input device"


def test_missing_portaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    check = devices.check_portaudio()
    assert is_a_note(check)
    assert "pip install 'hygiesync[live]'" in check.fix
    error = MissingDependencyError("sound: expected the PortAudio library; run `sudo apt-get install -y libportaudio2`")
    monkeypatch.setattr(portaudio, "load_sounddevice", raising(error))
    check = devices.check_portaudio()
    assert is_a_note(check)
    assert "apt-get install -y libportaudio2" in check.fix
    assert "only `hygiesync live`" in check.fix


@pytest.mark.parametrize(
    ("loudness", "is_ok", "said"), [(0.1, True, "heard at -2"), (1e-4, True, "heard at -8"), (0.0, False, "silence")]
)
def test_a_microphone_is_listened_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loudness: float, is_ok: bool, said: str
) -> None:
    """A file that is played stands in for one."""
    noise = loudness * np.random.default_rng(0).standard_normal(32_000)
    soundfile.write(tmp_path / "microphone.wav", noise, 16_000, subtype="FLOAT")
    monkeypatch.setattr(sound_sources, "open_source", lambda text, rate: SoundFile(tmp_path / "microphone.wav", rate))
    check = devices.check_microphone()
    assert check.is_ok is is_ok
    assert said in check.detail
    assert ("unmute" in check.fix) is not is_ok


def test_a_microphone_that_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    dead = SimpleNamespace(
        name="USB Audio",
        start=lambda: None,
        read=lambda timeout_s: np.zeros(0, np.float32),
        health=lambda: SimpleNamespace(is_alive=False, level_db=-120.0),
        close=lambda: calls.append("closed"),
    )
    monkeypatch.setattr(devices, "LISTENING_S", 0.01)
    monkeypatch.setattr(sound_sources, "open_source", lambda text, rate: dead)
    check = devices.check_microphone()
    assert is_a_note(check)
    assert "USB Audio gives no sound" in check.detail
    assert calls == ["closed"]


def test_no_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_devices, "list_input_devices", list)
    check = tried("microphone", False, devices.check_microphone)
    assert is_a_note(check)
    assert "none is there" in check.detail
    assert "connect one" in check.fix


# Windows


@pytest.mark.device
@needs_display
def test_a_window_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with virtual_display(tmp_path, (1000, 700)) as display:
        use_environment(monkeypatch, display.environment)
        check = devices.check_display()
        assert not display.screenshot().any(), "it was seen"
    assert check.is_ok, check
    assert "x11, 1000 x 700 px" in check.detail


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nobody needs to say where a display is")
def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, without_display())
    check = devices.check_display()
    assert is_a_note(check)
    assert "neither DISPLAY nor WAYLAND_DISPLAY" in check.detail
    assert "--no-window" in check.fix
    use_environment(monkeypatch, without_display() | {"DISPLAY": ":4999"})
    check = devices.check_display()
    assert is_a_note(check)
    assert "SDL can't open one" in check.detail


def test_a_display_that_hangs_or_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", raising(subprocess.TimeoutExpired("python", 60)))
    check = tried("window", False, devices.check_display)
    assert is_a_note(check)
    assert "does not answer" in check.detail
    crashed = SimpleNamespace(returncode=-11, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: crashed)
    check = devices.check_display()
    assert is_a_note(check)
    assert "code -11" in check.detail


# Cameras


def test_cameras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "list_cameras", lambda: [CameraDevice(0, "Inside"), CameraDevice(2, "USB")])
    check = devices.check_camera()
    assert check.is_ok
    assert check.detail == "0 Inside, 2 USB"


def test_no_camera_and_one_that_is_closed_to_this_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(camera, "list_cameras", list)
    monkeypatch.setattr(devices, "_SYSTEM_DEVICES", tmp_path)
    check = devices.check_camera()
    assert is_a_note(check)
    assert "none is connected" in check.detail
    (tmp_path / "video0").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    check = devices.check_camera()
    assert is_a_note(check)
    assert "video0 may not be opened" in check.detail
    assert "usermod -aG video" in check.fix


def test_the_virtual_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    check = devices.check_virtual_camera()
    assert is_a_note(check)
    assert "pip install 'hygiesync[vcam]'" in check.fix
    closed = []
    package = SimpleNamespace(
        Camera=lambda *arguments, **options: SimpleNamespace(device="/dev/video9", close=lambda: closed.append(True)),
        PixelFormat=SimpleNamespace(RGB=0),
    )
    monkeypatch.setitem(sys.modules, "pyvirtualcam", package)
    check = devices.check_virtual_camera()
    assert check.is_ok
    assert check.detail == "/dev/video9"
    assert closed == [True]
