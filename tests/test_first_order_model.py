"""First order models on disk and at work: imported, exported, broken, drawing, animating."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import first_order_golden as golden
import first_order_shapes as shapes
import numpy as np
import pytest
import torch
from first_order_shapes import shape_clip, write_shapes
from media_files import tags_of

from hygiesync.apps.cli import main
from hygiesync.apps.make_first_order import write_small
from hygiesync.errors import InputError, UsageError
from hygiesync.first_order.animation import MovingPicture, SquarePicture, best_reference
from hygiesync.first_order.bundle import ModelManifest, write_model
from hygiesync.first_order.clips import open_clip
from hygiesync.first_order.configurations import configuration_from, read_configuration
from hygiesync.first_order.keypoints import CarryOptions, KeyPoints, PointFilter, carried, hull_area
from hygiesync.first_order.learning.building import begin_with, fill_model, import_model
from hygiesync.first_order.learning.discriminator import Discriminator
from hygiesync.first_order.learning.generator import Generator
from hygiesync.first_order.learning.importing import networks_of_checkpoint
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.objective import Networks
from hygiesync.first_order.learning.quantising import quantise
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.swapping import PartSwap
from hygiesync.media.images import read_png, write_png
from hygiesync.media.video import probe
from hygiesync.media.writer import VideoWriter

TINY = read_configuration(shapes.TINY)
_GENERATOR = dataclasses.replace(TINY.model.generator, keeps_pixels=True)
KEEPING = dataclasses.replace(TINY, model=dataclasses.replace(TINY.model, generator=_GENERATOR))


def checkpoint_content(prefix: str = "", *, with_optimisers: bool = False) -> dict[str, Any]:
    """A checkpoint in the published layout, of formulas."""
    parts = {
        "generator": (Generator(TINY.model), 1000),
        "discriminator": (Discriminator(TINY.model), 2000),
        "kp_detector": (KeypointDetector(TINY.model), 0),
    }
    content: dict[str, Any] = {}
    for name, (network, base) in parts.items():
        golden.fill(network, base)
        content[name] = collections.OrderedDict((prefix + k, v) for k, v in network.state_dict().items())
        if with_optimisers:
            optimiser = torch.optim.Adam(network.parameters(), 2e-4)
            for parameter in network.parameters():
                parameter.grad = torch.zeros_like(parameter)
            optimiser.step()
            content[f"optimizer_{name}"] = optimiser.state_dict()
    content["epoch"] = 99
    return content


@pytest.fixture(scope="module")
def model_folder(tiny_first_order: Path) -> Path:
    return tiny_first_order / "model"


@pytest.fixture(scope="module")
def model(model_folder: Path) -> FirstOrderModel:
    return FirstOrderModel.load(model_folder)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("with_optimisers", [True, False], ids=["optimisers", "bare"])
def test_published_layouts_are_read(tmp_path: Path, prefix: str, is_zip: bool, with_optimisers: bool) -> None:
    path = tmp_path / "made.pth.tar"
    content = checkpoint_content(prefix, with_optimisers=with_optimisers)
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    detector, _ = networks_of_checkpoint(path, TINY)
    assert torch.equal(detector.kp.weight, content["kp_detector"][f"{prefix}kp.weight"])


class _Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path, is_zip: bool) -> None:
    content = checkpoint_content() | {"epoch": _Malicious(tmp_path / "run")}
    torch.save(content, tmp_path / "evil.pth.tar", _use_new_zipfile_serialization=is_zip)
    with pytest.raises(InputError, match="could run code, so it is not opened"):
        import_model(tmp_path / "evil.pth.tar", TINY, tmp_path / "model")
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "model").exists()


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    changes: list[tuple[Any, str]] = [
        (lambda c: c.pop("generator"), "expected a network generator, found"),
        (lambda c: c["generator"].pop("final.bias"), r"generator: final\.bias is missing \(1 in all\)"),
        (lambda c: c["kp_detector"].update(extra=torch.zeros(1)), "kp_detector: extra is unknown"),
        (
            lambda c: c["kp_detector"].update({"kp.bias": torch.zeros(7)}),
            r"kp\.bias: expected shape \(3,\), got \(7,\)",
        ),
        (lambda c: c["kp_detector"].update({"kp.bias": torch.full((3,), torch.nan)}), "no numbers"),
    ]
    for change, said in changes:
        content = checkpoint_content()
        change(content)
        torch.save(content, tmp_path / "made.pth.tar")
        with pytest.raises(InputError, match=said):
            networks_of_checkpoint(tmp_path / "made.pth.tar", TINY)
    (tmp_path / "words.pth.tar").write_text("words")
    with pytest.raises(InputError, match=r"words\.pth\.tar"):
        networks_of_checkpoint(tmp_path / "words.pth.tar", TINY)


@pytest.fixture(scope="module")
def keeping_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that keeps pixels, of formulas."""
    networks = Networks(KEEPING).eval()
    golden.fill(networks.kp_detector, 0)
    golden.fill(networks.generator, 1000)
    folder = tmp_path_factory.mktemp("keeping") / "model"
    manifest = ModelManifest("keeping", KEEPING, "free", "formulas", "not stated")
    write_model(folder, manifest, partial(fill_model, KEEPING, networks.kp_detector, networks.generator))
    return folder


@pytest.mark.parametrize("keeps_pixels", [False, True], ids=["paints", "keeps"])
def test_onnx_is_equal_to_torch(model_folder: Path, keeping_folder: Path, keeps_pixels: bool) -> None:
    folder = keeping_folder if keeps_pixels else model_folder
    model, networks = FirstOrderModel.load(folder), Networks(KEEPING if keeps_pixels else TINY).eval()
    begin_with(networks, folder)
    detector, generator = networks.kp_detector, networks.generator
    pictures = [(golden.image(64, 0, shift).numpy().transpose(1, 2, 0) * 255).astype(np.uint8) for shift in (0, 0.15)]
    tensors = [torch.from_numpy(p.transpose(2, 0, 1)[None].copy()).float() / 255 for p in pictures]
    with torch.no_grad():
        points = [detector(tensor) for tensor in tensors]
        wanted = generator(tensors[0], points[1], points[0]).prediction[0].permute(1, 2, 0).numpy()
    found = [model.points(picture) for picture in pictures]
    np.testing.assert_allclose(found[1].value, points[1].value[0], atol=1e-4)
    np.testing.assert_allclose(found[1].jacobian, points[1].jacobian[0], atol=1e-4)
    np.testing.assert_allclose(model.predict(model.source(pictures[0]), found[1]), wanted, atol=1e-4)


def test_a_model_that_keeps_pixels_begins_near_its_source() -> None:
    torch.manual_seed(0)
    networks = Networks(KEEPING).eval()
    picture = golden.image(64, 0, 0.0)[None].float()
    with torch.no_grad():
        points = networks.kp_detector(picture)
        same = networks.generator(picture, points, points).prediction
        # what it is told to paint shows, too
        bias = networks.generator.final.bias
        assert bias is not None
        bias[-1] = 4
        painted = networks.generator(picture, points, points).prediction
    assert float((same - picture).abs().mean()) < 0.1
    assert float((painted - picture).abs().mean()) > 2 * float((same - picture).abs().mean())


def test_a_model_that_keeps_pixels_swaps_parts(keeping_folder: Path) -> None:
    model = FirstOrderModel.load(keeping_folder)
    picture, target = (shape_clip(k)[0][0] for k in (1, 2))
    swap = PartSwap(model, picture)
    seen = model.points(target)
    painted = [swap.draw(target, seen, np.full((64, 64), level, np.float32))[0] for level in (0, 1)]
    own = model.predict(model.source(target), seen)
    np.testing.assert_allclose(painted[0][16:48, 16:48], own[16:48, 16:48], atol=0.1)
    moved = model.predict(model.source(picture), seen)
    assert np.abs(painted[1] - moved).mean() < np.abs(painted[1] - painted[0]).mean()


def test_pixels_are_kept_where_corners_are_aligned_only() -> None:
    content = {"model": {"aligns_corners": False, "generator": {"keeps_pixels": True}}}
    with pytest.raises(InputError, match=r"keeps_pixels: expected a model with aligns_corners"):
        configuration_from(content, "a test")


def test_pictures_made_side_by_side_are_those_made_one_by_one(model: FirstOrderModel) -> None:
    frames = shape_clip(5)[0]
    squares = [SquarePicture(frame, Fraction(k, 25)) for k, frame in enumerate(frames)]
    options = CarryOptions(smoothing_s=0.05)
    together = [made.image for made in MovingPicture(model, frames[0], options).pictures(squares)]
    alone = MovingPicture(model, frames[0], options)
    assert len(together) == len(frames)
    for made, square in zip(together, squares, strict=True):
        assert np.array_equal(made, alone.move(square.image, float(square.time_s)))


def test_the_best_frame_is_the_most_alike_one(model: FirstOrderModel) -> None:
    frames = shape_clip(5)[0]
    squares = [SquarePicture(frame, Fraction(k, 25)) for k, frame in enumerate(frames)]
    points, time_s = best_reference(model, model.points(frames[7]), squares)
    assert time_s == Fraction(7, 25)
    assert np.array_equal(points.value, model.points(frames[7]).value)


def test_relative_motion_keeps_the_source_where_nothing_moves() -> None:
    rng = np.random.default_rng(0)
    source, driving = (KeyPoints(rng.normal(size=(4, 2)), rng.normal(size=(4, 2, 2))) for _ in "ab")
    moved = carried(source, driving, driving)
    np.testing.assert_allclose(moved.value, source.value)
    np.testing.assert_allclose(moved.jacobian, source.jacobian)
    line = KeyPoints(np.array([[0.0, 0], [1, 1], [2, 2]]), np.zeros((3, 2, 2)))
    assert np.isfinite(carried(line, line, line).value).all()
    assert hull_area(line.value) == 0
    assert hull_area(np.array([[0.0, 0], [2, 0], [2, 1], [0, 1], [1, 0.5]])) == pytest.approx(2)


def test_smoothing_is_causal_and_settles() -> None:
    still = KeyPoints(np.zeros((2, 2)), np.zeros((2, 2, 2)))
    moved = KeyPoints(np.ones((2, 2)), np.ones((2, 2, 2)))
    smooth = PointFilter(0.1)
    assert np.array_equal(smooth(still, 0.0).value, still.value)
    assert float(smooth(moved, 0.1).value[0, 0]) == pytest.approx(1 - np.exp(-1))
    assert float(smooth(moved, 5.0).value[0, 0]) == pytest.approx(1)


def test_a_damaged_model_is_named(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no first_order\.json"):
        FirstOrderModel.load(tmp_path)
    for name in model_folder.iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    with (tmp_path / "paint.onnx").open("r+b") as file:
        file.seek(100)
        file.write(b"?")
    with pytest.raises(InputError, match=r"paint\.onnx: is damaged"):
        FirstOrderModel.load(tmp_path)
    manifest = json.loads((tmp_path / "first_order.json").read_text())
    (tmp_path / "first_order.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    with pytest.raises(InputError, match="schema version 99"):
        FirstOrderModel.load(tmp_path)


def test_a_picture_of_another_size_is_refused(model: FirstOrderModel) -> None:
    with pytest.raises(UsageError, match="expected 64x64 pixels"):
        model.points(np.zeros((32, 32, 3), np.uint8))


def test_a_picture_moves_as_a_video_does(model_folder: Path, tmp_path: Path) -> None:
    frames = [np.pad(frame, ((0, 0), (20, 20), (0, 0)), mode="edge") for frame in shape_clip(3)[0]]
    write_png(tmp_path / "source.png", frames[4])
    with VideoWriter(tmp_path / "driving.mp4", 104, 64, Fraction(25), audio_rate=16000, audio_channels=1) as writer:
        writer.write_audio(np.zeros((16000, 1), np.float32))
        for number, frame in enumerate(frames):
            writer.write(frame, Fraction(number, 25))
    arguments = [
        "first-order",
        "animate",
        str(model_folder),
        str(tmp_path / "source.png"),
        str(tmp_path / "driving.mp4"),
    ]
    arguments += ["--out", str(tmp_path / "out.mp4"), "--crop", "none", "--driving-crop", "20,0,64", "--best-frame"]
    arguments += ["--frames", str(tmp_path / "frames"), "--crop-shown", str(tmp_path / "crop.png"), "--paste"]
    arguments += ["--json", str(tmp_path / "out.json"), "--i-have-consent"]
    assert main(arguments) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    info = probe(tmp_path / "out.mp4")
    assert (result["n_frames"], result["size"], result["crop"]) == (24, [104, 64], [20, 0, 64])
    assert (info.width, info.height, info.has_audio) == (104, 64, True)
    assert len(list((tmp_path / "frames").iterdir())) == 24
    assert read_png(tmp_path / "frames" / "000000.png").shape == (64, 104, 3)
    assert "video-driven" in tags_of(tmp_path / "out.mp4")["description"]


def test_pairs_and_folders_of_pictures(model_folder: Path, tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", 1, 2)
    (tmp_path / "pictures").mkdir()
    for k in range(2):
        write_png(tmp_path / "pictures" / f"{k}.png", shape_clip(k)[0][0])
    (tmp_path / "pairs.csv").write_text("source,driving\npictures/0.png,data/test/shapes01\n")
    common = ["--crop", "none", "--driving-crop", "none", "--i-have-consent"]
    for number, what in enumerate(
        (
            [str(tmp_path / "pictures"), str(data / "test" / "shapes01")],
            ["--pairs", str(tmp_path / "pairs.csv")],
            ["--data", str(data)],
        )
    ):
        out = tmp_path / f"out{number}"
        assert main(["first-order", "animate", str(model_folder), *what, "--out", str(out), *common]) == 0
        assert len(list(out.glob("*.mp4"))) == (2, 1, 4)[number]


def test_reconstruction_tells_each_video(model_folder: Path, tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", 1, 2)
    arguments = ["first-order", "reconstruct", str(model_folder), "--data", str(data), "--no-faces"]
    assert main([*arguments, "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures["videos"]) == {"shapes01", "shapes02"}
    assert figures["l1"] == pytest.approx(np.mean([video["l1"] for video in figures["videos"].values()]))
    assert figures["akd"] is None
    frames = [frame.astype(float) / 255 for frame in shape_clip(1)[0]]
    copied = np.mean([np.abs(frame - frames[0]).mean() for frame in frames])
    assert figures["videos"]["shapes01"]["copy_l1"] == pytest.approx(copied, abs=1e-6)


def test_who_is_shown_is_compared_by_a_network_of_the_user(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_shapes(tmp_path / "data", 1, 1)
    means = write_embedder(tmp_path / "means.onnx", (1, 3, 32, 32))
    arguments = ["first-order", "reconstruct", str(model_folder), "--data", str(data), "--no-faces", "--embedder"]
    assert main([*arguments, str(means), "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    clip, distances = open_clip(data / "test" / "shapes01"), []
    model = FirstOrderModel.load(model_folder)
    source = model.source(clip.frame(0, model.size))
    for number in range(clip.n_frames):
        real = clip.frame(number, model.size)
        made = model.predict(source, model.points(real))
        distances.append((((real / 255).mean((0, 1)) - made.mean((0, 1))) ** 2).sum())
    assert figures["aed"] == pytest.approx(np.mean(distances), rel=1e-3)
    assert "AED" in capsys.readouterr().out
    for shape, said in (((1, 1, 32, 32), "expected one input"), ((4, 3, 32, 32), "expected one input")):
        write_embedder(tmp_path / "other.onnx", shape)
        assert main([*arguments, str(tmp_path / "other.onnx")]) == 3
        assert said in capsys.readouterr().err
    (tmp_path / "words.onnx").write_text("words")
    assert main([*arguments, str(tmp_path / "words.onnx")]) == 3
    assert "is no ONNX network" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "none.onnx")]) == 3


def write_embedder(path: Path, shape: tuple[int, ...]) -> Path:
    """A network that knows a picture by its mean colour."""
    onnx = pytest.importorskip("onnx")
    tensor, helper = onnx.TensorProto, onnx.helper
    node = helper.make_node("GlobalAveragePool", ["picture"], ["person"])
    graph = helper.make_graph(
        [node], "means", [helper.make_tensor_value_info("picture", tensor.FLOAT, shape)],
        [helper.make_tensor_value_info("person", tensor.FLOAT, (*shape[:2], 1, 1))],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(made.SerializeToString())
    return path


def test_heavy_graphs_count_in_8_bits_and_pictures_hardly_change(model_folder: Path, tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", 1, 1)
    out = tmp_path / "made-int8"
    arguments = ["first-order", "quantise", str(model_folder), "--data", str(data), "--out", str(out)]
    assert main([*arguments, "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert 0 < figures["change"] < 0.02
    quantised = FirstOrderModel.load(out)
    assert "8 bits" in quantised.manifest.origin
    assert (out / "points.onnx").read_bytes() == (model_folder / "points.onnx").read_bytes()
    assert (out / "paint.onnx").read_bytes() != (model_folder / "paint.onnx").read_bytes()


def test_weights_at_half_precision_count_in_8_bits_too(model_folder: Path, tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", 1, 1)
    write_small(model_folder, tmp_path / "half")
    figures = quantise(tmp_path / "half", data, tmp_path / "int8")
    assert 0 < figures["change"] < 0.02
    onnx = pytest.importorskip("onnx")
    for name in ("motion", "paint"):
        graph = onnx.load(tmp_path / "int8" / f"{name}.onnx").graph
        weights = {one.name: one.data_type for one in graph.initializer}
        of_convolutions = [
            node.input[0] for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in weights
        ]
        assert sum(weights[one] == onnx.TensorProto.INT8 for one in of_convolutions) >= 5
        assert onnx.TensorProto.FLOAT16 not in weights.values()


def test_the_command_line_says_what_is_wrong(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "nothing")
    for arguments, code, said in (
        (["animate", missing, "a.png", "b.mp4", "--out", "o.mp4"], 3, "has no first_order.json"),
        (["animate", str(model_folder), "--out", "o.mp4"], 2, "expected a picture and a driving video"),
        (["reconstruct", str(model_folder), "--data", missing], 3, "no such folder"),
        (["train", "--config", "wox", "--data", missing, "--out", missing], 2, "--config: expected one of"),
        (["train", "--config", "vox", "--data", missing, "--out", missing], 3, "no such folder"),
        (["import", missing, "--config", "vox", "--out", str(tmp_path / "m")], 3, "no such file"),
    ):
        assert main(["first-order", *arguments]) == code
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error


def test_a_configuration_that_does_not_fit_is_named(tmp_path: Path) -> None:
    torch.save(checkpoint_content(), tmp_path / "made.pth.tar")
    other = dataclasses.replace(TINY, model=dataclasses.replace(TINY.model, n_points=4))
    with pytest.raises(InputError, match="is it of this configuration"):
        import_model(tmp_path / "made.pth.tar", other, tmp_path / "model")
