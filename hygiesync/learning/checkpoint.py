"""A training's state on disk: tensors and facts in one safetensors file, whole or not there at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hygiesync.errors import InputError

_FACTS = "facts"


def write_checkpoint(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors, and facts that JSON can hold, beside `path`, and move them there when they are whole."""
    partial = path.with_suffix(".partial")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, {_FACTS: json.dumps(facts)})
    partial.replace(path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_checkpoint` wrote.

    Raises
    ------
    InputError
        When it is damaged, or another file.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path}: the checkpoint is damaged ({error}); train again without resume") from error
    if _FACTS not in metadata:
        raise InputError(f"{path}: expected a checkpoint, got other tensors; train again without resume")
    return tensors, json.loads(metadata[_FACTS])


def save_training(
    path: Path,
    network: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
    made_with: str,
    facts: dict[str, Any],
    others: dict[str, Tensor] | None = None,
) -> None:
    """Write everything that the rest of a training depends on.

    Parameters
    ----------
    path : Path
    network : nn.Module
    optimisers : mapping of str to Optimizer
    made_with : str
        What tells this training from others: settings, data.
    facts : dict
        Whatever else there is to remember, as JSON can hold it.
    others : dict of str to Tensor, optional
        Further tensors, by names that no network and optimiser has.
    """
    tensors = {f"network.{name}": tensor for name, tensor in weights_of(network).items()} | (others or {})
    for name, optimiser in optimisers.items():
        tensors |= {f"{name}.{key}": tensor.cpu() for key, tensor in optimiser_tensors(optimiser).items()}
    write_checkpoint(path, tensors, {"made_with": made_with, **facts})


def load_training(
    path: Path, network: nn.Module, optimisers: Mapping[str, torch.optim.Optimizer], made_with: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Give network and optimisers back what :func:`save_training` wrote; all tensors and facts are returned, too.

    Raises
    ------
    InputError
        When it is damaged, or of another training.
    """
    tensors, facts = read_checkpoint(path)
    if facts["made_with"] != made_with:
        raise InputError(f"{path}: was made with other settings or data; use the same, or train again without `resume`")
    network.load_state_dict(with_prefix(tensors, "network."))
    for name, optimiser in optimisers.items():
        restore_optimiser(optimiser, with_prefix(tensors, f"{name}."))
    return tensors, facts


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter, under ``index.name``."""
    states = optimiser.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, state in states.items() for name, tensor in state.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Inverse of :func:`optimiser_tensors`."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".")
        states.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": states})


def with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those of the tensors whose names begin so, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's weights, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
