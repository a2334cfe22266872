"""Where training runs: one thread of the processor, a GPU, or several GPUs, a process each (torch's own torchrun)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import torch
from torch import nn

from hygiesync.errors import UsageError

PATIENCE = timedelta(minutes=10)
"""How long processes wait for each other before they give up."""


def process_rank() -> int:
    """The number of this process among those that ``torchrun`` started; 0, which writes files, if it is alone."""
    return int(os.environ.get("RANK", "0"))


@dataclass(frozen=True)
class Processes:
    """One process among those that train together: the one that asks.

    Attributes
    ----------
    device : torch.device
    rank : int
        This process's number; 0 writes files.
    n : int
        How many there are.
    """

    device: torch.device
    rank: int = 0
    n: int = 1

    @classmethod
    @contextmanager
    def joined(cls, device: str) -> Iterator[Processes]:
        """Join the others that ``torchrun`` started, if it did, until the context ends.

        Raises
        ------
        UsageError
            When there is no such device.
        """
        if device not in ("cpu", "cuda"):
            raise UsageError(f"`device`: expected cpu or cuda, got {device!r}")
        if device == "cuda" and not torch.cuda.is_available():
            raise UsageError("`device`: expected a GPU that torch can use, found none; train with cpu")
        n = int(os.environ.get("WORLD_SIZE", "1"))
        if n == 1:
            yield cls(torch.device(device))
            return
        place = torch.device(device, int(os.environ["LOCAL_RANK"])) if device == "cuda" else torch.device("cpu")
        if device == "cuda":
            torch.cuda.set_device(place)
        torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=PATIENCE)
        try:
            yield cls(place, torch.distributed.get_rank(), n)
        finally:
            torch.distributed.destroy_process_group()

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose gradients are shared by all processes."""
        if self.n == 1:
            return module
        if self.device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        # statistics of norms are each process's own on processors, and the first one's are kept
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)

    @property
    def precision(self) -> Callable[[], AbstractContextManager[Any]]:
        """What losses are computed in: bfloat16 where a GPU has it, which needs no scaling of gradients."""
        if self.device.type == "cuda" and torch.cuda.is_bf16_supported():
            return partial(torch.autocast, "cuda", torch.bfloat16)
        return nullcontext
