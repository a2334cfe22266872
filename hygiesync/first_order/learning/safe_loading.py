"""Files of torch's own format, read without running anything in them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from hygiesync.errors import InputError


def load_safely(path: Path, expected: str) -> Any:
    """The content of a file that ``torch.save`` wrote, in its old or new format: tensors, numbers, lists and the like.

    Parameters
    ----------
    path : Path
    expected : str
        What the file should be, for the error: ``VGG19's weights``.

    Raises
    ------
    InputError
        When it is missing, damaged, or would run code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected {expected}") from None
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: holds something other than tensors, which could run code, so it is not opened; get {expected}"
            " from where it was published"
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: can't be read as {expected} ({reason}); download it again") from error
