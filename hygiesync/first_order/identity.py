"""Who somebody looks like, in numbers, by an ONNX network that the user has: what the identity distance AED needs.

The network takes one picture, (1, 3, h, w), float32, RGB, 0 to 1, in the one size that it states, and gives one output
of float32, whatever its shape: the features of the person. What it wants besides, such as other ranges or BGR, is a
part of its graph.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.media.container import PathLike

_FLOAT = "tensor(float)"


class IdentityEmbedder:
    """A network that knows persons.

    Parameters
    ----------
    path : path
        An ``.onnx`` file; see above.

    Raises
    ------
    InputError
        When it is missing, can't be run, or takes or gives something else.
    """

    def __init__(self, path: PathLike) -> None:
        import onnxruntime

        self._path = Path(path)
        if not self._path.is_file():
            raise InputError(f"{path}: no such file; expected an ONNX network that knows persons")
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        try:
            self._session = onnxruntime.InferenceSession(
                self._path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions have no base of their own
            raise InputError(f"{path}: is no ONNX network that can be run ({type(error).__name__})") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != _FLOAT or not _is_one_picture(inputs[0].shape):
            raise InputError(
                f"{path}: expected one input (1, 3, h, w) of float32 with stated h and w, got"
                f" {[(one.type, list(one.shape)) for one in inputs]}"
            )
        if len(outputs) != 1 or outputs[0].type != _FLOAT:
            raise InputError(f"{path}: expected one output of float32, got {[one.type for one in outputs]}")
        height, width = inputs[0].shape[2:]
        self._name, self._size = inputs[0].name, (width, height)

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (n,) of a picture (h, w, 3), RGB, 0 to 1, of any size; it is scaled as a whole.

        Raises
        ------
        InputError
            When the network fails, or gives what is no number.
        """
        if picture.shape[1::-1] != self._size:
            smaller = picture.shape[1] > self._size[0]
            interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
            picture = cv2.resize(picture, self._size, interpolation=interpolation).astype(np.float32)
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
        try:
            (features,) = self._session.run(None, {self._name: planes})
        except Exception as error:  # as above
            raise InputError(f"{self._path}: fails on a picture ({type(error).__name__})") from error
        if not np.isfinite(features).all():
            raise InputError(
                f"{self._path}: gives features that are no numbers; does it want another range than 0 to 1?"
            )
        return np.asarray(features, np.float64).ravel()


def _is_one_picture(shape: list[int | str | None]) -> bool:
    """Whether an input's shape is (1, 3, h, w); a number that is left open is no int."""
    if len(shape) != 4 or shape[1] != 3 or not all(isinstance(side, int) for side in shape[2:]):
        return False
    return shape[0] == 1 or not isinstance(shape[0], int)


def identity_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Squared Euclidean distance of two persons' features; its mean over all frames is AED (paper, section 4)."""
    return float(((one - other) ** 2).sum())
