"""The network's step as WebAssembly runs it fastest.

A step hears one mel frame, so each of its convolutions is as wide as what it is laid over: it is a matrix times a
vector. In WebAssembly onnxruntime computes a convolution as a product with sixteen columns at a time, of which fifteen
are then padding; said as a product with one row, the same numbers come three times as early. On other machines there is
no difference worth a copy of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def for_webassembly(step: bytes) -> bytes:
    """A step that answers the same, its full-width convolutions written as matrix products.

    Parameters
    ----------
    step : bytes
        An ONNX model whose shapes are fixed.

    Returns
    -------
    bytes
        The same inputs, outputs and weights; sums are added up in another order.
    """
    import onnx
    from onnx import shape_inference

    model = shape_inference.infer_shapes(onnx.load_model_from_string(step))
    graph = model.graph
    shapes = _shapes(graph)
    nodes: list[NodeProto] = []
    for node in graph.node:
        # what the exporter remembers of itself is of no use to a browser
        del node.metadata_props[:]
        node.doc_string = ""
        is_product = node.op_type == "Conv" and _covers_all(node, shapes)
        nodes.extend(_as_product(node, shapes, graph) if is_product else [node])
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _shapes(graph: GraphProto) -> dict[str, tuple[int, ...]]:
    """Name -> shape of everything in a graph whose shape is known."""
    known = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        known[value.name] = tuple(one.dim_value for one in value.type.tensor_type.shape.dim)
    return known


def _covers_all(node: NodeProto, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether a convolution gives one column: its kernel lies over the whole of one unpadded, ungrouped input."""
    heard, weights = shapes.get(node.input[0], ()), shapes.get(node.input[1], ())
    groups = next((one.i for one in node.attribute if one.name == "group"), 1)
    pads = next((list(one.ints) for one in node.attribute if one.name == "pads"), [])
    return len(heard) == 3 and heard[0] == 1 and heard[1:] == weights[1:] and groups == 1 and not any(pads)


def _as_product(node: NodeProto, shapes: dict[str, tuple[int, ...]], graph: GraphProto) -> list[NodeProto]:
    """Nodes that compute a convolution over all of its input (1, n_in, width) as one row times a matrix."""
    from onnx import helper, numpy_helper

    [out] = node.output
    n_out, n_in, width = shapes[node.input[1]]
    for name, shape in (("row", (1, n_in * width)), ("matrix", (n_out, n_in * width)), ("column", (1, n_out, 1))):
        graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), f"{out}_{name}_shape"))
    return [
        helper.make_node("Reshape", [node.input[0], f"{out}_row_shape"], [f"{out}_row"]),
        helper.make_node("Reshape", [node.input[1], f"{out}_matrix_shape"], [f"{out}_matrix"]),
        helper.make_node("Gemm", [f"{out}_row", f"{out}_matrix", *node.input[2:]], [f"{out}_product"], transB=1),
        helper.make_node("Reshape", [f"{out}_product", f"{out}_column_shape"], [out]),
    ]
