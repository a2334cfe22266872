"""An exported step at half its size: weights stored at half precision, and computed with as before.

Every large constant of the graph becomes a half-precision one and a cast. The casts are done once, when the model is
loaded: onnxruntime folds what depends on constants alone, so a step costs what it did.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

_SMALLEST = 64
"""Weights in a constant from which on it is worth a cast."""


def to_half_precision(path: Path, metadata: dict[str, str]) -> None:
    """Store the weights of the ONNX model in `path` at half precision, and `metadata` with it.

    Raises
    ------
    ValueError
        When a weight is too large for half precision.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts, constants = [], []
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < _SMALLEST:
            constants.append(constant)
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"{constant.name}: has weights beyond half precision's range")
        constants.append(numpy_helper.from_array(values.astype(np.float16), f"{constant.name}_half"))
        casts.append(helper.make_node("Cast", [f"{constant.name}_half"], [constant.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    for held, kept in ((model.graph.initializer, constants), (model.graph.node, nodes)):
        del held[:]
        held.extend(kept)
    # what the exporter remembers of itself (source lines, shapes inside) is of no use to a runtime
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)
