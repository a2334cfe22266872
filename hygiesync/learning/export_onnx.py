"""Export of a trained network as one streaming step in ONNX, its state explicit.

inputs ``mel`` (1, 1, 80) and ``state_0 ...``; outputs ``coefficients`` (1, 1, n_components), ``next_state_0 ...``, in
the order of :meth:`NetworkState.tensors`, and ``early_0 ...``, shaped like the coefficients: the early heads' answers.
Feeding each ``next_state_i`` back as ``state_i`` gives what the network gives for the whole sequence.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from hygiesync.learning.calibration import AnyNetwork
from hygiesync.learning.ensemble import Ensemble, WholeEnsemble
from hygiesync.learning.join_onnx import join_sounds
from hygiesync.learning.network import NetworkState, SpeechToShape
from hygiesync.learning.onnx_lstm import with_onnx_lstms
from hygiesync.learning.whole_network import WholeSpeechToShape
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.hearing import STRIDE as SOUNDS_STRIDE
from hygiesync.speech_to_shape.onnx_window import COEFFICIENTS, SOUNDS
from hygiesync.speech_to_shape.whole import WINDOW_FRAMES

OPSET = 20
"""Operator set of windows: of the generic one that ships, and so of all that it is joined to."""


class _Step(nn.Module):
    """The network with its state as a flat list of tensors, as ONNX wants it."""

    def __init__(self, network: SpeechToShape | Ensemble) -> None:
        super().__init__()
        self.network = network

    def forward(self, mel: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        coefficients, early, following = self.network.predict(mel, NetworkState.from_tensors(state))
        return (coefficients, *following.tensors(), *early)


def export_step(network: AnyNetwork, path: Path) -> None:
    """Write `network` to `path` as a single streaming step.

    The time axis is fixed to one frame: PyTorch's exporter bakes in whatever length it is shown.
    """
    assert isinstance(network, SpeechToShape | Ensemble), "others hear no single frames"
    network.eval()
    state = network.initial_state().tensors()
    names = [f"state_{index}" for index in range(len(state))]
    early = [f"early_{index}" for index in range(len(network.settings.early_frames))]
    with quiet_exporter():
        torch.onnx.export(
            _Step(network),
            (torch.zeros(1, 1, N_MELS), *state),
            path,
            input_names=["mel", *names],
            output_names=["coefficients", *(f"next_{name}" for name in names), *early],
            dynamo=True,
            external_data=False,
        )


def export_window(network: nn.Module, path: Path, outputs: tuple[str, ...] = (COEFFICIENTS,)) -> None:
    """Write `network` to `path` as a window of `WINDOW_FRAMES` mel frames: input ``mel``, output ``coefficients``.

    It is called with mel frames (1, WINDOW_FRAMES, N_MELS) alone: no streaming network, which has a state.
    """
    _export_window(network.eval(), path, ("mel",), (torch.zeros(1, WINDOW_FRAMES, N_MELS),), outputs)


def export_persons_window(network: AnyNetwork, path: Path, generic: bytes) -> None:
    """The same of a person's network; where it hears the sounds of the `generic` model, that model comes with it."""
    assert isinstance(network, WholeSpeechToShape | WholeEnsemble), "others have a state"
    n_sounds = network.settings.n_sounds
    if not n_sounds:
        export_window(network, path)
        return
    heard = (torch.zeros(1, WINDOW_FRAMES, N_MELS), torch.zeros(1, WINDOW_FRAMES // SOUNDS_STRIDE, n_sounds))
    _export_window(_BesideSounds(network.eval()), path, ("mel", SOUNDS), heard, (COEFFICIENTS,))
    join_sounds(path, generic)


class _BesideSounds(nn.Module):
    """A person's network, which is given its two halves apart."""

    def __init__(self, network: WholeSpeechToShape | WholeEnsemble) -> None:
        super().__init__()
        self.network = network

    def forward(self, mel: Tensor, sounds: Tensor) -> Tensor:
        answer: Tensor = self.network(torch.cat([mel, sounds.repeat_interleave(SOUNDS_STRIDE, dim=1)], dim=2))
        return answer


def _export_window(
    network: nn.Module, path: Path, inputs: tuple[str, ...], heard: tuple[Tensor, ...], outputs: tuple[str, ...]
) -> None:
    with quiet_exporter():
        torch.onnx.export(
            with_onnx_lstms(network),
            heard,
            path,
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
        )


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """Keep the exporter's news of packages that we don't use off the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
