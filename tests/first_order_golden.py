"""Weights and pictures that are given by a formula, so that networks can be compared with published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def uniform(n: int, key: int) -> NDArray[np.float64]:
    """Numbers in [0, 1), from 32-bit hashes of their index; numpy's own integers wrap around as the formula does."""
    x = np.arange(n, dtype=np.uint32)
    x *= np.uint32(747796405)
    x += np.uint32((key * 2891336453 + 12345) % 2**32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    return x / 2.0**32


def fill(network: nn.Module, base: int) -> None:
    """Give each tensor of a network the formula's numbers, by its place in the state dict."""
    state = network.state_dict()
    network.load_state_dict({name: _formula(name, t, base + k) for k, (name, t) in enumerate(state.items())})


def _formula(name: str, tensor: Tensor, key: int) -> Tensor:
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked" or name in ("down.weight", "dense_motion_network.down.weight"):
        return tensor
    if name == "blend_downsample.weight":
        return tensor
    u = uniform(tensor.numel(), key)
    signed = 2 * u - 1
    if leaf in ("weight_u", "weight_v"):
        values = signed / np.linalg.norm(signed)
    elif tensor.ndim >= 2:
        values = signed * np.sqrt(6 / tensor[0].numel())
        values = values * 0.1 if name in ("jacobian.weight", "affine.weight") else values
    elif name in ("jacobian.bias", "affine.bias"):
        values = np.tile([1.0, 0, 0, 1], tensor.numel() // 4)
    elif leaf == "running_var":
        values = 1 + 0.5 * u
    elif leaf == "weight":
        values = 1 + 0.2 * signed
    else:
        values = 0.1 * signed
    return torch.from_numpy(values.astype(np.float32)).view(tensor.shape)


def image(size: int, seed: int, shift: float = 0.0) -> Tensor:
    """A picture (3, size, size), float32, of sines."""
    axis = np.linspace(-1, 1, size)
    x, y = np.meshgrid(axis, axis)
    channels = [
        0.5
        + 0.25 * np.sin(5 * (x - shift) + 1.3 * ch + seed)
        + 0.25
        * np.cos(4 * (y + shift / 2) * (1 + 0.3 * ch) - 0.7 * seed)
        * np.sin(3 * (x - shift) * (y + shift / 2) + ch)
        for ch in range(3)
    ]
    return torch.from_numpy(np.stack(channels).astype(np.float32))


def batch(size: int, *pictures: tuple[int, float], dtype: torch.dtype = torch.float64) -> Tensor:
    """Pictures (n, 3, size, size) of (seed, shift)."""
    return torch.stack([image(size, seed, shift) for seed, shift in pictures]).to(dtype)


def summary(tensor: Tensor) -> list[float]:
    """Mean, standard deviation and largest absolute value."""
    values = tensor.detach().double().numpy()
    return [float(values.mean()), float(values.std()), float(np.abs(values).max())]


def near(values: Any, wanted: Sequence[float], tolerance: float = 1e-5) -> None:
    """Compare numbers, relative to those above 1."""
    values = values.detach().double().numpy() if isinstance(values, Tensor) else values
    np.testing.assert_allclose(np.ravel(values), wanted, rtol=tolerance, atol=tolerance)
