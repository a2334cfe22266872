"""How unlike two pictures look: by a network that knows objects, where its weights are given, or by bands of detail.

VGG19's weights can't be had without a network, so training does without unless a file is named. A network of random
weights would be no measure of looks and is never used as one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from hygiesync.errors import InputError
from hygiesync.first_order.learning.safe_loading import load_safely

Pyramid = dict[float, Tensor]
"""The same pictures (n, c, h, w) by scale."""


class Looks(Protocol):
    """A measure of how unlike made pictures look to real ones."""

    def __call__(self, made: Pyramid, real: Pyramid) -> Tensor:
        """A number that is 0 for equal pictures; gradients flow through `made` only."""
        ...


def pyramid(pictures: Tensor, scales: tuple[float, ...]) -> Pyramid:
    """Pictures at each scale, blurred before they are made smaller."""
    from hygiesync.first_order.learning.blocks import scaled_down

    n_channels = pictures.shape[1]
    return {scale: scaled_down(n_channels, scale).to(pictures)(pictures) for scale in scales}


class DetailLooks:
    """Values, gradients and the strength of detail at each scale: what training compares by when it has no VGG19.

    Values alone are met best by a blurred picture. Gradients ask for edges in their places; strength, the standard
    deviation around each pixel of what a small blur takes away, asks for texture even where it can't be in its place.

    Parameters
    ----------
    weight : float
        Of values and gradients; strength counts `strength` times as much.

    References
    ----------
    Mathieu et al., *Deep Multi-Scale Video Prediction Beyond Mean Square Error*, 2016, for gradients; Wang et al.,
    *Multi-Scale Structural Similarity*, 2003, whose contrast factor is such a deviation.
    """

    def __init__(self, weight: float = 10.0, strength: float = 6.0) -> None:
        self.weight, self.strength = weight, strength

    def __call__(self, made: Pyramid, real: Pyramid) -> Tensor:
        """See :class:`Looks`."""
        total = torch.zeros((), dtype=next(iter(made.values())).dtype, device=next(iter(made.values())).device)
        for scale, pictures in made.items():
            total = total + self._difference(pictures, real[scale].detach())
        return self.weight * total

    def _difference(self, a: Tensor, b: Tensor) -> Tensor:
        gradients = [(a.diff(dim=axis) - b.diff(dim=axis)).abs().mean() for axis in (2, 3)]
        strength = (_detail(a) - _detail(b)).abs().mean()
        return (a - b).abs().mean() + gradients[0] + gradients[1] + self.strength * strength


_BLUR, _WINDOW = 3, 5
"""Pixels of the blur that takes detail away, and of the window that its strength is measured in."""


def _detail(pictures: Tensor) -> Tensor:
    detail = pictures - functional.avg_pool2d(pictures, _BLUR, 1, _BLUR // 2, count_include_pad=False)
    variance = functional.avg_pool2d(detail**2, _WINDOW, 1)
    # the root's slope has no end at 0; 1e-6 is a deviation of a tenth of a percent
    return torch.sqrt(variance + 1e-6)


VGG_SLICES = ((0,), (2, 5), (7, 10), (12, 14, 16, 19), (21, 23, 25, 28))
"""Numbers of VGG19's convolutions in torchvision's ``features``, up to relu1_1, 2_1, 3_1, 4_1 and 5_1."""

_POOLS_BEFORE = (5, 10, 19, 28)
_WIDTHS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256),
           16: (256, 256), 19: (256, 512), 21: (512, 512), 23: (512, 512), 25: (512, 512), 28: (512, 512)}  # fmt: skip
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vgg19(nn.Module):
    """VGG19 as torchvision has it, up to its fifth block; weights are fixed.

    References
    ----------
    Simonyan & Zisserman, *Very Deep Convolutional Networks*, 2015; Johnson et al., *Perceptual Losses*, 2016.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1))
        self.features = nn.ModuleDict({str(k): nn.Conv2d(*pair, 3, padding=1) for k, pair in _WIDTHS.items()})
        self.requires_grad_(requires_grad=False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Five layers of features of pictures (n, 3, h, w), 0 to 1, sides of at least `MIN_VGG_SIDE`."""
        x = (pictures - self.mean) / self.std
        layers = []
        for numbers in VGG_SLICES:
            for number in numbers:
                x = functional.max_pool2d(x, 2) if number in _POOLS_BEFORE else x
                x = functional.relu(self.features[str(number)](x))
            layers.append(x)
        return layers

    @classmethod
    def from_file(cls, path: Path) -> Vgg19:
        """Read weights with torchvision's names, safetensors or torchvision's own .pth; nothing in it is run.

        Raises
        ------
        InputError
            When the file is no such thing, or tensors are missing or of other shapes.
        """
        network = cls()
        tensors = _tensors_of(path)
        state = network.state_dict()
        for name, tensor in state.items():
            if name in ("mean", "std"):
                continue
            if name not in tensors or tensors[name].shape != tensor.shape:
                got = f"shape {tuple(tensors[name].shape)}" if name in tensors else "nothing"
                raise InputError(f"{path}: {name}: expected VGG19's shape {tuple(tensor.shape)}, got {got}")
            state[name] = tensors[name]
        network.load_state_dict(state)
        return network


class PerceptualLooks:
    """Differences of a network's features, each layer with its own weight (paper, equation 9)."""

    def __init__(self, network: Vgg19, weights: tuple[float, ...]) -> None:
        self.network, self.weights = network, weights

    def __call__(self, made: Pyramid, real: Pyramid) -> Tensor:
        """See :class:`Looks`."""
        first = next(iter(made.values()))
        self.network.to(first)
        total = torch.zeros((), dtype=first.dtype, device=first.device)
        for scale, pictures in made.items():
            layers = zip(self.weights, self.network(pictures), self.network(real[scale].detach()), strict=False)
            for weight, a, b in layers:
                total = total + weight * (a - b.detach()).abs().mean()
        return total


def _tensors_of(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix == ".safetensors" and path.exists():
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: can't be read as VGG19's weights ({reason})") from error
    else:
        tensors = load_safely(path, "VGG19's weights")
    if not isinstance(tensors, dict):
        raise InputError(f"{path}: expected VGG19's weights by name, got something else")
    return {name: t for name, t in tensors.items() if isinstance(t, Tensor) and re.fullmatch(r"features\..*", name)}
