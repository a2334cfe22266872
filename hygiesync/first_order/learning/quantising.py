"""A model's heavy graphs in whole numbers of 8 bits: half the time on processors that have instructions for them.

Weights are whole numbers of each channel, activations of each tensor, in ranges that are measured on pictures. The
key point detector keeps its precision: its points would tremble, and it takes longer in 8 bits than without. So does
the encoder, which works once for each source.

References
----------
Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, 2018.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.errors import InputError
from hygiesync.extras import imports_of
from hygiesync.first_order.bundle import ModelManifest, check_model_place, graphs_of, write_model
from hygiesync.first_order.clips import Clip, find_clips
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.progress import Progress

QUANTISED = ("motion", "paint")
"""The graphs that work on every picture, besides the key point detector."""

N_PAIRS = 48
"""Pictures that ranges are measured on."""

N_COMPARED = 24
"""Pictures that the result is compared on."""


def quantise(model: Path, data: Path, out: Path, progress: Progress | None = None) -> dict[str, float]:
    """Write a model again with 8 bits in its heavy graphs.

    Parameters
    ----------
    model : Path
        A first order model's folder.
    data : Path
        Videos like those that it will be used on; see :func:`hygiesync.first_order.clips.find_clips`.
    out : Path
        Folder to make.
    progress : callable, optional

    Returns
    -------
    dict
        On test clips, or what there is: ``l1`` (mean difference of predictions from the real pictures, 0 to 1),
        ``l1_before``, and ``change`` (mean difference of the predictions from those before).

    Raises
    ------
    InputError, UsageError
        When model or data can't be used, or `out` is something else already.
    """
    check_model_place(out)
    manifest, before = ModelManifest.read(model), FirstOrderModel.load(model)
    train, test = find_clips(data)
    if not train + test:
        raise InputError(f"{data}: has no videos to measure ranges on")
    report = progress or (lambda *_: None)
    graphs = {name: manifest.file(model, f"{name}.onnx") for name in graphs_of(manifest.configuration)}
    inputs = list(_inputs(before, train or test))
    for number, name in enumerate(QUANTISED, 1):
        graphs[name] = _quantised(graphs[name], [some[name] for some in inputs])
        report("quantising", number, len(QUANTISED), name)
    figures = _compared(before, FirstOrderModel(manifest, graphs), test or train)

    def fill(folder: Path) -> None:
        for name in manifest.files:
            (folder / name).write_bytes(manifest.file(model, name))
        for name in QUANTISED:
            (folder / f"{name}.onnx").write_bytes(graphs[name])

    origin = f"{manifest.origin}; {' and '.join(QUANTISED)} in 8 bits, ranges of {data.name}"
    write_model(out, replace(manifest, name=out.name, origin=origin), fill)
    return figures


def _pairs(clips: list[Clip], size: int, n: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Two frames of one clip each, clips in turn."""
    rng = np.random.default_rng(0)
    for number in range(n):
        clip = clips[number % len(clips)]
        source, driving = (clip.frame(int(k), size) for k in rng.integers(clip.n_frames, size=2))
        yield source, driving


def _inputs(model: FirstOrderModel, clips: list[Clip]) -> Iterator[dict[str, dict[str, NDArray[np.float32]]]]:
    """What goes into each graph, for pairs of frames."""
    for image, driving in _pairs(clips, model.size, N_PAIRS):
        source, points = model.source(image), model.points(driving)
        deformation, occlusion = model.motion(source, points)
        yield {
            "motion": model.motion_inputs(source, points),
            "paint": model.painting_inputs(source.features, deformation, occlusion, source.picture),
        }


def _in_single_precision(graph: bytes) -> bytes:
    """A graph whose weights are float32; those at half precision (``Cast`` of a constant) would stay as they are."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    half_precision = onnx.TensorProto.FLOAT16
    constants = {one.name: one for one in model.graph.initializer if one.data_type == half_precision}
    for node in list(model.graph.node):
        if node.op_type == "Cast" and node.input[0] in constants:
            half = constants[node.input[0]]
            whole = numpy_helper.to_array(half).astype(np.float32)
            model.graph.initializer.remove(half)
            model.graph.initializer.append(numpy_helper.from_array(whole, node.output[0]))
            model.graph.node.remove(node)
    made: bytes = model.SerializeToString()
    return made


def _quantised(graph: bytes, inputs: list[dict[str, NDArray[np.float32]]]) -> bytes:
    """A graph whose convolutions count in 8 bits; all else, such as coordinates, stays as it is."""
    with imports_of("train", "quantising a model"):
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory(prefix="hygiesync-quantise-") as folder:
        given, made = Path(folder, "given.onnx"), Path(folder, "made.onnx")
        given.write_bytes(_in_single_precision(graph))
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)  # it advises a preparation that the exporter has done
        try:
            quantize_static(
                given, made, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=["Conv"],
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
        finally:
            root.setLevel(level)
        return made.read_bytes()


def _compared(before: FirstOrderModel, after: FirstOrderModel, clips: list[Clip]) -> dict[str, float]:
    rows = []
    for image, driving in _pairs(clips, before.size, N_COMPARED):
        source, points, real = before.source(image), before.points(driving), driving / np.float32(255)
        pair = [model.predict(source, points) for model in (before, after)]
        rows.append([np.abs(a - b).mean() for a, b in ((pair[1], real), (pair[0], real), pair)])
    means = np.mean(rows, axis=0)
    return dict(zip(("l1", "l1_before", "change"), map(float, means), strict=True))
