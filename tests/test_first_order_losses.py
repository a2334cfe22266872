"""The losses of the first order model, one training step against published numbers, and their gradients."""

from __future__ import annotations

import copy
import dataclasses
from functools import cache
from pathlib import Path

import first_order_golden as golden
import pytest
import torch
from first_order_golden import near
from safetensors.torch import save_file
from torch import Tensor

from hygiesync.errors import InputError
from hygiesync.first_order.learning.looks import DetailLooks, PerceptualLooks, Vgg19, pyramid
from hygiesync.first_order.learning.motion import inverse_2x2
from hygiesync.first_order.learning.objective import Networks
from hygiesync.first_order.learning.steps import Steps
from hygiesync.first_order.learning.thin_plate import ThinPlateTransform
from hygiesync.first_order.settings import (
    Configuration,
    DataSettings,
    DenseMotionSettings,
    DiscriminatorSettings,
    GeneratorSettings,
    KeypointSettings,
    LossWeights,
    ModelSettings,
    TrainingSettings,
)

TINY = ModelSettings(
    n_points=4,
    keypoints=KeypointSettings(base_channels=8, max_channels=32, n_blocks=3, scale=0.5),
    dense_motion=DenseMotionSettings(base_channels=8, max_channels=32, n_blocks=3, scale=0.5),
    generator=GeneratorSettings(base_channels=8, max_channels=32, n_residual=2),
    discriminator=DiscriminatorSettings(base_channels=8, max_channels=32, n_blocks=3),
)
PLAIN_STEPS = [
    [39.00406, 1.176386, 16.63626, 3.581963, 1.055539, 2.090069],
    [38.18883, 1.146417, 16.18927, 3.827022, 1.018676, 1.884269],
]
SPECTRAL_STEPS = [
    [39.00406, 2.02446, 14.23131, 3.581963, 1.055539, 2.583089],
    [38.02822, 2.00469, 13.31456, 3.630362, 0.9645457, 2.4162],
]
SEES_POINTS_STEPS = [[39.00406, 1.030114, 13.8807, 3.581963, 1.055539, 1.926029]]
NOT_ALIGNED_STEPS = [[38.80034, 1.172466, 16.08197, 3.482727, 1.084341, 2.089797]]
WITHOUT_GAN_STEPS = [[39.00406, 3.581963, 1.055539]]


def deterministic_transform() -> ThinPlateTransform:
    affine = torch.eye(2, 3, dtype=torch.float64) + 0.1 * _signed(12, 9001).view(2, 2, 3)
    return ThinPlateTransform(affine, 0.01 * _signed(50, 9002).view(2, 25))


def _signed(n: int, key: int) -> Tensor:
    return torch.from_numpy(2 * golden.uniform(n, key) - 1)


@cache
def formula_vgg() -> Vgg19:
    """Its weights are fixed, so that tests may share it."""
    network = Vgg19()
    golden.fill(network, 3000)
    network.mean.copy_(Vgg19().mean)
    network.std.copy_(Vgg19().std)
    return network


@cache
def double_vgg() -> Vgg19:
    return copy.deepcopy(formula_vgg()).double()


def configuration(model: ModelSettings = TINY, gan: float = 1.0) -> Configuration:
    weights = LossWeights(generator_gan=gan, feature_matching=(10.0, 10.0, 10.0))
    training = TrainingSettings(scales=(1.0, 0.5), weights=weights)
    return Configuration(model=model, data=DataSettings(frame_size=64), training=training)


def steps_of(settings: Configuration) -> Steps:
    networks = Networks(settings)
    golden.fill(networks.kp_detector, 0)
    golden.fill(networks.generator, 1000)
    if networks.discriminator is not None:
        golden.fill(networks.discriminator, 2000)
    looks = PerceptualLooks(double_vgg(), settings.training.weights.perceptual)
    return Steps(networks.double(), settings, looks)


SPECTRAL = dataclasses.replace(TINY, discriminator=dataclasses.replace(TINY.discriminator, is_spectral=True))
SEES_POINTS = dataclasses.replace(TINY, discriminator=dataclasses.replace(TINY.discriminator, sees_points=True))
NOT_ALIGNED = dataclasses.replace(TINY, aligns_corners=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (configuration(), PLAIN_STEPS),
        (configuration(SPECTRAL), SPECTRAL_STEPS),
        (configuration(SEES_POINTS), SEES_POINTS_STEPS),
        (configuration(NOT_ALIGNED), NOT_ALIGNED_STEPS),
        (configuration(gan=0.0), WITHOUT_GAN_STEPS),
    ],
    ids=["plain", "spectral", "sees points", "not aligned", "without gan"],
)
def test_training_steps_give_the_published_losses(settings: Configuration, wanted: list[list[float]]) -> None:
    steps = steps_of(settings)
    source, driving = golden.batch(64, (0, 0), (1, 0)), golden.batch(64, (0, 0.15), (1, -0.1))
    for number, losses in enumerate(wanted):
        figures = steps.step(source, driving, deterministic_transform())
        # later steps amplify rounding: Adam divides by tiny second moments
        near(list(figures.values()), losses, 1e-6 if number == 0 else 1e-3)
        if number == 0 and wanted is PLAIN_STEPS:
            check_first_gradients(steps.networks)


def check_first_gradients(networks: Networks) -> None:
    """Of the first step with a discriminator; they stay until the next one."""
    for network, wanted in ((networks.kp_detector, 2868.663), (networks.generator, 121.1138)):
        squares = [float((p.grad**2).sum()) for p in network.parameters() if p.grad is not None]
        assert sum(squares) ** 0.5 == pytest.approx(wanted, rel=1e-5)
    assert networks.kp_detector.kp.weight.grad is not None
    near(networks.kp_detector.kp.weight.grad.flatten()[:3], [-0.8884541, -2.070213, -5.469378])


def test_the_transform_is_the_published_one() -> None:
    transform = deterministic_transform()
    points = torch.tensor([[[0.25, -0.5], [0.9, 0.1], [-0.3, 0.7]], [[0, 0], [0.5, 0.5], [-1, 1]]]).double()
    points[0] = torch.tensor([[0.25, -0.5], [0.9, 0.1], [-0.3, 0.7]], dtype=torch.float64)
    near(
        transform(points),
        [
            0.1376155, -0.5713015, 0.8495574, 0.109682, -0.3036292, 0.7304701, 0.03247194, 0.08990862, 0.5697957,
            0.5710726, -0.617076, 1.342279,
        ],
    )  # fmt: skip
    near(transform.jacobian(points)[0, 0], [1.196117, -0.002881557, 0.2204773, 1.002464])
    near(transform.jacobian(points)[1, 2], [0.7233766, 0.3313503, -0.2837423, 1.22615])
    pictures = golden.batch(64, (0, 0), (1, 0))
    deformed = transform.deformed(pictures, True)
    near(golden.summary(deformed), [0.47912, 0.21322, 0.9946114])
    near(deformed[:, :, 20, 30], [0.2624868, 0.3762153, 0.562972, 0.677642, 0.615067, 0.2760371])


def test_the_transform_s_jacobian_is_its_derivative() -> None:
    transform = deterministic_transform()
    points = _signed(8, 5).view(2, 2, 2).requires_grad_()
    moved = transform(points)
    rows = [torch.autograd.grad(moved[..., axis].sum(), points, retain_graph=True)[0] for axis in (0, 1)]
    torch.testing.assert_close(transform.jacobian(points), torch.stack(rows, -2))
    assert torch.autograd.gradcheck(transform.jacobian, points)
    assert torch.autograd.gradcheck(transform, points)


def test_the_looks_losses_have_right_gradients() -> None:
    real = pyramid(golden.batch(16, (0, 0.1)), (1.0, 0.5))
    made = golden.batch(16, (0, 0)).requires_grad_()
    looks = DetailLooks()
    assert torch.autograd.gradcheck(lambda x: looks(pyramid(x, (1.0, 0.5)), real), made)
    assert float(looks(real, real)) == pytest.approx(0, abs=1e-9)


def test_detail_looks_prefer_a_shifted_texture_to_a_blurred_one() -> None:
    torch.manual_seed(0)
    texture = torch.rand(1, 3, 32, 32)
    shifted, blurred = texture.roll(3, -1), torch.full_like(texture, float(texture.mean()))
    values_only = (texture - shifted).abs().mean() > (texture - blurred).abs().mean()
    assert values_only
    looks = DetailLooks(weight=1.0, strength=20.0)
    one = {1.0: texture}
    assert float(looks({1.0: shifted}, one)) < float(looks({1.0: blurred}, one))


def test_vgg_gives_the_published_features() -> None:
    layers = double_vgg()(golden.batch(64, (0, 0)))
    means = [0.5040695, 0.4124357, 0.5002019, 0.5450151, 0.5435873]
    near([float(layer.mean()) for layer in layers], means)
    near(layers[2][0, :3, 1, 1], [1.541041, 0.5597966, 0.1191406])


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_vgg_is_read_from_a_file(tmp_path: Path, suffix: str) -> None:
    state = {k: v for k, v in formula_vgg().state_dict().items() if k.startswith("features.")}
    state["classifier.0.weight"] = torch.zeros(2, 2)
    path = tmp_path / f"vgg{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    read = Vgg19.from_file(path).state_dict()
    assert all(torch.equal(read[name], state[name]) for name in state if name in read)


def test_a_file_that_is_no_vgg_is_refused(tmp_path: Path) -> None:
    save_file({"features.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"features\.0\.weight: expected VGG19's shape"):
        Vgg19.from_file(tmp_path / "other.safetensors")


def test_a_singular_jacobian_has_a_finite_inverse() -> None:
    matrices = torch.tensor([[[1.0, 2.0], [2.0, 4.0]], [[2.0, 0.0], [0.0, 4.0]]], requires_grad=True)
    inverse = inverse_2x2(matrices)
    inverse.sum().backward()
    assert torch.isfinite(inverse).all()
    assert matrices.grad is not None
    assert torch.isfinite(matrices.grad).all()
    torch.testing.assert_close(inverse[1], torch.diag(torch.tensor([0.5, 0.25])))
