"""Parts of one picture in another: motion co-segmentation and supervised masks, against published numbers."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import first_order_golden as golden
import numpy as np
import pytest
import torch
from first_order_golden import near
from media_files import tags_of
from torch.nn import functional

from hygiesync.apps.cli import main
from hygiesync.errors import InputError, UsageError
from hygiesync.face.landmarks import find_faces
from hygiesync.face.topology import OUTER_LIPS
from hygiesync.first_order.configurations import configuration_from
from hygiesync.first_order.learning.building import import_model
from hygiesync.first_order.learning.dense_motion import DenseMotionNetwork
from hygiesync.first_order.learning.generator import PaintingPart
from hygiesync.first_order.learning.segmentation import SegmentationNetwork
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.segment_model import SegmentModel
from hygiesync.first_order.swapping import PartSwap, load_swapping_model, scaled_mask, segment_mask, warped
from hygiesync.media.images import write_png
from hygiesync.media.video import VideoWriter, probe, read_frames
from hygiesync.synthetic.portrait import Portrait
from hygiesync.weights import FIRST_ORDER_FACE

SMALL = {"base_channels": 8, "max_channels": 32}
HOURGLASS = {**SMALL, "n_blocks": 3, "scale": 0.25}
SEGMENTED = configuration_from(
    {"model": {"is_segmented": True, "keypoints": HOURGLASS, "generator": {**SMALL, "n_residual": 2}}}, "a test"
)
FIRST_ORDER = configuration_from(
    {
        "model": {
            "keypoints": {**HOURGLASS, "pads_heads": True},
            "dense_motion": HOURGLASS,
            "generator": {**SMALL, "n_residual": 2},
        }
    },
    "a test",
)


def checkpoint_content(*, has_blend_weight: bool, names: tuple[str, str]) -> dict[str, Any]:
    """A checkpoint in the published layout, of formulas."""
    model = FIRST_ORDER.model
    segmentation, painting = SegmentationNetwork(model), PaintingPart(model.generator, 3)
    golden.fill(segmentation, 0)
    golden.fill(painting, 1000)
    of_painting = dict(painting.state_dict())
    if has_blend_weight:
        of_painting["blend_downsample.weight"] = torch.zeros(1, 1, 29, 29)
    motion = DenseMotionNetwork(model)
    golden.fill(motion, 1000 + len(of_painting))
    of_painting |= {f"dense_motion_network.{name}": tensor for name, tensor in motion.state_dict().items()}
    return {names[0]: dict(segmentation.state_dict()), names[1]: of_painting, "epoch": 4}


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Under the first order model's names for networks and heads, which co-segmentation accepts."""
    folder = tmp_path_factory.mktemp("segmented")
    content = checkpoint_content(has_blend_weight=False, names=("kp_detector", "generator"))
    renamed = {"shift": "kp", "affine": "jacobian", "segmentation": "semantic_seg"}
    content["kp_detector"] = {
        ".".join([renamed.get(name.partition(".")[0], name.partition(".")[0]), *name.split(".")[1:]]): tensor
        for name, tensor in content["kp_detector"].items()
    }
    torch.save(content, folder / "vox-10segments.pth.tar")
    import_model(folder / "vox-10segments.pth.tar", SEGMENTED, folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def first_order(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first-order")
    names = "segmentation_module", "reconstruction_module"
    torch.save(checkpoint_content(has_blend_weight=True, names=names), folder / "vox-first-order.pth.tar")
    import_model(folder / "vox-first-order.pth.tar", FIRST_ORDER, folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    source, target = (golden.image(256, 0, shift).numpy().transpose(1, 2, 0) for shift in (0.0, 0.15))
    return np.ascontiguousarray(source), np.ascontiguousarray(target)


def ellipse() -> np.ndarray:
    y, x = np.mgrid[:512, :512]
    return (((x - 256) / 150) ** 2 + ((y - 280) / 190) ** 2 < 1).astype(np.float32)


@pytest.mark.slow
def test_segments_are_the_published_ones(segmented: Path, pictures: tuple[np.ndarray, np.ndarray]) -> None:
    found = SegmentModel.load(segmented).segments(pictures[0])
    assert float(found.maps.std()) == pytest.approx(0.04136609, rel=1e-4)
    near(found.maps[:4, 30, 20], [0.06913428, 0.06763944, 0.1704547, 0.05056736], 1e-4)
    near(found.points.value[:3], [-0.02353101, -0.2451223, 0.088396, 0.4586995, 0.0002169917, 0.08902747], 1e-4)
    near(found.points.jacobian[0], [1.010269, 0.02796712, 0.09931881, 0.9724207], 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uses_ellipse", "is_of_picture", "summary", "middle", "side"),
    [
        (False, False, [0.5268268, 0.2244206], [0.2931006, 0.4916959, 0.9064106], [0.3657197, 0.321111, 0.889803]),
        (False, True, [0.5269643, 0.2246947], [0.292456, 0.4922677, 0.9065389], [0.3660989, 0.3208054, 0.8897861]),
        (True, False, [0.526131, 0.2266912], [0.3050982, 0.4813911, 0.904272], [0.3614862, 0.31081, 0.8945306]),
        (True, True, [0.5261058, 0.2261679], [0.3050982, 0.4813911, 0.904272], [0.3642039, 0.3127489, 0.8948458]),
    ],
)
def test_segments_carry_parts_as_published(
    segmented: Path,
    pictures: tuple[np.ndarray, np.ndarray],
    uses_ellipse: bool,
    is_of_picture: bool,
    summary: list[float],
    middle: list[float],
    side: list[float],
) -> None:
    model = SegmentModel.load(segmented)
    source, target = pictures
    mask = ellipse() if uses_ellipse else segment_mask(model.segments(pictures[not is_of_picture]), (1, 2, 5))
    swap = PartSwap(model, source)
    made, _ = swap.draw(target, swap.look(target), mask, is_of_picture=is_of_picture)
    near([made.mean(), made.std()], summary, 1e-4)
    near(made[128, 128], middle, 1e-4)
    near(made[70, 200], side, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("is_of_picture", "summary", "side"),
    [
        (False, [0.5154132, 0.1989149], [0.3566245, 0.303157, 0.8897786]),
        (True, [0.5153981, 0.1978666], [0.3567998, 0.3024456, 0.8889952]),
    ],
)
def test_learnt_motion_carries_masked_parts_as_published(
    first_order: Path,
    pictures: tuple[np.ndarray, np.ndarray],
    is_of_picture: bool,
    summary: list[float],
    side: list[float],
) -> None:
    swap = PartSwap(load_swapping_model(first_order), pictures[0])
    made, _ = swap.draw(pictures[1], swap.look(pictures[1]), ellipse(), is_of_picture=is_of_picture)
    near([made.mean(), made.std()], summary, 1e-4)
    near(made[128, 128], [0.376276, 0.4960559, 0.7482875], 1e-4)
    near(made[70, 200], side, 1e-4)


@pytest.mark.parametrize("aligns", [True, False])
def test_planes_are_looked_up_as_torch_does(aligns: bool) -> None:
    rng = np.random.default_rng(0)
    planes = rng.normal(size=(3, 9, 12)).astype(np.float32)
    deformation = rng.uniform(-1.6, 1.6, (5, 7, 2)).astype(np.float32)
    deformation[0, 0], deformation[0, 1] = (-1, -1), (1, 1)
    wanted = functional.grid_sample(
        torch.from_numpy(planes)[None], torch.from_numpy(deformation)[None], align_corners=aligns
    )
    np.testing.assert_allclose(warped(planes, deformation, aligns_corners=aligns), wanted[0].numpy(), atol=1e-5)


@pytest.mark.slow
def test_what_can_not_be_swapped_is_named(segmented: Path, first_order: Path) -> None:
    with pytest.raises(InputError, match="co-segmentation, which swaps parts only"):
        FirstOrderModel.load(segmented)
    with pytest.raises(InputError, match="has no segments"):
        SegmentModel.load(first_order)
    with pytest.raises(UsageError, match="`segments`: expected some of 1 to 10, got 11"):
        segment_mask(SegmentModel.load(segmented).segments(np.zeros((256, 256, 3), np.uint8)), (11,))
    with pytest.raises(UsageError, match="a multiple of 64 pixels"):
        scaled_mask(np.zeros((100, 100), np.float32), 64)


def write_driving(path: Path, pictures: list[np.ndarray]) -> None:
    with VideoWriter(path, pictures[0].shape[1], pictures[0].shape[0], Fraction(25), crf=1) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, Fraction(number, 25))


@pytest.mark.slow
def test_lips_of_a_picture_come_into_a_video_and_nothing_else_changes(tmp_path: Path) -> None:
    portrait, still = Portrait(256), np.array([[1.0, 0, 0], [0, 1, 0]])
    frames = [portrait.render(opening, 0, 0, still)[0] for opening in (0.0, 0.3, 0.6, 0.3)]
    write_driving(tmp_path / "driving.mp4", frames)
    write_png(tmp_path / "face.png", np.ascontiguousarray(frames[0][:, ::-1, ::-1]))
    command = ["first-order", "swap", str(FIRST_ORDER_FACE), str(tmp_path / "face.png"), str(tmp_path / "driving.mp4")]
    options = ["--parts", "lips", "--crf", "1", "--i-have-consent", "--json", str(tmp_path / "result.json")]
    assert main([*command, *options, "--out", str(tmp_path / "out.mp4")]) == 0
    assert json.loads((tmp_path / "result.json").read_text()) == {"n_frames": 4, "n_frames_without_face": 0}
    assert "face swapped" in tags_of(tmp_path / "out.mp4")["description"]
    landmarks = find_faces(frames[0])[0][:, :2]
    lips = landmarks[list(OUTER_LIPS)]
    made, real = (next(iter(read_frames(tmp_path / name))).image.astype(float) for name in ("out.mp4", "driving.mp4"))
    changed = np.abs(made - real).mean(-1)
    x, y = lips.mean(0).astype(int)
    width = int(np.ptp(lips[:, 0]))
    assert changed[y - 4 : y + 4, x - 4 : x + 4].mean() > 4
    changed[y - width : y + width, x - width : x + width] = 0
    assert changed.mean() < 1


@pytest.mark.slow
def test_segments_come_into_a_video(segmented: Path, pictures: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    source, target = (np.rint(picture * 255).astype(np.uint8) for picture in pictures)
    write_png(tmp_path / "source.png", source)
    write_driving(tmp_path / "driving.mp4", [target, target])
    command = ["first-order", "swap", str(segmented), str(tmp_path / "source.png"), str(tmp_path / "driving.mp4")]
    command += ["--crop", "none", "--driving-crop", "none", "--i-have-consent", "--out", str(tmp_path / "out.mp4")]
    assert main([*command, "--segments", "1,2,5", "--hard", "--picture-outline"]) == 0
    assert probe(tmp_path / "out.mp4").n_frames == 2
    assert main([*command, "--segments", "1,12"]) == 2
