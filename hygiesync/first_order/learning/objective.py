"""What the networks are told to do better: the losses of one step.

References
----------
The paper, section 3.3; Mao et al., *Least Squares Generative Adversarial Networks*, 2017; Wang et al., *pix2pixHD*,
2018, for feature matching.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.discriminator import Discriminator, Judgement
from hygiesync.first_order.learning.generator import Generated, Generator
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.looks import Looks, pyramid
from hygiesync.first_order.learning.motion import Points, inverse_2x2, product_2x2
from hygiesync.first_order.learning.thin_plate import ThinPlateTransform
from hygiesync.first_order.settings import Configuration


class Networks(nn.Module):
    """The three networks of a model; without an adversarial loss there is no discriminator."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self.kp_detector = KeypointDetector(configuration.model)
        self.generator = Generator(configuration.model)
        is_judged = configuration.training.weights.generator_gan > 0
        self.discriminator = Discriminator(configuration.model) if is_judged else None


class Outcome(NamedTuple):
    """Losses by name, and what they are of."""

    losses: dict[str, Tensor]
    generated: Generated
    driving: Points
    source: Points


class GeneratorObjective(nn.Module):
    """What moves the generator and the key point detector."""

    def __init__(self, networks: Networks, configuration: Configuration, looks: Looks) -> None:
        super().__init__()
        self.kp_detector, self.generator = networks.kp_detector, networks.generator
        # not a part of this module: its weights are not to be moved by these losses
        self._judge = [networks.discriminator]
        self._configuration, self._looks = configuration, looks

    def forward(self, source: Tensor, driving: Tensor, transform: ThinPlateTransform) -> Outcome:
        """Losses of pictures (n, c, h, w) `source`, to be moved as `driving`."""
        settings, weights = self._configuration.training, self._configuration.training.weights
        points_source, points_driving = self.kp_detector(source), self.kp_detector(driving)
        generated = self.generator(source, points_driving, points_source)
        scales = tuple(settings.scales)
        if self._judge[0] is not None:
            scales = tuple(dict.fromkeys((*scales, *self._configuration.model.discriminator.scales)))
        made, real = pyramid(generated.prediction, scales), pyramid(driving, scales)
        losses = {}
        if sum(weights.perceptual) > 0:
            wanted = settings.scales
            losses["looks"] = self._looks({s: made[s] for s in wanted}, {s: real[s] for s in wanted})
        if self._judge[0] is not None:
            losses |= self._adversarial(self._judge[0], made, real, points_driving.detached())
        if weights.equivariance_value + weights.equivariance_jacobian > 0:
            losses |= self._equivariance(driving, points_driving, transform)
        return Outcome(losses, generated, points_driving, points_source)

    def _adversarial(
        self, judge: Discriminator, made: dict[float, Tensor], real: dict[float, Tensor], points: Points
    ) -> dict[str, Tensor]:
        weights = self._configuration.training.weights
        of_made, of_real = judge(made, points), judge(real, points)
        realness = sum(((1 - of_made[scale].realness) ** 2).mean() for scale in of_made)
        losses = {"generator_gan": weights.generator_gan * realness}
        if sum(weights.feature_matching) > 0:
            losses["feature_matching"] = _feature_matching(of_made, of_real, weights.feature_matching)
        return losses

    def _equivariance(self, driving: Tensor, points: Points, transform: ThinPlateTransform) -> dict[str, Tensor]:
        """A deformed picture's points must be the picture's points, deformed (paper, equations 7 and 8)."""
        weights, aligns = self._configuration.training.weights, self._configuration.model.aligns_corners
        deformed = self.kp_detector(transform.deformed(driving, aligns))
        losses = {}
        if weights.equivariance_value > 0:
            difference = (points.value - transform(deformed.value)).abs().mean()
            losses["equivariance_value"] = weights.equivariance_value * difference
        if weights.equivariance_jacobian > 0 and self._configuration.model.keypoints.has_jacobians:
            back = product_2x2(transform.jacobian(deformed.value), deformed.jacobian)
            ratio = product_2x2(inverse_2x2(points.jacobian), back)
            difference = (torch.eye(2).to(ratio) - ratio).abs().mean()
            losses["equivariance_jacobian"] = weights.equivariance_jacobian * difference
        return losses


class DiscriminatorObjective(nn.Module):
    """What moves the discriminator."""

    def __init__(self, discriminator: Discriminator, configuration: Configuration) -> None:
        super().__init__()
        self.discriminator = discriminator
        self._weight = configuration.training.weights.discriminator_gan
        self._scales = configuration.model.discriminator.scales

    def forward(self, made: Tensor, real: Tensor, points: Points) -> Tensor:
        """Loss of made and real pictures (n, c, h, w); `points` are the driving ones."""
        of_made = self.discriminator(pyramid(made.detach(), self._scales), points.detached())
        of_real = self.discriminator(pyramid(real, self._scales), points.detached())
        total = torch.zeros(()).to(real)
        for scale, judged in of_real.items():
            total = total + ((1 - judged.realness) ** 2 + of_made[scale].realness ** 2).mean()
        return self._weight * total


def _feature_matching(made: dict[float, Judgement], real: dict[float, Judgement], weights: tuple[float, ...]) -> Tensor:
    terms = [
        weight * (a - b).abs().mean()
        for scale, judged in made.items()
        for weight, a, b in zip(weights, real[scale].features, judged.features, strict=False)
    ]
    return torch.stack(terms).sum()
