"""Is everything here that hygiesync needs? Each check that fails says how to mend it.

The checks do what the program will do (find a face, say a word, open a window, listen), since what is installed may
still not work. Only what speaking can't do without is required, and that what is installed beside it works.
"""

from __future__ import annotations

from hygiesync.apps.doctor.abilities import find_encoders, find_face, open_portrait, speak
from hygiesync.apps.doctor.check import Check, format_checks, has_failed, tried
from hygiesync.apps.doctor.devices import (
    check_camera,
    check_display,
    check_microphone,
    check_portaudio,
    check_virtual_camera,
)
from hygiesync.apps.doctor.machine import check_machine
from hygiesync.apps.doctor.models import check_avatars, check_engines, check_speech_encoder
from hygiesync.apps.doctor.packages import PACKAGES, check_package, check_python, check_single_opencv
from hygiesync.extras import is_there

__all__ = ["Check", "diagnose", "format_checks", "has_failed"]


def diagnose() -> list[Check]:
    """Look at everything.

    Returns
    -------
    list of Check
        In the order in which one would mend them: Python, packages, what they can do, devices, models, the machine.
    """
    return [
        check_python(),
        *(check_package(package) for package in PACKAGES),
        check_single_opencv(),
        tried("face mesh", is_there("mediapipe"), find_face),
        tried("encoders", True, find_encoders),
        tried("espeak", False, speak),
        tried("portrait", False, open_portrait),
        tried("PortAudio", False, check_portaudio),
        tried("microphone", False, check_microphone),
        tried("window", False, check_display),
        tried("camera", False, check_camera),
        tried("virtual camera", False, check_virtual_camera),
        tried("speech encoder", False, check_speech_encoder),
        *check_avatars(),
        *check_engines(),
        *check_machine(),
    ]
