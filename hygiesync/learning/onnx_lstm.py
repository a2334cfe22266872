"""A recurrence that exports as one node of ONNX.

torch's exporter follows an ``nn.LSTM`` step by step through all times before it writes one ``LSTM`` node after all: ten
seconds of computing for a window of ten seconds. Written as that node from the start, it takes none of them, and the
file gives the same numbers to the last bit.

References
----------
ONNX, *Operators: LSTM*, https://onnx.ai/onnx/operators/onnx__LSTM.html (order of gates, directions and axes).
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

_Network = TypeVar("_Network", bound=nn.Module)

_DIRECTIONS = ("", "_reverse")
"""Ends of the names of torch's weights, in ONNX's order."""


class _OnnxLstm(nn.Module):
    """What an ``nn.LSTM`` of one layer, both ways and batch first gives, for the exporter only."""

    weight: Tensor
    recurrence: Tensor
    bias: Tensor

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        assert lstm.bidirectional and lstm.batch_first and lstm.num_layers == 1, "others are not needed"
        self.width = lstm.hidden_size
        self.register_buffer("weight", _of_both_directions(lstm, "weight_ih"))
        self.register_buffer("recurrence", _of_both_directions(lstm, "weight_hh"))
        biases = [_of_both_directions(lstm, name) for name in ("bias_ih", "bias_hh")]
        self.register_buffer("bias", torch.cat(biases, dim=1))

    def forward(self, x: Tensor) -> tuple[Tensor]:
        n_batch, n_times, _ = x.shape
        y = torch.onnx.ops.symbolic(
            "LSTM",
            (x.transpose(0, 1), self.weight, self.recurrence, self.bias),
            {"hidden_size": self.width, "direction": "bidirectional"},
            dtype=x.dtype,
            shape=(n_times, len(_DIRECTIONS), n_batch, self.width),
        )
        return (y.permute(2, 0, 1, 3).flatten(2),)


def _of_both_directions(lstm: nn.LSTM, name: str) -> Tensor:
    """A weight of the only layer, (2, 4 * hidden_size, ...), its gates in ONNX's order: i, o, f, c."""
    weights = []
    for direction in _DIRECTIONS:
        i, f, c, o = getattr(lstm, f"{name}_l0{direction}").detach().chunk(4)
        weights.append(torch.cat([i, o, f, c]))
    return torch.stack(weights)


def with_onnx_lstms(network: _Network) -> _Network:
    """A copy of `network` for the exporter, each LSTM that hears both ways replaced by ONNX's."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.LSTM):
                setattr(module, name, _OnnxLstm(child))
    return network
