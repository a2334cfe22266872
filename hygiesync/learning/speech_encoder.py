"""The layers before the head, pretrained on many voices: where a person's own network begins.

What a sound *is* can be learnt from any speech; only what this person's lips do with it must be learnt from the few
minutes of their video. So the convolutions and the LSTM of every avatar begin as those that
:mod:`hygiesync.learning.pretrain_encoder` has trained, and all of them go on learning.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from hygiesync.errors import InputError
from hygiesync.learning.mouth_network import MouthNetwork
from hygiesync.learning.network import SpeechToShape
from hygiesync.weights import SPEECH_ENCODER

_PARTS = ("convolutions.", "lstm.")


@dataclass(frozen=True)
class SpeechEncoder:
    """Weights of the layers before the head.

    Attributes
    ----------
    name : str
        Fingerprint of the weights.
    tensors : dict of str to Tensor
        By their names in :class:`SpeechToShape`.
    """

    name: str
    tensors: dict[str, Tensor]

    @classmethod
    def from_network(cls, network: SpeechToShape) -> SpeechEncoder:
        """The layers before a network's head."""
        tensors = {n: t.detach().half() for n, t in network.state_dict().items() if n.startswith(_PARTS)}
        return cls(_fingerprint(tensors), tensors)

    @classmethod
    def load(cls, path: Path = SPEECH_ENCODER) -> SpeechEncoder:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            When it is missing or damaged.
        """
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path}: can't be read ({error}); get it back with git, or run `make generic`") from error
        return cls(_fingerprint(tensors), tensors)

    def save(self, path: Path) -> None:
        """Write the weights, at half precision."""
        save_file({name: tensor.contiguous() for name, tensor in self.tensors.items()}, path)

    def give_to(self, network: MouthNetwork) -> None:
        """Begin with these weights.

        Raises
        ------
        InputError
            When the network has other sizes.
        """
        own = network.state_dict()
        wanted = {name: tensor.shape for name, tensor in own.items() if name.startswith(_PARTS)}
        if wanted != {name: tensor.shape for name, tensor in self.tensors.items()}:
            raise InputError("the speech encoder has other sizes than the network; run `make generic`")
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                own[name].copy_(tensor)


def _fingerprint(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
