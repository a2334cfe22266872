"""The network that hears a whole recording, in use: a stretch of mel frames in, coefficients for each out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.speech_to_shape.onnx_step import open_session

COEFFICIENTS, SOUNDS = "coefficients", "sounds"
"""Names of what a model answers; the second only of the generic one."""


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
        self._outputs = [node.name for node in outputs]
        if [node.name for node in inputs] != ["mel"] or self._outputs[:1] != [COEFFICIENTS]:
            raise InputError("the speech model for whole recordings is a model of another kind; make the avatar again")
        self.n_frames: int = inputs[0].shape[1]

    def answer(self, mel: NDArray[Any]) -> NDArray[Any]:
        """Coefficients (n_frames, n_components), float32, of mel frames (n_frames, n_mels)."""
        return self._run(COEFFICIENTS, mel)

    def sounds(self, mel: NDArray[Any]) -> NDArray[Any]:
        """What the generic model hears (ceil(n_frames / 2), width), float32, in mel frames (n_frames, n_mels).

        Raises
        ------
        InputError
            When it is a person's model, which does not say.
        """
        if SOUNDS not in self._outputs:
            raise InputError("expected the generic speech model, which says what it hears, got a person's own")
        return self._run(SOUNDS, mel)

    def _run(self, output: str, mel: NDArray[Any]) -> NDArray[Any]:
        (found,) = self._session.run([output], {"mel": mel[None].astype(np.float32, copy=False)})
        answer: NDArray[Any] = found[0]
        return answer
