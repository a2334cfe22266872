"""What microphones and loudspeakers there are, and which one is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hygiesync.devices.sound import portaudio
from hygiesync.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    pass

_Device = TypeVar("_Device", bound="SoundDevice")


@dataclass(frozen=True)
class SoundDevice:
    """A microphone or a loudspeaker, as PortAudio knows it.

    Attributes
    ----------
    index : int
        PortAudio's number; it changes as devices come and go.
    name : str
    host_api : str
        The system's way to it: ALSA, Core Audio, WASAPI ...
    n_channels : int
    default_rate : float
        Samples a second that it prefers (Hz).
    is_default : bool
        Whether it is the one that is used when none is named.
    """

    index: int
    name: str
    host_api: str
    n_channels: int
    default_rate: float
    is_default: bool


class InputDevice(SoundDevice):
    """A microphone."""


class OutputDevice(SoundDevice):
    """A loudspeaker."""


def list_input_devices() -> list[InputDevice]:
    """The microphones that there are.

    Raises
    ------
    MissingDependencyError
        Without the PortAudio library.
    """
    return _list_devices("input", InputDevice)


def list_output_devices() -> list[OutputDevice]:
    """The loudspeakers that there are.

    Raises
    ------
    MissingDependencyError
        Without the PortAudio library.
    """
    return _list_devices("output", OutputDevice)


def find_input(text: str | None = None) -> InputDevice:
    """The microphone that is meant.

    Parameters
    ----------
    text : str, optional
        A number as listed, or a part of the name, in capitals or not; left out, the system's default.

    Raises
    ------
    MissingDependencyError
        When there is none such; the message lists what there is.
    UsageError
        When several are meant.
    """
    return choose_device(list_input_devices(), text, "microphone")


def find_output(text: str | None = None) -> OutputDevice:
    """The loudspeaker that is meant; as `find_input`."""
    return choose_device(list_output_devices(), text, "loudspeaker")


def find_again(device: _Device, devices: Sequence[_Device]) -> _Device:
    """The same device in a new listing, in which numbers may have changed.

    Raises
    ------
    MissingDependencyError
        While it isn't there.
    """
    for same in (str.__eq__, _is_same_but_for_number):
        for candidate in devices:
            if candidate.host_api == device.host_api and same(candidate.name, device.name):
                return candidate
    raise MissingDependencyError(f"sound: {device.name} is gone; {_what_there_is(devices)}")


def format_devices(inputs: Sequence[SoundDevice], outputs: Sequence[SoundDevice]) -> str:
    """Microphones and loudspeakers as lines to read; ``*`` marks the default."""
    return f"{_format_list('microphones', inputs)}\n\n{_format_list('loudspeakers', outputs)}"


def choose_device(devices: Sequence[_Device], text: str | None, kind: str) -> _Device:
    """The one of `devices` that `text` means.

    Parameters
    ----------
    devices : sequence of SoundDevice
    text : str or None
        As `find_input` takes it.
    kind : str
        What they are, for messages.

    Raises
    ------
    MissingDependencyError, UsageError
        As `find_input`.
    """
    if text is None:
        matching = [device for device in devices if device.is_default] or list(devices[:1])
    elif text.strip().isdigit():
        matching = [device for device in devices if device.index == int(text)]
    else:
        wanted = text.strip().casefold()
        matching = [device for device in devices if device.name.casefold() == wanted]
        matching = matching or [device for device in devices if wanted in device.name.casefold()]
    if not matching:
        asked = f"{kind}: none is there" if text is None else f"{kind}: none is {text!r}"
        raise MissingDependencyError(f"{asked}; {_what_there_is(devices)}")
    if len({device.name for device in matching}) > 1:
        raise UsageError(
            f"{kind}: {text!r} may mean {_enumerate(matching)}; say more of the name, or the number before it"
        )
    # one device reached through several host APIs: the default's is meant, else the first
    default_api = next((device.host_api for device in devices if device.is_default), None)
    return next((device for device in matching if device.host_api == default_api), matching[0])


def _list_devices(direction: str, kind: Callable[..., _Device]) -> list[_Device]:
    devices, host_apis, default = portaudio.query_devices(direction)
    return [
        kind(
            index=device["index"],
            name=device["name"],
            host_api=host_apis[device["hostapi"]]["name"],
            n_channels=device[f"max_{direction}_channels"],
            default_rate=device["default_samplerate"],
            is_default=device["index"] == default,
        )
        for device in devices
        if device[f"max_{direction}_channels"] > 0
    ]


def _is_same_but_for_number(name: str, other: str) -> bool:
    """ALSA numbers its cards anew when one returns: ``USB Audio: - (hw:1,0)``."""
    return re.sub(r"\(hw:\d+,", "(hw:,", name) == re.sub(r"\(hw:\d+,", "(hw:,", other)


def _what_there_is(devices: Sequence[SoundDevice]) -> str:
    if not devices:
        return (
            "this machine offers none; connect one, see that the sound server runs, and on Linux that PortAudio reaches"
            " it: `sudo apt-get install -y libasound2-plugins`"
        )
    return f"there is {_enumerate(devices)}"


def _enumerate(devices: Sequence[SoundDevice]) -> str:
    return ", ".join(f"{device.index} {device.name}" for device in devices)


def _format_list(title: str, devices: Sequence[SoundDevice]) -> str:
    if not devices:
        return f"{title}: none"
    lines = [
        f"{'*' if device.is_default else ' '} {device.index:>3}  {device.name}"
        f"  ({device.host_api}, {device.n_channels} ch, {device.default_rate:g} Hz)"
        for device in devices
    ]
    return "\n".join([f"{title}:", *lines])
