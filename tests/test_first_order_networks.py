"""The first order model's networks against published numbers, for weights and pictures that are given by formulas."""

from __future__ import annotations

import dataclasses

import first_order_golden as golden
import pytest
import torch
from first_order_golden import near

from hygiesync.first_order.configurations import read_configuration
from hygiesync.first_order.keypoints import CarryOptions, KeyPoints, carried
from hygiesync.first_order.learning.blocks import AntiAliasDown
from hygiesync.first_order.learning.dense_motion import DenseMotionNetwork
from hygiesync.first_order.learning.discriminator import Discriminator
from hygiesync.first_order.learning.folding import folded
from hygiesync.first_order.learning.generator import Generator
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.motion import Points, coordinate_grid, gaussians
from hygiesync.first_order.settings import ModelSettings

pytestmark = pytest.mark.slow  # networks of 60 million weights

VOX = read_configuration("vox").model


@pytest.fixture(scope="module")
def detector() -> KeypointDetector:
    network = KeypointDetector(VOX)
    golden.fill(network, 0)
    return network.double().eval()


@pytest.fixture(scope="module")
def generator() -> Generator:
    network = Generator(VOX)
    golden.fill(network, 1000)
    return network.double().eval()


@pytest.fixture(scope="module")
def single(generator: Generator) -> Generator:
    """The same with norms folded, in single precision, which is several times as fast."""
    return folded(generator).float()


@pytest.fixture(scope="module")
def source() -> torch.Tensor:
    return golden.batch(256, (0, 0.0))


@pytest.fixture(scope="module")
def driving() -> torch.Tensor:
    return golden.batch(256, (0, 0.15))


@torch.no_grad()
def test_the_detector_gives_the_published_points(detector: KeypointDetector, source: torch.Tensor) -> None:
    assert sum(p.numel() for p in detector.parameters()) == 14_215_368
    points = detector(source)
    near(points.value[0, :3], [-0.2762269, 0.04947397, -0.6252659, 0.6914166, -0.1074948, -0.5013516])
    near(points.value[0, 9], [-0.2703955, -0.3613452])
    near(points.jacobian[0, 0], [0.9312683, -0.02465554, 0.01915577, 0.8934344])
    near(golden.summary(points.jacobian), [0.508822, 0.5002961, 1.204919])
    in_single = folded(detector).float()(source.float())
    assert float((in_single.value - points.value).abs().max()) < 1e-4
    assert float((in_single.jacobian - points.jacobian).abs().max()) < 1e-4


@torch.no_grad()
def test_the_generator_gives_the_published_picture(
    detector: KeypointDetector, generator: Generator, single: Generator, source: torch.Tensor, driving: torch.Tensor
) -> None:
    assert sum(p.numel() for p in generator.parameters()) == 45_575_391
    points = detector(driving), detector(source)
    made = generator(source, *points)
    near(made.motion.mask[0, :4, 32, 21], [0.3618709, 0.02732511, 0.1132117, 0.03814868])
    near(made.motion.deformation[0, 32, 21], [-0.3486292, -0.0172241])
    assert made.motion.occlusion is not None
    near(made.motion.occlusion[0, 0, 32, 21], [0.599147])
    near(golden.summary(made.prediction), [0.5701363, 0.352342, 0.9934655])
    near(made.prediction[0, :, 128, 128], [0.003963099, 0.9010041, 0.9931182])
    near(made.prediction[0, :, 255, 255], [0.5444042, 0.6317018, 0.6932262])
    in_single = single(source.float(), *(Points(*(part.float() for part in some)) for some in points)).prediction
    assert float((in_single.double() - made.prediction).abs().max()) < 1e-4


@torch.no_grad()
def test_corners_may_be_read_the_newer_way(
    detector: KeypointDetector, generator: Generator, single: Generator, source: torch.Tensor, driving: torch.Tensor
) -> None:
    newer = dataclasses.replace(VOX, aligns_corners=False)
    points = detector(driving), detector(source)
    motion_network = DenseMotionNetwork(newer).double().eval()
    motion_network.load_state_dict(generator.dense_motion_network.state_dict())
    motion = motion_network(source, *points)
    near(motion.mask[0, :4, 32, 21], [0.3579587, 0.02770132, 0.1127689, 0.03845203])
    near(motion.deformation[0, 32, 21], [-0.3487948, -0.01750679])
    assert motion.occlusion is not None
    near(motion.occlusion[0, 0, 32, 21], [0.5973695])
    features = single.encode(source.float())
    prediction = single.paint(features, motion.deformation.float(), motion.occlusion.float(), aligns_corners=False)
    near(golden.summary(prediction), [0.5701108, 0.3508922, 0.9934336], 1e-4)
    near(prediction[0, :, 128, 128], [0.003989719, 0.9003028, 0.993065], 1e-4)
    near(prediction[0, :, 255, 255], [0.5372351, 0.6340601, 0.687734], 1e-4)


@torch.no_grad()
def test_relative_motion_is_the_published_one(
    detector: KeypointDetector, single: Generator, source: torch.Tensor, driving: torch.Tensor
) -> None:
    found = [detector(picture) for picture in (source, driving, golden.batch(256, (0, -0.1)))]
    of_source, of_driving, of_first = [KeyPoints(some.value[0].numpy(), some.jacobian[0].numpy()) for some in found]
    moved = carried(of_source, of_driving, of_first, CarryOptions(adapts_scale=False))
    near(moved.value[:3], [0.09839483, 0.06486134, -0.7912718, 0.7883094, -0.2517544, -0.9836588])
    moved = carried(of_source, of_driving, of_first, CarryOptions(adapts_scale=True))
    near(moved.value[:3], [0.1487994, 0.06693168, -0.8136075, 0.8013461, -0.2711642, -1.048552])
    near(moved.jacobian[0], [0.9237603, -0.02979644, 0.01835707, 0.8835788])
    target = Points(*(torch.from_numpy(part)[None].float() for part in (moved.value, moved.jacobian)))
    prediction = single(source.float(), target, Points(*(part.float() for part in found[0]))).prediction
    near(golden.summary(prediction), [0.5682534, 0.3470069, 0.9935489], 1e-4)
    near(prediction[0, :, 128, 128], [0.006940929, 0.8826241, 0.9910921], 1e-4)


@torch.no_grad()
def test_discriminators_give_the_published_maps(detector: KeypointDetector, source: torch.Tensor) -> None:
    spectral = Discriminator(VOX)
    golden.fill(spectral, 2000)
    judged = spectral.double().eval()({1.0: source})[1.0]
    near(golden.summary(judged.realness), [-10.82082, 12.73788, 48.36565])
    near([float(f.mean()) for f in judged.features], [0.7103415, 0.3258802, 0.3174525, 0.3249579])
    seeing = Discriminator(read_configuration("vox-adv").model)
    golden.fill(seeing, 2000)
    judged = seeing.double().eval()({1.0: source}, detector(source))[1.0]
    near(golden.summary(judged.realness), [0.08813493, 0.8996947, 3.324172])
    near(judged.realness[0, 0, :2, :2], [0.193782, -0.2901595, 0.07300006, -0.3701082])


@torch.no_grad()
def test_one_map_of_jacobians_serves_all_points(source: torch.Tensor) -> None:
    network = KeypointDetector(read_configuration("mgif").model)
    assert sum(p.numel() for p in network.parameters()) == 14_153_592
    golden.fill(network, 0)
    jacobian = network.double().eval()(source).jacobian
    near(jacobian[0, 0], [0.9312683, -0.02465554, 0.01915577, 0.8934344])
    near(jacobian[0, 1], [0.9360465, -0.02273073, 0.01444824, 0.8631681])


@pytest.mark.parametrize(
    ("scale", "centre", "summary", "pixel"),
    [
        (0.5, 0.6186935, [0.4727733, 0.2140753, 0.9967576], [0.6534612, 0.5128734, 0.02860697]),
        (0.25, 0.07073699, [0.467699, 0.2128674, 0.9893917], [0.5531828, 0.4437176, 0.04954402]),
        (0.125, 0.01299308, [0.4592065, 0.2105883, 0.9701875], [0.3258134, 0.2359845, 0.2576205]),
    ],
)
def test_pictures_are_made_smaller_as_published(
    scale: float, centre: float, summary: list[float], pixel: list[float]
) -> None:
    down = AntiAliasDown(3, scale)
    middle = down.weight.shape[-1] // 2
    near(down.weight[0, 0, middle, middle], [centre])
    small = down(golden.batch(256, (0, 0), dtype=torch.float32))
    near(golden.summary(small), summary)
    near(small[0, :, 3, 5], pixel)


def test_grids_and_gaussians() -> None:
    grid = coordinate_grid(5, 7, torch.zeros(1))
    near(grid[1, 2], [-1 / 3, -0.5])
    near(grid[4, 6], [1, 1])
    heat = gaussians(torch.tensor([0.25, -0.5]).double(), 8, 8)
    near([heat.sum(), heat[2, 4], heat[1, 5]], [0.6726251, 0.4364499, 0.02043909])


def test_a_model_without_jacobians_or_occlusion_works() -> None:
    settings = ModelSettings(
        n_points=3,
        keypoints=dataclasses.replace(
            VOX.keypoints, base_channels=4, max_channels=8, n_blocks=2, scale=1.0, has_jacobians=False
        ),
        dense_motion=dataclasses.replace(VOX.dense_motion, base_channels=4, max_channels=8, n_blocks=2, scale=0.5),
        generator=dataclasses.replace(VOX.generator, base_channels=4, has_occlusion=False),
    )
    pictures = golden.batch(32, (0, 0), (1, 0), dtype=torch.float32)
    points = KeypointDetector(settings)(pictures)
    assert torch.equal(points.jacobian[1, 2], torch.eye(2))
    made = Generator(settings)(pictures, points, points)
    assert made.prediction.shape == pictures.shape
    assert made.motion.occlusion is None
