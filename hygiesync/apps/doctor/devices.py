"""What speech comes in by and the avatar is shown on; each is really used for a moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from hygiesync.apps.doctor.check import Check, refused
from hygiesync.errors import HygieSyncError, MissingDependencyError
from hygiesync.timing import SAMPLE_RATE

_ONLY_LIVE = " (only `hygiesync live` and `record` need it)"
_ONLY_CALLS = " (only `hygiesync live --output virtual-camera` needs it)"

WINDOW_TIMEOUT_S = 60
"""A display elsewhere on the network may take long to refuse."""

LISTENING_S = 0.5
MUTED_DB = -90.0
"""A microphone that is on hears itself: its noise is some -80 to -50 dB below full scale."""

_SYSTEM_DEVICES = Path("/dev")


def check_portaudio() -> Check:
    """Whether the library is there by which sound comes and goes."""
    from hygiesync.devices.sound.devices import list_input_devices
    from hygiesync.devices.sound.portaudio import load_sounddevice

    try:
        sounddevice = load_sounddevice()
    except MissingDependencyError as error:
        return refused("PortAudio", False, error, _ONLY_LIVE)
    n_inputs = len(list_input_devices())
    inputs = "1 input device" if n_inputs == 1 else f"{n_inputs} input devices"
    version = sounddevice.get_portaudio_version()[1].partition(",")[0]
    return Check("PortAudio", True, False, f"{version}; {inputs}")


def check_microphone() -> Check:
    """Listen to the default microphone for a moment."""
    from hygiesync.devices.sound.sources import open_source

    source = open_source(None, SAMPLE_RATE)
    try:
        source.start()
        end = time.perf_counter() + LISTENING_S
        peak = 0.0
        while (now := time.perf_counter()) < end:
            samples = source.read(end - now)
            if samples is not None and len(samples):
                peak = max(peak, float(abs(samples).max()))
        health = source.health()
    finally:
        source.close()
    if not health.is_alive:
        fix = "see in the system's sound settings that it is connected and chosen, or name another by --input-device"
        return Check("microphone", False, False, f"{source.name} gives no sound", fix)
    if peak <= 10 ** (MUTED_DB / 20):
        fix = "unmute it in the system's sound settings, or name another by --input-device"
        return Check("microphone", False, False, f"{source.name} gives nothing but silence", fix)
    return Check("microphone", True, False, f"{source.name}, heard at {health.level_db:.0f} dB")


def check_display() -> Check:
    """Whether a window opens. A process of its own tries, since what is wrong with a display may end the process."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hygiesync.devices.window.probe"],
            capture_output=True,
            text=True,
            timeout=WINDOW_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MissingDependencyError(
            f"the display does not answer within {WINDOW_TIMEOUT_S} s; see that DISPLAY names one that is reachable"
        ) from None
    if done.returncode != 0:
        last_line = (done.stderr.strip().splitlines() or [f"opening a window ended with code {done.returncode}"])[-1]
        return refused("window", False, HygieSyncError(last_line))
    found = json.loads(done.stdout)
    return Check("window", True, False, "pygame-ce {pygame}, {driver}, {width} x {height} px".format(**found))


def check_camera() -> Check:
    """Whether there is a camera to record with; it is not switched on."""
    from hygiesync.devices.camera.camera import list_cameras

    cameras = list_cameras()
    if cameras:
        return Check("camera", True, False, ", ".join(f"{camera.index} {camera.name}" for camera in cameras))
    closed = [str(path) for path in sorted(_SYSTEM_DEVICES.glob("video*")) if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        fix = "run `sudo usermod -aG video $USER` and log in again"
        return Check("camera", False, False, f"{', '.join(closed)} may not be opened by this user", fix)
    fix = "connect one (only `hygiesync record` needs it; `train` takes a video from anywhere)"
    return Check("camera", False, False, "none is connected", fix)


def check_virtual_camera() -> Check:
    """Whether there is a camera to show the avatar on in video calls."""
    from hygiesync.devices.camera.virtual import VirtualCamera

    try:
        with VirtualCamera(640, 480, 30) as camera:
            return Check("virtual camera", True, False, camera.device)
    except MissingDependencyError as error:
        return refused("virtual camera", False, error, _ONLY_CALLS)
