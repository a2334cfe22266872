"""One step of training: losses, gradients, and three optimisers in their order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from hygiesync.errors import HygieSyncError
from hygiesync.first_order.learning.looks import Looks
from hygiesync.first_order.learning.objective import DiscriminatorObjective, GeneratorObjective, Networks
from hygiesync.first_order.learning.thin_plate import ThinPlateTransform
from hygiesync.first_order.settings import Configuration

_BETAS = (0.5, 0.999)
"""Adam's, as published."""


class Steps:
    """Networks, their objectives and their optimisers.

    Parameters
    ----------
    networks : Networks
    configuration : Configuration
    looks : Looks
    wrap : callable, optional
        Wraps an objective, as several processors need it.
    precision : callable, optional
        Makes the context that losses are computed in, such as torch's autocast.
    """

    def __init__(
        self,
        networks: Networks,
        configuration: Configuration,
        looks: Looks,
        wrap: Callable[[nn.Module], nn.Module] = lambda module: module,
        precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        settings = configuration.training
        self.networks, self.settings, self._precision = networks, settings, precision
        self.generator_objective = wrap(GeneratorObjective(networks, configuration, looks))
        self.optimisers = {
            "generator": torch.optim.Adam(networks.generator.parameters(), settings.rate_generator, _BETAS),
            "kp_detector": torch.optim.Adam(networks.kp_detector.parameters(), settings.rate_keypoints, _BETAS),
        }
        self.discriminator_objective: nn.Module | None = None
        if networks.discriminator is not None:
            self.discriminator_objective = wrap(DiscriminatorObjective(networks.discriminator, configuration))
            self.optimisers["discriminator"] = torch.optim.Adam(
                networks.discriminator.parameters(), settings.rate_discriminator, _BETAS
            )

    def set_epoch(self, epoch: int) -> None:
        """Set the learning rates of an epoch, from 0."""
        factor = self.settings.decay ** sum(epoch >= milestone for milestone in self.settings.milestones)
        rates = {
            "generator": self.settings.rate_generator,
            "kp_detector": self.settings.rate_keypoints,
            "discriminator": self.settings.rate_discriminator,
        }
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = rates[name] * factor

    def step(self, source: Tensor, driving: Tensor, transform: ThinPlateTransform) -> dict[str, float]:
        """Move all weights once; gives each loss.

        Raises
        ------
        HygieSyncError
            When a loss is no longer a number; names it.
        """
        with self._precision():
            outcome = self.generator_objective(source, driving, transform)
        figures = {name: float(loss.detach()) for name, loss in outcome.losses.items()}
        self._check(figures)
        for optimiser in self.optimisers.values():
            optimiser.zero_grad()
        torch.stack(list(outcome.losses.values())).sum().backward()
        self.optimisers["generator"].step()
        self.optimisers["kp_detector"].step()
        if self.discriminator_objective is not None:
            self.optimisers["discriminator"].zero_grad()
            with self._precision():
                loss = self.discriminator_objective(outcome.generated.prediction, driving, outcome.driving)
            figures["discriminator_gan"] = float(loss.detach())
            self._check(figures)
            loss.backward()
            self.optimisers["discriminator"].step()
        return figures

    def _check(self, figures: dict[str, float]) -> None:
        astray = [name for name, value in figures.items() if not abs(value) < float("inf")]
        if astray:
            raise HygieSyncError(
                f"training went astray: {' and '.join(astray)} should be a number, and is {figures[astray[0]]};"
                f" {_CAUSES.get(astray[0], _CAUSES['looks'])}"
            )


_CAUSES = {
    "looks": "lower training.rate_generator",
    "generator_gan": "lower training.rate_discriminator",
    "discriminator_gan": "lower training.rate_discriminator",
    "feature_matching": "lower training.rate_discriminator",
    "equivariance_value": "lower training.rate_keypoints",
    "equivariance_jacobian": "lower training.rate_keypoints, or training.transform.sigma_tps",
}
"""What to do, by the loss that is no number."""
