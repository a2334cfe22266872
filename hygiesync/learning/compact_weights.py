"""An exported network at half its size, or at a quarter: weights stored with fewer bits, and computed with as before.

Every large constant of the graph becomes a smaller one, and nodes that make floats of it. They run once, when the model
is loaded: onnxruntime folds what depends on constants alone, so an answer costs what it did, on any processor.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

_SMALLEST = 64
"""Weights in a constant from which on it is worth a cast."""

_SMALLEST_MATRIX = 4096
"""Weights in a constant of two axes or more from which on it is stored in eight bits; what is smaller counts little."""

_LARGEST_STEP = 127
"""Of eight bits with a sign; -128 is left out, so that zero is in the middle."""

Stored = tuple[list["TensorProto"], list["NodeProto"]]
"""Constants to keep in place of one, and the nodes that make it of them."""


def to_half_precision(path: Path, metadata: dict[str, str]) -> None:
    """Store the weights of the ONNX model in `path` at half precision, and `metadata` with it.

    Raises
    ------
    ValueError
        When a weight is too large for half precision.
    """
    _store(path, metadata, _half)


def to_eight_bits(path: Path, metadata: dict[str, str]) -> None:
    """Store the matrices of the ONNX model in `path` in eight bits, all else at half precision, and `metadata` with it.

    Each row (or column, whichever loses less) of a matrix has a scale of its own. Activations stay floats: nothing
    depends on how a processor multiplies bytes.

    Raises
    ------
    ValueError
        When a weight is too large for half precision.
    """
    _store(path, metadata, lambda name, values: (_eight_bits if _is_matrix(values) else _half)(name, values))


def _is_matrix(values: NDArray[np.float32]) -> bool:
    return values.ndim >= 2 and values.size >= _SMALLEST_MATRIX


def _half(name: str, values: NDArray[np.float32]) -> Stored:
    from onnx import TensorProto, helper, numpy_helper

    if np.abs(values).max() > np.finfo(np.float16).max:
        raise ValueError(f"{name}: has weights beyond half precision's range")
    half = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
    return [half], [helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT)]


def _eight_bits(name: str, values: NDArray[np.float32]) -> Stored:
    from onnx import TensorProto, helper, numpy_helper

    steps, scale = min((_rounded(values, axis) for axis in range(values.ndim)), key=lambda one: _error(values, *one))
    whole = numpy_helper.from_array(steps, f"{name}_steps")
    size = numpy_helper.from_array(scale, f"{name}_scale")
    nodes = [
        helper.make_node("Cast", [whole.name], [f"{name}_cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_cast", size.name], [name]),
    ]
    return [whole, size], nodes


def _rounded(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole steps, and the size of a step for each index along `axis`."""
    others = tuple(n for n in range(values.ndim) if n != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / _LARGEST_STEP, 1.0).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def _error(values: NDArray[np.float32], steps: NDArray[np.int8], scale: NDArray[np.float32]) -> float:
    return float(np.square(steps * scale - values).sum())


def _store(path: Path, metadata: dict[str, str], store: Callable[[str, NDArray[np.float32]], Stored]) -> None:
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    constants, nodes = [], []
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < _SMALLEST:
            constants.append(constant)
            continue
        kept, made_by = store(constant.name, values)
        constants += kept
        nodes += made_by
    nodes += model.graph.node
    for held, new in ((model.graph.initializer, constants), (model.graph.node, nodes)):
        del held[:]
        held.extend(new)
    # what the exporter remembers of itself (source lines, shapes inside) is of no use to a runtime
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)
