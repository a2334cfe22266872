"""The network that hears a whole recording, in use: a stretch of mel frames in, coefficients for each out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.speech_to_shape.onnx_step import open_session


class OnnxWindow:
    """Runs an exported window (see :mod:`hygiesync.learning.export_onnx`). It has no state; thread-safe.

    Parameters
    ----------
    onnx_model : bytes
        The exported window.

    Attributes
    ----------
    n_frames : int
        Mel frames that it takes at a time.

    Raises
    ------
    InputError
        When the bytes are no such model.
    """

    def __init__(self, onnx_model: bytes) -> None:
        self._session = open_session(onnx_model)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [node.name for node in inputs] != ["mel"] or [node.name for node in outputs] != ["coefficients"]:
            raise InputError("the speech model for whole recordings is a model of another kind; make the avatar again")
        self.n_frames: int = inputs[0].shape[1]

    def answer(self, mel: NDArray[Any]) -> NDArray[Any]:
        """Coefficients (n_frames, n_components), float32, of mel frames (n_frames, n_mels)."""
        (coefficients,) = self._session.run(["coefficients"], {"mel": mel[None].astype(np.float32, copy=False)})
        answer: NDArray[Any] = coefficients[0]
        return answer
