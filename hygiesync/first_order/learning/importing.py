"""Published checkpoints: read without running anything in them, checked tensor by tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hygiesync.errors import InputError
from hygiesync.first_order.learning.generator import Generator
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.safe_loading import load_safely
from hygiesync.first_order.settings import Configuration

_PARALLEL = "module."
"""What torch's DataParallel puts before each name."""


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

    Optimisers and the discriminator in it are left aside, and so are prefixes of parallel training.

    Raises
    ------
    InputError
        When a network or a tensor is missing, too many, or of another shape.
    """
    content = read_checkpoint_file(path)
    detector, generator = KeypointDetector(configuration.model), Generator(configuration.model)
    for name, network in (("kp_detector", detector), ("generator", generator)):
        if not isinstance(content.get(name), dict):
            found = ", ".join(map(str, content)) or "nothing"
            raise InputError(f"{path}: expected a network {name}, found {found}; name a first order checkpoint")
        load_checked(network, content[name], f"{path}: {name}")
    return detector.eval(), generator.eval()


def load_checked(network: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Give a network its tensors, after each name and shape was compared.

    Raises
    ------
    InputError
    """
    tensors = {str(name).removeprefix(_PARALLEL): tensor for name, tensor in tensors.items()}
    state = network.state_dict()
    for name, own in state.items():
        if name not in tensors and name.endswith("num_batches_tracked"):
            tensors[name] = own
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
