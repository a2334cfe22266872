"""The trained network in use: mel frames in, coefficients out, one frame at a time, through onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxStep:
    """Runs an exported step (see :mod:`hygiesync.learning.export_onnx`) and keeps its state.

    Not thread-safe: it has the state of one stream.

    It runs on its caller's thread: a step takes some 30 microseconds, and a second thread only slows it.

    Parameters
    ----------
    onnx_model : bytes
        The exported step.
    early : int, optional
        Number of the early head to ask; the main head when left out.

    Raises
    ------
    InputError
        When the bytes are no such model.
    """

    def __init__(self, onnx_model: bytes, early: int | None = None) -> None:
        self._session = open_session(onnx_model)
        answer = "coefficients" if early is None else f"early_{early}"
        has_answer = answer in {node.name for node in self._session.get_outputs()}
        if "mel" not in {node.name for node in self._session.get_inputs()} or not has_answer:
            raise InputError("the speech model is a model of another kind; make the avatar again")
        self._state_shapes = {node.name: node.shape for node in self._session.get_inputs() if node.name != "mel"}
        self._outputs = [answer, *(f"next_{name}" for name in self._state_shapes)]
        self.n_components: int = self._session.get_outputs()[0].shape[-1]
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._state = {name: np.zeros(shape, np.float32) for name, shape in self._state_shapes.items()}

    def push(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Coefficients for each of some mel frames.

        Parameters
        ----------
        mel : ndarray, shape (n_frames, n_mels), float32, log10 of power

        Returns
        -------
        ndarray, shape (n_frames, n_components), float32, in standard deviations
        """
        return np.concatenate([self._step(frame) for frame in mel] or [np.zeros((0, self.n_components), np.float32)])

    def _step(self, frame: FloatArray) -> NDArray[np.float32]:
        coefficients, *state = self._session.run(self._outputs, {"mel": frame[None, None], **self._state})
        self._state = dict(zip(self._state_shapes, state, strict=True))
        return coefficients[0]


def open_session(onnx_model: bytes) -> InferenceSession:
    """A model ready to run on one thread without spinning.

    Raises
    ------
    InputError
        When the bytes are no model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(onnx_model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no other base
        reason = str(error).splitlines()[0]
        raise InputError(f"the speech model can't be loaded ({reason}); make the avatar again") from error
