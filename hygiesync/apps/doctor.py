"""Is everything here that hygiesync needs? Each check that fails says how to mend it.

The checks do what the program will do (find a face, say a word, look up an encoder), since a library that is installed
may still not load. Only what speaking, training and rendering can't do without is required; a microphone or a window
is not.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

MIN_PYTHON, END_PYTHON = (3, 10), (3, 13)
"""mediapipe 0.10.21 has wheels from the first of these versions up to, and without, the second."""

MIN_CORES, MIN_MEMORY_GB, MIN_DISK_GB = 2, 4.0, 1.0

_REINSTALL = "run `make install`, or `pip install -c constraints.txt -e .`"
_ONE_OPENCV = (
    "run `make clean install`, or `pip uninstall -y {names} && pip install --force-reinstall --no-deps"
    " opencv-contrib-python==4.11.0.86`"
)
_SYSTEM_LIBRARIES = {
    "libGL.so": "sudo apt-get install -y libgl1",
    "libgthread-2.0.so": "sudo apt-get install -y libglib2.0-0",
    "libglib-2.0.so": "sudo apt-get install -y libglib2.0-0",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
    is_ok : bool
    is_required : bool
        Whether hygiesync can't do its main work without it.
    detail : str
        What was found.
    fix : str
        What to do about it; empty when all is well.
    """

    name: str
    is_ok: bool
    is_required: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class _Package:
    """A distribution, the module it is imported as, and the versions that work: at least, and below."""

    distribution: str
    module: str
    at_least: tuple[int, ...] = (0,)
    below: tuple[int, ...] = (1_000_000,)
    fix: str = _REINSTALL
    is_required: bool = True


PACKAGES = (
    _Package("numpy", "numpy", (1, 23), (2,), "run `pip install 'numpy<2'`: mediapipe 0.10.21 was built for numpy 1"),
    _Package("opencv-contrib-python", "cv2", (4, 5), (5,)),
    _Package("mediapipe", "mediapipe", (0, 10, 21), (0, 10, 22), "run `pip install mediapipe==0.10.21`"),
    _Package("av", "av", (14,)),
    _Package("onnxruntime", "onnxruntime", (1, 17)),
    _Package("faiss-cpu", "faiss", (1, 7)),
    _Package("safetensors", "safetensors"),
    _Package("scipy", "scipy"),
    _Package("soundfile", "soundfile"),
    _Package("torch", "torch", (2, 6)),
    _Package("onnx", "onnx"),
    _Package("onnxscript", "onnxscript"),
    _Package("scikit-learn", "sklearn"),
    _Package("librosa", "librosa", is_required=False),
    _Package("psutil", "psutil", is_required=False),
    _Package("tqdm", "tqdm"),
    _Package("matplotlib", "matplotlib", is_required=False),
)


def diagnose() -> list[Check]:
    """Look at everything.

    Returns
    -------
    list of Check
        In the order in which one would mend them: Python, packages, what they can do, the machine.
    """
    return [
        check_python(),
        *(check_package(package) for package in PACKAGES),
        check_single_opencv(),
        _tried("face mesh", True, _find_face),
        _tried("encoders", True, _find_encoders),
        _tried("PortAudio", False, _find_portaudio),
        check_display(),
        _tried("espeak", False, _speak),
        _tried("portrait", False, _open_portrait),
        *check_machine(),
    ]


def has_failed(checks: list[Check]) -> bool:
    """Whether something is missing that hygiesync can't do without."""
    return any(check.is_required and not check.is_ok for check in checks)


def format_checks(checks: list[Check]) -> str:
    """The checks as lines to read, each failing one followed by what to do, and a verdict at the end."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{_verdict(check):<6} {check.name:<{width}}  {check.detail}")
        if not check.is_ok:
            lines.append(f"{'':<6} {'':<{width}}  -> {check.fix}")
    n_failed = sum(check.is_required and not check.is_ok for check in checks)
    n_odd = sum(not check.is_required and not check.is_ok for check in checks)
    if n_failed:
        lines.append(f"\n{n_failed} of {len(checks)} checks failed; hygiesync will not work until they are mended")
    elif n_odd:
        lines.append(
            f"\nhygiesync works here; {n_odd} of {len(checks)} checks found something that only parts of it need"
        )
    else:
        lines.append("\nall is well")
    return "\n".join(lines)


def _verdict(check: Check) -> str:
    if check.is_ok:
        return "ok"
    return "FAILED" if check.is_required else "note"


def check_python() -> Check:
    """Whether mediapipe has wheels for this Python."""
    version = sys.version_info[:2]
    is_ok = MIN_PYTHON <= version < END_PYTHON
    found = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "Python",
        is_ok,
        True,
        f"{found}, 64 bit" if sys.maxsize > 2**32 else f"{found}, 32 bit",
        ""
        if is_ok
        else "install Python 3.10, 3.11 or 3.12, then `make clean install PYTHON=python3.11`: mediapipe has"
        " wheels for no other",
    )


def check_package(package: _Package) -> Check:
    """Whether a package can be imported, and has a version that works."""
    try:
        module = import_module(package.module)
    except Exception as error:  # whatever a broken package may raise is what we came to see
        return _unloadable(package, error)
    version = _version(package.distribution, module)
    is_ok = package.at_least <= _numbers(version) < package.below
    wanted = f"at least {_dotted(package.at_least)}" + (
        f" and below {_dotted(package.below)}" if package.below[0] < 1_000_000 else ""
    )
    detail = version if is_ok else f"{version}, and {wanted} is needed"
    return Check(package.distribution, is_ok, package.is_required, detail, "" if is_ok else package.fix)


def _unloadable(package: _Package, error: Exception) -> Check:
    reason = _first_line(error)
    is_missing = isinstance(error, ModuleNotFoundError) and error.name == package.module
    detail = "is not installed" if is_missing else f"can't be imported ({reason})"
    return Check(package.distribution, False, package.is_required, detail, _fix_for(reason, package.fix))


def _version(distribution: str, module: ModuleType) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return str(getattr(module, "__version__", "unknown version"))


def _numbers(version: str) -> tuple[int, ...]:
    """Leading numbers of a version: (2, 13, 0) for 2.13.0+cpu."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fix_for(reason: str, otherwise: str) -> str:
    """The command that brings the system library an error speaks of."""
    for library, command in _SYSTEM_LIBRARIES.items():
        if library in reason:
            return f"run `{command}`"
    return otherwise


def check_single_opencv() -> Check:
    """Whether just one distribution has written the folder `cv2`."""
    names = {(distribution.metadata["Name"] or "").lower() for distribution in metadata.distributions()}
    builds = sorted(name for name in names if name.startswith("opencv-"))
    is_ok = builds == ["opencv-contrib-python"]
    detail = ", ".join(builds) or "no OpenCV is installed"
    if len(builds) > 1:
        detail += ": they overwrite each other's files"
    if is_ok:
        return Check("one OpenCV", True, True, detail)
    return Check(
        "one OpenCV", False, True, detail, _ONE_OPENCV.format(names=" ".join(builds)) if builds else _REINSTALL
    )


def _tried(name: str, is_required: bool, attempt: Callable[[], Check]) -> Check:
    """The check that `attempt` makes; a failed one when it raises."""
    try:
        return attempt()
    except Exception as error:  # whatever a broken library may raise is what we came to see
        reason = _first_line(error)
        return Check(name, False, is_required, reason, _fix_for(reason, _REINSTALL))


def _find_face() -> Check:
    """Find a face in the portrait; without it, only start the detector."""
    from hygiesync.face.landmarks import LandmarkDetector

    with LandmarkDetector() as detector:
        try:
            picture = import_module("skimage.data").astronaut()
        except ImportError:
            return Check("face mesh", True, True, "starts; not tried on a face, since scikit-image is not installed")
        found = detector.detect(picture)
    if found is None:
        return Check("face mesh", False, True, "starts, but finds no face in a portrait", "run `make clean install`")
    return Check("face mesh", True, True, f"finds a portrait's {len(found)} landmarks")


def _find_encoders() -> Check:
    """Whether PyAV's FFmpeg can write what `render` writes."""
    from av.codec.codec import Codec, UnknownCodecError

    missing = []
    for name in ("libx264", "aac"):
        try:
            Codec(name, "w")
        except UnknownCodecError:
            missing.append(name)
    if missing:
        fix = "run `pip install --force-reinstall --no-deps --only-binary av av`: a self-built PyAV lacks them"
        return Check("encoders", False, True, f"PyAV can't encode {' or '.join(missing)}", fix)
    return Check("encoders", True, True, "libx264 and aac")


def _find_portaudio() -> Check:
    """Whether a microphone can be listened to."""
    try:
        import sounddevice
    except OSError as error:
        fix = "run `sudo apt-get install -y libportaudio2` (only `hygiesync live` and `record` need it)"
        return Check("PortAudio", False, False, f"{_first_line(error)}: no microphone can be used", fix)
    n_inputs = sum(device["max_input_channels"] > 0 for device in sounddevice.query_devices())
    return Check("PortAudio", True, False, f"{sounddevice.get_portaudio_version()[1]}; {n_inputs} input devices")


def check_display() -> Check:
    """Whether a window can be opened."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if display or not sys.platform.startswith("linux"):
        return Check("display", True, False, display or sys.platform)
    return Check(
        "display",
        False,
        False,
        "neither DISPLAY nor WAYLAND_DISPLAY is set: no window can be opened",
        "use `hygiesync live --no-window`, log in with `ssh -X`, or `sudo apt-get install -y xvfb` and use `xvfb-run`",
    )


def _speak() -> Check:
    from hygiesync.speech.tts import synthesise

    speech = synthesise("Hello.")
    return Check("espeak", True, False, f"says a word in {speech.duration_s:.1f} s")


def _open_portrait() -> Check:
    try:
        height, width = import_module("skimage.data").astronaut().shape[:2]
    except ImportError as error:
        fix = "run `pip install 'hygiesync[demo]'` (only `hygiesync demo` needs it)"
        return Check("portrait", False, False, _first_line(error), fix)
    return Check("portrait", True, False, f"{width} x {height} px, from scikit-image")


def check_machine() -> Iterator[Check]:
    """Cores, memory and disk: less than asked for is slow or tight, and may still do."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield _enough(
        "cores", n_cores, MIN_CORES, "", "expect training to take twice as long, and live pictures to stutter"
    )
    try:
        import psutil
    except ImportError:
        yield Check("memory", False, False, "can't be measured without psutil", _REINSTALL)
    else:
        free_gb = psutil.virtual_memory().available / 1e9
        yield _enough("memory", free_gb, MIN_MEMORY_GB, " GB free", "close other programs before training")
    disk_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    yield _enough("disk", disk_gb, MIN_DISK_GB, " GB free here", "free some space before training or rendering")


def _enough(name: str, found: float, wanted: float, unit: str, fix: str) -> Check:
    detail = f"{found:.1f}{unit}" if isinstance(found, float) else f"{found}{unit}"
    if found >= wanted:
        return Check(name, True, False, detail)
    return Check(name, False, False, f"{detail}, and {wanted:g} are advised", fix)
