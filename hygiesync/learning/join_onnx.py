"""One ONNX model of two: what the generic model hears goes into a person's network, and only mel frames come in."""

from __future__ import annotations

from pathlib import Path

from hygiesync.speech_to_shape.onnx_window import SOUNDS

_PREFIX = "generic/"


def join_sounds(path: Path, generic: bytes) -> None:
    """Put the generic model before the person's network in `path`, whose inputs are ``mel`` and ``sounds``.

    The weights of each stay as they are stored. Both graphs are of one operator set
    (:data:`hygiesync.learning.export_onnx.OPSET`).
    """
    import onnx
    from onnx import compose

    model = onnx.load(path)
    before = compose.add_prefix(onnx.load_from_string(generic), _PREFIX, rename_inputs=False)
    graph = model.graph
    for node in graph.node:
        node.input[:] = [f"{_PREFIX}{SOUNDS}" if name == SOUNDS else name for name in node.input]
    nodes, inputs = [*before.graph.node, *graph.node], [node for node in graph.input if node.name != SOUNDS]
    for held, new in ((graph.node, nodes), (graph.input, inputs)):
        del held[:]
        held.extend(new)
    graph.initializer.extend(before.graph.initializer)
    del graph.value_info[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)
