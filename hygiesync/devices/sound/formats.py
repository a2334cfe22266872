"""Opening a device in the first way that it allows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TypeVar

from hygiesync.devices.sound.devices import SoundDevice
from hygiesync.errors import MissingDependencyError

_Opened = TypeVar("_Opened")


def open_first(device: SoundDevice, sample_rate: int, open_as: Callable[[int, int], _Opened]) -> _Opened:
    """Open a device at our rate, else at its own; in one channel, else in two.

    Parameters
    ----------
    device : SoundDevice
    sample_rate : int
        Our rate (Hz).
    open_as : callable
        Is given a rate and a number of channels; raises MissingDependencyError when the device refuses them.

    Raises
    ------
    MissingDependencyError
        When the device refuses all.
    """
    refusals = []
    for rate, n_channels in product(dict.fromkeys((sample_rate, round(device.default_rate))), (1, 2)):
        if n_channels > device.n_channels:
            continue
        try:
            return open_as(rate, n_channels)
        except MissingDependencyError as error:
            refusals.append(str(error))
    raise MissingDependencyError(
        f"{device.name}: {refusals[0]}; see that no other program holds it, or choose another of those that"
        " `hygiesync devices` lists"
    )
