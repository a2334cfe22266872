"""Norms folded into the convolutions before them: what a norm does in evaluation is a scale and a shift."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hygiesync.first_order.learning.blocks import Down, Residual, Same, Up

SomeModule = TypeVar("SomeModule", bound=nn.Module)


def folded(network: SomeModule) -> SomeModule:
    """A copy of a network, in evaluation mode, that gives the same with fewer layers.

    Of a residual block only the second norm comes right after a convolution; the first stays.
    """
    network = copy.deepcopy(network).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Down | Up | Same):
                module.conv, module.norm = fuse_conv_bn_eval(module.conv, module.norm), nn.Identity()  # type: ignore[assignment]
            elif isinstance(module, Residual):
                module.conv1, module.norm2 = fuse_conv_bn_eval(module.conv1, module.norm2), nn.Identity()  # type: ignore[assignment]
    return network
