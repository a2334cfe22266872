"""Several networks that answer as one: the mean of what each of them makes of the sound.

Networks that were trained with other draws of windows, noise and dropout err in other places, and their mean errs less
than each of them. What is averaged are the answers *before* any closing, shapes and log-odds alike, so that the lips
meet where the ensemble thinks so, and not half where half of it does.

References
----------
Hansen & Salamon, *Neural Network Ensembles*, 1990.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from hygiesync.learning.mouth_network import Answer, MouthNetwork
from hygiesync.learning.network import NetworkSettings, NetworkState, SpeechToShape
from hygiesync.learning.whole_network import WholeNetworkSettings, WholeSpeechToShape

Member = TypeVar("Member", bound=MouthNetwork)


class _Averaged(nn.Module, Generic[Member]):
    """What ensembles of every kind have: members, and what the first one decides for all."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def opening_gain(self) -> Tensor:
        """How far openings are stretched."""
        return self._first.opening_gain

    @property
    def early_opening_gain(self) -> Tensor:
        """The same for each early head."""
        return self._first.early_opening_gain

    def opening(self, coefficients: Tensor) -> Tensor:
        """Opening (B, T) of mouths (B, T, n_components), canonical units."""
        return self._first.opening(coefficients)

    @property
    def _members(self) -> list[Member]:
        return cast(list[Member], list(self.members))

    @property
    def _first(self) -> Member:
        return self._members[0]


class Ensemble(_Averaged[SpeechToShape]):
    """Answers as one :class:`SpeechToShape` does, by the mean of several.

    Parameters
    ----------
    members : sequence of SpeechToShape
        Of one size, for one person. The closing, and how far openings are stretched, are the first one's.
    """

    @property
    def settings(self) -> NetworkSettings:
        """Sizes of each member."""
        return self._first.settings

    def initial_state(self, batch_size: int = 1) -> NetworkState:
        """State before anything was heard: zeros."""
        return _joined([member.initial_state(batch_size) for member in self._members])

    def forward(self, mel: Tensor, state: NetworkState | None = None) -> tuple[Tensor, NetworkState]:
        """See :meth:`SpeechToShape.forward`."""
        coefficients, _, state = self.predict(mel, state)
        return coefficients, state

    def predict(self, mel: Tensor, state: NetworkState | None = None) -> tuple[Tensor, list[Tensor], NetworkState]:
        """See :meth:`SpeechToShape.predict`."""
        answers, state = self.raw_outputs(mel, state)
        return (*self._first.apply_closure(answers), state)

    def raw_outputs(self, mel: Tensor, state: NetworkState | None = None) -> tuple[list[Answer], NetworkState]:
        """The mean of what the members make of it; see :meth:`SpeechToShape.raw_outputs`."""
        states = _apart(self.initial_state(mel.shape[0]) if state is None else state, len(self._members))
        heard = [member.raw_outputs(mel, own) for member, own in zip(self._members, states, strict=True)]
        by_moment = zip(*(answers for answers, _ in heard), strict=True)
        mean = [(_mean([one[0] for one in same]), _mean([one[1] for one in same])) for same in by_moment]
        return mean, _joined([following for _, following in heard])


class WholeEnsemble(_Averaged[WholeSpeechToShape]):
    """Answers as one :class:`WholeSpeechToShape` does, by the mean of several.

    Parameters
    ----------
    members : sequence of WholeSpeechToShape
        For one person; they may differ in their context. The closing, and how far openings are stretched, are the
        first one's.
    """

    @property
    def settings(self) -> WholeNetworkSettings:
        """Sizes of the first."""
        return self._first.settings

    def forward(self, heard: Tensor) -> Tensor:
        """See :meth:`WholeSpeechToShape.forward`."""
        return self.predict(heard)[0]

    def predict(self, heard: Tensor) -> tuple[Tensor, list[Tensor], None]:
        """See :meth:`WholeSpeechToShape.predict`."""
        answers, state = self.raw_outputs(heard)
        return (*self._first.apply_closure(answers), state)

    def raw_outputs(self, heard: Tensor) -> tuple[list[Answer], None]:
        """The mean of what the members make of it; see :meth:`WholeSpeechToShape.raw_outputs`."""
        answers = [member.raw_outputs(heard)[0][0] for member in self._members]
        return [(_mean([shapes for shapes, _ in answers]), _mean([logits for _, logits in answers]))], None


def _mean(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors).mean(0)


def _joined(states: list[NetworkState]) -> NetworkState:
    """One state for all: every member's convolutions, and the LSTMs' layers on top of each other."""
    convolutions = tuple(past for state in states for past in state.convolutions)
    return NetworkState(
        convolutions, torch.cat([state.hidden for state in states]), torch.cat([state.cell for state in states])
    )


def _apart(state: NetworkState, n_members: int) -> list[NetworkState]:
    """Inverse of :func:`_joined`."""
    n_each = len(state.convolutions) // n_members
    return [
        NetworkState(state.convolutions[number * n_each : (number + 1) * n_each], hidden, cell)
        for number, (hidden, cell) in enumerate(
            zip(state.hidden.chunk(n_members), state.cell.chunk(n_members), strict=True)
        )
    ]
