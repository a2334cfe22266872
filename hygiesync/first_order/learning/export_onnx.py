"""Networks as the ONNX graphs of a bundle (:mod:`hygiesync.first_order.bundle`)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from hygiesync.first_order.learning.folding import folded
from hygiesync.first_order.learning.generator import Generator, PaintingPart
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.motion import Points, coordinate_grid, resized, resized_grid
from hygiesync.first_order.learning.segmentation import SegmentationNetwork
from hygiesync.first_order.settings import Configuration
from hygiesync.learning.export_onnx import quiet_exporter


class _FindPoints(nn.Module):
    def __init__(self, detector: KeypointDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        points = self.detector(picture)
        return points.value, points.jacobian


class _FindSegments(nn.Module):
    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        segments = self.network(picture)
        return segments.maps, segments.points.value, segments.points.jacobian


class _EncodeFeatures(nn.Module):
    def __init__(self, painting: PaintingPart) -> None:
        super().__init__()
        self.painting = painting

    def forward(self, picture: Tensor) -> Tensor:
        return self.painting.encode(picture)


class _Encode(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        return self.generator.encode(picture), self.generator.dense_motion_network.down(picture)


class _Move(nn.Module):
    """Deformation and occlusion in the size of the features."""

    def __init__(self, generator: Generator, side: int) -> None:
        super().__init__()
        self.network, self.side = generator.dense_motion_network, side

    def forward(self, small: Tensor, *points: Tensor) -> tuple[Tensor, Tensor]:
        source, driving = Points(*points[:2]), Points(*points[2:])
        motion = self.network.of_small(small, driving, source)
        occlusion = torch.ones_like(motion.mask[:, :1]) if motion.occlusion is None else motion.occlusion
        return resized_grid(motion.deformation, self.side, self.side), resized(occlusion, self.side, self.side)


class _Paint(nn.Module):
    def __init__(self, painting: PaintingPart, aligns_corners: bool) -> None:
        super().__init__()
        self.painting, self.aligns_corners = painting, aligns_corners

    def forward(
        self, features: Tensor, deformation: Tensor, occlusion: Tensor, picture: Tensor | None = None
    ) -> Tensor:
        return self.painting.paint(features, deformation, occlusion, self.aligns_corners, picture)


def export_graphs(detector: KeypointDetector, generator: Generator, size: int, folder: Path) -> None:
    """Write the four graphs of a model for pictures of `size` x `size` pixels.

    Parameters
    ----------
    detector : KeypointDetector
    generator : Generator
    size : int
    folder : Path
    """
    detector, generator = folded(detector).float(), folded(generator).float()
    picture = torch.rand(1, 3, size, size)
    with torch.no_grad():
        # tensors of their own for source and driving picture: the exporter takes one tensor given twice for one input
        points = (*detector(picture), *detector(torch.rand_like(picture)))
        features, small = _Encode(generator)(picture)
        move = _Move(generator, features.shape[-1])
    names = ["source_value", "source_jacobian", "driving_value", "driving_jacobian"]
    _write(folder / "points.onnx", _FindPoints(detector), (picture,), ["picture"], ["value", "jacobian"])
    _write(folder / "encode.onnx", _Encode(generator), (picture,), ["picture"], ["features", "small"])
    _write(
        folder / "motion.onnx", move, (small, *points), ["small", *names], ["deformation", "occlusion"]
    )  # fmt: skip
    kept = picture if generator.settings.generator.keeps_pixels else None
    _write_paint(folder, generator, features, generator.settings.aligns_corners, kept)


def export_segmented_graphs(
    segmentation: SegmentationNetwork, painting: PaintingPart, configuration: Configuration, folder: Path
) -> None:
    """Write the three graphs of a model of co-segmentation."""
    segmentation, painting = folded(segmentation).float(), folded(painting).float()
    picture = torch.rand(1, 3, configuration.data.frame_size, configuration.data.frame_size)
    with torch.no_grad():
        features = painting.encode(picture)
    outputs = ["segmentation", "value", "jacobian"]
    _write(folder / "segments.onnx", _FindSegments(segmentation), (picture,), ["picture"], outputs)
    _write(folder / "encode.onnx", _EncodeFeatures(painting), (picture,), ["picture"], ["features"])
    _write_paint(folder, painting, features, configuration.model.aligns_corners)


def _write_paint(
    folder: Path, painting: PaintingPart, features: Tensor, aligns_corners: bool, picture: Tensor | None = None
) -> None:
    height, width = features.shape[2:]
    inputs = {
        "features": features,
        "deformation": coordinate_grid(height, width, features)[None],
        "occlusion": torch.ones(1, 1, height, width),
    }
    if picture is not None:
        inputs["picture"] = picture
    module = _Paint(painting, aligns_corners)
    _write(folder / "paint.onnx", module, tuple(inputs.values()), list(inputs), ["prediction"])


def _write(path: Path, module: nn.Module, arguments: tuple[Tensor, ...], inputs: list[str], outputs: list[str]) -> None:
    with quiet_exporter():
        torch.onnx.export(
            module.eval(), arguments, path, input_names=inputs, output_names=outputs, opset_version=18, dynamo=True,
            external_data=False,
        )  # fmt: skip
