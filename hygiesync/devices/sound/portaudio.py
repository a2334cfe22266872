"""PortAudio by sounddevice: loading it, opening its streams, and starting it anew so that it sees returned devices.

PortAudio looks for devices once, when it starts. Starting it anew ends every stream of the process, so all streams
are opened here, and closed here before that happens; who owns one sees that it has ended, and opens it again.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any
from weakref import WeakSet

from hygiesync.errors import MissingDependencyError
from hygiesync.extras import imports_of

_lock = threading.RLock()
_open_streams: WeakSet[DeviceStream] = WeakSet()


def load_sounddevice() -> ModuleType:
    """The sounddevice module.

    Raises
    ------
    MissingDependencyError
        When it, or the PortAudio library under it, is not installed.
    """
    try:
        with imports_of("live", "sound"):
            import sounddevice
    except OSError as error:
        raise MissingDependencyError(
            f"sound: expected the PortAudio library ({error}); run `sudo apt-get install -y libportaudio2`"
        ) from error
    return sounddevice


def query_devices(direction: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Devices and host APIs as sounddevice describes them, and the number of the default.

    Parameters
    ----------
    direction : str
        Of the default: ``input`` or ``output``.

    Raises
    ------
    MissingDependencyError
        Without the PortAudio library, or when it fails.
    """
    sounddevice = load_sounddevice()
    with _lock:  # not while it is being started anew
        try:
            devices, host_apis = list(sounddevice.query_devices()), list(sounddevice.query_hostapis())
        except sounddevice.PortAudioError as error:
            raise MissingDependencyError(f"sound: PortAudio can't list devices ({one_line(error)})") from error
        default = sounddevice.default.device[("input", "output").index(direction)]
    if default < 0:
        default = next((api[f"default_{direction}_device"] for api in host_apis if api["devices"]), -1)
    return devices, host_apis, default


class DeviceStream:
    """A stream of PortAudio that can be ended from here.

    Parameters
    ----------
    kind : str
        Name of a stream class of sounddevice, such as ``InputStream``.
    options : keyword arguments
        Of that class.

    Attributes
    ----------
    is_finished : bool
        Whether it has ended, by itself (the device is gone) or because it was closed.
    latency_s : float
        What PortAudio says of its latency (seconds).

    Raises
    ------
    MissingDependencyError
        When the device does not open like this.
    """

    def __init__(self, kind: str, **options: Any) -> None:
        sounddevice = load_sounddevice()
        self.is_finished = False
        with _lock:
            try:
                self._stream = getattr(sounddevice, kind)(finished_callback=self._finish, **options)
                self._stream.start()
            except (sounddevice.PortAudioError, ValueError) as error:
                if hasattr(self, "_stream"):
                    self._stream.close(ignore_errors=True)
                raise MissingDependencyError(f"the sound device does not open ({one_line(error)})") from error
            self.latency_s = float(self._stream.latency)
            _open_streams.add(self)

    def close(self) -> None:
        """End it; may be called twice."""
        with _lock:
            if self in _open_streams:
                _open_streams.discard(self)
                self._stream.abort(ignore_errors=True)
                self._stream.close(ignore_errors=True)
            self.is_finished = True

    def _finish(self) -> None:
        self.is_finished = True


def refresh(end_streams: bool = True) -> bool:
    """Start PortAudio anew, so that it sees what devices there are now.

    Parameters
    ----------
    end_streams : bool
        Whether to do it even though that ends streams which are open.

    Returns
    -------
    bool
        Whether it was done.

    Raises
    ------
    MissingDependencyError
        When PortAudio does not start.
    """
    sounddevice = load_sounddevice()
    with _lock:
        if _open_streams and not end_streams:
            return False
        for stream in list(_open_streams):
            stream.close()
        try:
            while sounddevice._initialized:
                sounddevice._terminate()
            sounddevice._initialize()
        except sounddevice.PortAudioError as error:
            raise MissingDependencyError(f"sound: PortAudio does not start ({one_line(error)})") from error
    return True


def abandon() -> None:
    """Don't end PortAudio with the process: with a sound server that does not answer, that would wait for ever."""
    vars(load_sounddevice())["_initialized"] = 0


def one_line(error: BaseException) -> str:
    """A message of PortAudio on one line."""
    return " ".join(str(error).split())
