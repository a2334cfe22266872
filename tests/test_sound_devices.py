"""Which microphone, loudspeaker or file a word on the command line means; and the list of them, from a real server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_server import DEVICE, SoundServer, needs_sound_server

from hygiesync.devices.sound import devices as sound_devices
from hygiesync.devices.sound import portaudio
from hygiesync.devices.sound.devices import (
    InputDevice,
    OutputDevice,
    choose_device,
    find_again,
    find_input,
    find_output,
    format_devices,
    list_input_devices,
)
from hygiesync.devices.sound.formats import open_first
from hygiesync.devices.sound.microphone import Microphone
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.sources import open_source
from hygiesync.errors import MissingDependencyError, UsageError

BUILT_IN = InputDevice(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)", "ALSA", 2, 44100.0, False)
HEADSET = InputDevice(1, "Jabra Évolve: USB Audio (hw:1,0)", "ALSA", 1, 16000.0, False)
PULSE = InputDevice(4, "pulse", "ALSA", 32, 44100.0, True)
PULSE_MONITOR = InputDevice(5, "pulse monitor", "ALSA", 32, 44100.0, False)
THERE = [BUILT_IN, HEADSET, PULSE, PULSE_MONITOR]


def choose(text: str | None, devices: list[InputDevice] = THERE) -> InputDevice:
    return choose_device(devices, text, "microphone")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (None, PULSE),
        ("1", HEADSET),
        (" 5 ", PULSE_MONITOR),
        ("usb", HEADSET),
        ("JABRA éV", HEADSET),
        ("pulse", PULSE),  # all of a name comes before a part of another
        ("monitor", PULSE_MONITOR),
    ],
)
def test_chosen_by_number_or_name(text: str | None, meant: InputDevice) -> None:
    assert choose(text) is meant


def test_first_where_there_is_no_default() -> None:
    assert choose(None, [BUILT_IN, HEADSET]) is BUILT_IN


@pytest.mark.parametrize("text", ["3", "webcam", ""])
def test_none_such_lists_what_there_is(text: str) -> None:
    with pytest.raises((MissingDependencyError, UsageError)) as caught:
        choose(text)
    for device in THERE:
        assert f"{device.index} {device.name}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'hw:' may mean 0 HDA Intel.*, 1 Jabra"):
        choose("hw:")


def test_none_at_all_says_what_to_do() -> None:
    with pytest.raises(MissingDependencyError, match=r"none is there; .*connect one.*libasound2-plugins"):
        choose(None, [])


def test_one_device_by_several_ways_is_the_defaults_way() -> None:
    through_mme = InputDevice(0, "Microphone (Realtek)", "MME", 2, 44100.0, False)
    through_wasapi = InputDevice(7, "Microphone (Realtek)", "Windows WASAPI", 2, 48000.0, False)
    default = InputDevice(9, "Line in", "Windows WASAPI", 2, 48000.0, True)
    assert choose("realtek", [through_mme, through_wasapi, default]) is through_wasapi
    assert choose("realtek", [through_mme, through_wasapi]) is through_mme


def test_found_again_under_other_numbers() -> None:
    returned = InputDevice(2, "Jabra Évolve: USB Audio (hw:3,0)", "ALSA", 1, 16000.0, False)
    other = InputDevice(1, "Jabra Évolve: USB Audio (hw:1,1)", "ALSA", 1, 16000.0, False)
    assert find_again(HEADSET, [BUILT_IN, other, returned]) is returned
    assert find_again(BUILT_IN, [returned, BUILT_IN]) is BUILT_IN
    with pytest.raises(MissingDependencyError, match=r"Jabra Évolve: USB Audio \(hw:1,0\) is gone; there is 0 HDA"):
        find_again(HEADSET, [BUILT_IN, other])


def test_list_to_read() -> None:
    speaker = OutputDevice(4, "pulse", "ALSA", 32, 44100.0, True)
    assert format_devices([HEADSET, PULSE], [speaker]) == (
        "microphones:\n"
        "    1  Jabra Évolve: USB Audio (hw:1,0)  (ALSA, 1 ch, 16000 Hz)\n"
        "*   4  pulse  (ALSA, 32 ch, 44100 Hz)\n"
        "\n"
        "loudspeakers:\n"
        "*   4  pulse  (ALSA, 32 ch, 44100 Hz)"
    )
    assert format_devices([], []) == "microphones: none\n\nloudspeakers: none"


def test_files_are_told_from_microphones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_devices, "list_input_devices", lambda: THERE)
    wav, odd = tmp_path / "said.wav", tmp_path / "pulse"
    soundfile.write(wav, np.zeros(1600), 16000)
    odd.write_bytes(wav.read_bytes())
    for name in (str(wav), str(odd), "not there.MP3"):
        assert isinstance(open_source(name, 16000), SoundFile)
    for wanted in (None, "4", "jabra"):
        assert isinstance(open_source(wanted, 16000), Microphone)
    assert open_source("jabra", 16000).name == HEADSET.name


def test_first_way_that_a_device_allows() -> None:
    tried = []

    def open_as(rate: int, n_channels: int) -> str:
        tried.append((rate, n_channels))
        if len(tried) < 4:
            raise MissingDependencyError(f"refused {len(tried)}")
        return "opened"

    assert open_first(BUILT_IN, 16000, open_as) == "opened"
    assert tried == [(16000, 1), (16000, 2), (44100, 1), (44100, 2)]


def test_device_that_allows_none() -> None:
    def open_as(rate: int, n_channels: int) -> None:
        raise MissingDependencyError(f"{rate} Hz, {n_channels} channels: busy")

    with pytest.raises(MissingDependencyError, match=r"hw:1,0\): 16000 Hz, 1 channels: busy; see that"):
        open_first(HEADSET, 16000, open_as)


def test_missing_portaudio_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(MissingDependencyError, match=r"PortAudio library.*apt-get install -y libportaudio2"):
        list_input_devices()


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with SoundServer() as server:
        yield server


@pytest.mark.device
@needs_sound_server
class TestWithServer:
    def test_its_devices_are_found(self, server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
        server.use_here(monkeypatch)
        assert find_input(DEVICE).name == find_output(DEVICE.upper()).name == DEVICE
        assert find_input(str(find_input(DEVICE).index)) == find_input(DEVICE)
        assert sum(device.is_default for device in list_input_devices()) == 1

    def test_server_that_comes_later_is_seen(self, server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
        server.use_here(monkeypatch)
        server.kill()
        portaudio.refresh()
        with pytest.raises(MissingDependencyError, match="microphone: none is 'pulse'"):
            find_input(DEVICE)
        server.start()
        portaudio.refresh()
        assert find_input(DEVICE).name == DEVICE

    def test_other_streams_are_spared_unless_they_must_end(
        self, server: SoundServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.use_here(monkeypatch)
        stream = portaudio.DeviceStream("OutputStream", device=find_output(DEVICE).index, samplerate=16000, channels=1)
        assert not portaudio.refresh(end_streams=False)
        assert not stream.is_finished
        assert portaudio.refresh()
        assert stream.is_finished

    def test_command_lists_them(self, server: SoundServer, tmp_path: Path) -> None:
        path = tmp_path / "devices.json"
        command = [sys.executable, "-m", "hygiesync", "devices", "--json", str(path)]
        done = subprocess.run(command, env=server.env, capture_output=True, text=True, check=True)
        assert "  pulse  (ALSA, " in done.stdout
        assert "\n\nloudspeakers:\n" in done.stdout and "\n\ncameras:" in done.stdout
        written = json.loads(path.read_text(encoding="utf-8"))
        assert [device["name"] for device in written["microphones"]].count(DEVICE) == 1
        assert set(written) == {"microphones", "loudspeakers", "cameras"}

    def test_command_without_a_server(self, tmp_path: Path) -> None:
        env = {**os.environ, "PULSE_SERVER": f"unix:{tmp_path}/none", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
        done = subprocess.run(
            [sys.executable, "-m", "hygiesync", "devices"], env=env, capture_output=True, text=True, check=True
        )
        assert "  pulse  " not in done.stdout
