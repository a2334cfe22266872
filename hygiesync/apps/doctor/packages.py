"""Python and the packages: whether they are there, load, and are of versions that work."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType

from hygiesync.apps.doctor.check import REINSTALL, Check, first_line, fix_for

MIN_PYTHON, END_PYTHON = (3, 10), (3, 13)
"""mediapipe 0.10.21 has wheels from the first of these versions up to, and without, the second."""

_ONE_OPENCV = (
    "run `make clean install`, or `pip uninstall -y {names} && pip install --force-reinstall --no-deps"
    " opencv-contrib-python==4.11.0.86`"
)


@dataclass(frozen=True)
class Package:
    """A distribution, the module it is imported as, and the versions that work: at least, and below.

    Nothing works without a package that has no `extra`. One of an extra may be absent; where it is there, it must work.
    """

    distribution: str
    module: str
    at_least: tuple[int, ...] = (0,)
    below: tuple[int, ...] = (1_000_000,)
    extra: str = ""
    fix: str = REINSTALL

    @property
    def how_to_mend(self) -> str:
        return f"run `pip install 'hygiesync[{self.extra}]'`" if self.extra else self.fix


PACKAGES = (
    Package("numpy", "numpy", (1, 23), (2,), fix="run `pip install 'numpy<2'`: mediapipe 0.10.21 needs numpy 1"),
    Package("opencv-contrib-python", "cv2", (4, 5), (4, 12)),
    Package("av", "av", (14,)),
    Package("onnxruntime", "onnxruntime", (1, 17)),
    Package("faiss-cpu", "faiss", (1, 7)),
    Package("safetensors", "safetensors"),
    Package("threadpoolctl", "threadpoolctl"),
    Package("pillow", "PIL"),
    Package("tqdm", "tqdm"),
    Package("mediapipe", "mediapipe", (0, 10, 21), (0, 10, 22), extra="photo"),
    Package("scipy", "scipy", extra="photo"),
    Package("torch", "torch", (2, 6), extra="train"),
    Package("onnx", "onnx", extra="train"),
    Package("onnxscript", "onnxscript", extra="train"),
    Package("scikit-learn", "sklearn", extra="train"),
    Package("psutil", "psutil", extra="train"),
    Package("matplotlib", "matplotlib", extra="report"),
    Package("ray", "ray", (2, 30), extra="ray"),
    Package("s3fs", "s3fs", extra="cloud"),
)


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


def check_package(package: Package) -> Check:
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
    return Check(package.distribution, is_ok, True, detail, "" if is_ok else package.how_to_mend)


def _unloadable(package: Package, error: Exception) -> Check:
    reason = first_line(error)
    is_missing = isinstance(error, ModuleNotFoundError) and error.name == package.module
    detail = "is not installed" if is_missing else f"can't be imported ({reason})"
    is_required = not (package.extra and is_missing)
    return Check(package.distribution, False, is_required, detail, fix_for(reason, package.how_to_mend))


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
    return Check("one OpenCV", False, True, detail, _ONE_OPENCV.format(names=" ".join(builds)) if builds else REINSTALL)
