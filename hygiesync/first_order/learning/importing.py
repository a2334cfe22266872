"""Published checkpoints: read without running anything in them, checked tensor by tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hygiesync.errors import InputError
from hygiesync.first_order.learning.generator import Generator, PaintingPart
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.safe_loading import load_safely
from hygiesync.first_order.learning.segmentation import SegmentationNetwork
from hygiesync.first_order.settings import Configuration

_PARALLEL = "module."
"""What torch's DataParallel puts before each name."""

_SEGMENTED_NAMES = {"kp": "shift", "jacobian": "affine", "semantic_seg": "segmentation"}
"""Heads of the key point detector, and what co-segmentation calls them."""

_DETECTORS, _GENERATORS = ("kp_detector", "segmentation_module"), ("generator", "reconstruction_module")
"""What the networks are called, in either publication."""


def read_checkpoint_file(path: Path) -> dict[str, Any]:
    """The content of a ``.pth.tar``, in torch's old or new format.

    Raises
    ------
    InputError
        When it is no such file, or would run code.
    """
    content = load_safely(path, "a checkpoint, such as vox-cpk.pth.tar")
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected networks by name, got something else; name a first order checkpoint")
    return content


def networks_of_checkpoint(path: Path, configuration: Configuration) -> tuple[KeypointDetector, Generator]:
    """Networks with a published checkpoint's weights.

    Optimisers and the discriminator in it are left aside, and so are prefixes of parallel training. A checkpoint of
    co-segmentation is read as well, where it has the first order model's networks (``vox-first-order``).

    Raises
    ------
    InputError
        When a network or a tensor is missing, too many, or of another shape.
    """
    content = read_checkpoint_file(path)
    detector, generator = KeypointDetector(configuration.model), Generator(configuration.model)
    heads = {own: name for name, own in _SEGMENTED_NAMES.items()}
    tensors = _renamed(tensors_of(content, _DETECTORS, path), heads)
    load_checked(detector, _without(tensors, "semantic_seg"), f"{path}: {_DETECTORS[0]}")
    tensors = tensors_of(content, _GENERATORS, path)
    load_checked(generator, _without(tensors, "blend_downsample"), f"{path}: {_GENERATORS[0]}")
    return detector.eval(), generator.eval()


def segmented_networks_of_checkpoint(
    path: Path, configuration: Configuration
) -> tuple[SegmentationNetwork, PaintingPart]:
    """Networks of co-segmentation, with a published checkpoint's weights, as :func:`networks_of_checkpoint`."""
    content, model = read_checkpoint_file(path), configuration.model
    segmentation, painting = SegmentationNetwork(model), PaintingPart(model.generator, model.n_channels)
    tensors = _renamed(tensors_of(content, _DETECTORS, path), _SEGMENTED_NAMES)
    load_checked(segmentation, tensors, f"{path}: {_DETECTORS[1]}")
    tensors = _without(tensors_of(content, _GENERATORS, path), "blend_downsample", "dense_motion_network")
    load_checked(painting, tensors, f"{path}: {_GENERATORS[1]}")
    return segmentation.eval(), painting.eval()


def tensors_of(content: dict[str, Any], names: tuple[str, ...], path: Path) -> dict[str, Tensor]:
    """A network's tensors under the first of its names that is there, without prefixes of parallel training.

    Raises
    ------
    InputError
        When there is none.
    """
    for name in names:
        if isinstance(content.get(name), dict):
            return {str(key).removeprefix(_PARALLEL): tensor for key, tensor in content[name].items()}
    found = ", ".join(map(str, content)) or "nothing"
    raise InputError(f"{path}: expected a network {names[0]}, found {found}; name a first order checkpoint")


def load_checked(network: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Give a network its tensors, after each name and shape was compared.

    Raises
    ------
    InputError
    """
    state = network.state_dict()
    counts = {name: own for name, own in state.items() if name.endswith("num_batches_tracked")}
    tensors = counts | tensors
    missing = [name for name in state if name not in tensors]
    unknown = [name for name in tensors if name not in state]
    advice = "is it of this configuration?"
    if missing:
        raise InputError(f"{where}: {missing[0]} is missing ({len(missing)} in all); {advice}")
    if unknown:
        raise InputError(f"{where}: {unknown[0]} is unknown ({len(unknown)} in all); {advice}")
    for name, own in state.items():
        given = tensors[name]
        if not isinstance(given, Tensor) or given.shape != own.shape:
            got = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
            raise InputError(f"{where}: {name}: expected shape {tuple(own.shape)}, got {got}; {advice}")
        if given.is_floating_point() and not bool(torch.isfinite(given).all()):
            raise InputError(f"{where}: {name}: holds values that are no numbers; download it again")
    network.load_state_dict({name: tensors[name] for name in state})


def _renamed(tensors: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    """The tensors with the first part of their names replaced where it is known."""
    parts = {name: name.partition(".") for name in tensors}
    return {f"{names.get(first, first)}{dot}{rest}": tensors[name] for name, (first, dot, rest) in parts.items()}


def _without(tensors: dict[str, Tensor], *parts: str) -> dict[str, Tensor]:
    """The tensors but those of some parts."""
    return {name: tensor for name, tensor in tensors.items() if name.partition(".")[0] not in parts}
