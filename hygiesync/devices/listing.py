"""What there is to hear, to be heard and to be seen with: microphones, loudspeakers and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hygiesync.devices.sound.devices import (
    InputDevice,
    OutputDevice,
    format_devices,
    list_input_devices,
    list_output_devices,
)

if TYPE_CHECKING:
    from hygiesync.devices.camera.listing import CameraDevice


@dataclass(frozen=True)
class Devices:
    """All devices of a machine.

    Attributes
    ----------
    microphones : sequence of InputDevice
    loudspeakers : sequence of OutputDevice
    cameras : sequence of CameraDevice
    """

    microphones: Sequence[InputDevice]
    loudspeakers: Sequence[OutputDevice]
    cameras: Sequence[CameraDevice]

    def as_json(self) -> dict[str, Any]:
        """For programs to read: three lists of dicts with the fields of the devices."""
        return asdict(self)

    def __str__(self) -> str:
        cameras = [f"  {camera.index:>3}  {camera.name}" for camera in self.cameras]
        return "\n".join([format_devices(self.microphones, self.loudspeakers), "", *_titled("cameras", cameras)])


def list_devices() -> Devices:
    """Look at what there is now.

    Raises
    ------
    MissingDependencyError
        Without the PortAudio library.
    """
    from hygiesync.devices.camera.listing import list_cameras

    return Devices(list_input_devices(), list_output_devices(), list_cameras())


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *lines] if lines else [f"{title}: none"]
