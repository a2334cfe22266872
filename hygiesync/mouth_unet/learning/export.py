"""Export of a painter to ONNX with fixed shapes, batch normalisation folded into the convolutions."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hygiesync.learning.export_onnx import quiet_exporter
from hygiesync.mouth_unet.learning.network import MouthUNet
from hygiesync.mouth_unet.patch import MouthPatch


def export_painter(network: MouthUNet, patch: MouthPatch, path: Path) -> None:
    """Write a painter of single patches: inputs ``reference, outline, numbers``, output ``painted``."""
    folded = _folded(network)
    linear = folded.film[0]
    assert isinstance(linear, nn.Linear)
    size = (1, patch.height, patch.width)
    example = (
        torch.zeros(*size, 3, dtype=torch.uint8),
        torch.zeros(*size, 2, dtype=torch.uint8),
        torch.zeros(1, linear.in_features),
    )
    with quiet_exporter():
        torch.onnx.export(
            folded,
            example,
            path,
            input_names=["reference", "outline", "numbers"],
            output_names=["painted"],
            dynamo=True,
            external_data=False,
        )


def _folded(network: MouthUNet) -> MouthUNet:
    """A copy for use, whose normalisations are part of the convolutions before them."""
    folded = copy.deepcopy(network).eval()
    for block in [folded.first, *folded.down, *folded.up]:
        assert isinstance(block, nn.Sequential)
        for number, layer in enumerate(block):
            if isinstance(layer, nn.Conv2d):
                normalisation = block[number + 1]
                assert isinstance(normalisation, nn.BatchNorm2d)
                block[number] = fuse_conv_bn_eval(layer, normalisation)
                block[number + 1] = nn.Identity()
    return folded
