"""The parts of an installation that only some commands need, and what is said where one is missing.

Speaking needs the core alone. What else a command needs is an *extra*, ``pip install 'hygiesync[train]'``; setup.cfg
names the distributions, this file the modules that they bring.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from hygiesync.errors import MissingDependencyError

_PHOTO = ("mediapipe", "pillow_heif", "scipy")
_LIVE = ("sounddevice", "pygame")
_TRAIN = (*_PHOTO, "torch", "sklearn", "onnx", "onnxscript", "matplotlib", "psutil", "yaml")

EXTRAS: dict[str, tuple[str, ...]] = {
    "photo": _PHOTO,
    "train": _TRAIN,
    "live": _LIVE,
    "record": (*_LIVE, *_PHOTO),
    "report": (*_PHOTO, "matplotlib", "psutil"),
    "demo": (*_TRAIN, "skimage"),
    "serve": ("aiohttp", "aiortc", "cryptography", "segno", "skimage", *_PHOTO),
    "web": ("onnx",),
    "vcam": ("pyvirtualcam",),
    "piper": ("piper",),
    "ray": ("ray",),
    "cloud": ("fsspec", "s3fs"),
    "dev": ("librosa",),
}
"""Top-level modules that each extra brings; of ``dev`` those that the package itself imports, for `make generic`."""


def require(extra: str, purpose: str) -> None:
    """Say at once what is missing, before anything that takes long.

    Nothing is imported for it, so it costs next to nothing.

    Parameters
    ----------
    extra : str
        One of `EXTRAS`.
    purpose : str
        What can't be done without it, as the subject of a sentence: ``training``.

    Raises
    ------
    MissingDependencyError
        When one of the extra's modules is not installed; names all of these, and the command that brings them.
    """
    missing = [module for module in EXTRAS[extra] if not is_there(module)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise MissingDependencyError(
            f"{purpose} needs {_listed(missing)}, which {verb} not installed; {_advice(extra)}"
        )


@contextmanager
def imports_of(extra: str, purpose: str) -> Iterator[None]:
    """Turn a failing import of the body into one line that names the extra.

    Parameters
    ----------
    extra, purpose : str
        As :func:`require` has them.

    Raises
    ------
    MissingDependencyError
        When an import of the body fails: what is imported is missing, or something under it is.

    Examples
    --------
    >>> with imports_of("train", "training"):
    ...     import module_that_is_not_there
    Traceback (most recent call last):
    ...
    hygiesync.errors.MissingDependencyError: training needs module_that_is_not_there, which is not installed; run \
`pip install 'hygiesync[train]'`
    """
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"{purpose} needs {error.name or error}, which is not installed; {_advice(extra)}"
        raise MissingDependencyError(message) from error
    except ImportError as error:
        reason = str(error).strip().partition("\n")[0]
        raise MissingDependencyError(f"{purpose}: an import fails ({reason}); {_advice(extra)}") from error


def is_there(module: str) -> bool:
    """Whether a top-level module is installed; it is not imported."""
    if module in sys.modules:
        return True
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _advice(extra: str) -> str:
    return f"run `pip install 'hygiesync[{extra}]'`"
