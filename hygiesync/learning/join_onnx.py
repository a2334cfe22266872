"""One ONNX model of two: what the generic model hears goes into a person's network, and only mel frames come in."""

from __future__ import annotations

from pathlib import Path

from hygiesync.speech_to_shape.onnx_window import COEFFICIENTS, SOUNDS

_PREFIX = "generic/"


def join_sounds(path: Path, generic: bytes) -> None:
    """Put the generic model before the person's network in `path`, whose inputs are ``mel`` and ``sounds``.

    The weights of each stay as they are stored.
    """
    import onnx
    from onnx import compose

    person = onnx.load(path)
    before = compose.add_prefix(onnx.load_from_string(generic), _PREFIX, rename_inputs=False)
    del before.metadata_props[:]
    joined = onnx.ModelProto()
    joined.CopyFrom(person)
    if {entry.domain: entry.version for entry in before.opset_import} != {
        entry.domain: entry.version for entry in person.opset_import
    }:
        before = onnx.version_converter.convert_version(before, person.opset_import[0].version)
    graph = joined.graph
    for node in person.graph.node:
        for index, name in enumerate(node.input):
            if name == SOUNDS:
                node.input[index] = f"{_PREFIX}{SOUNDS}"
    del graph.node[:], graph.initializer[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend([*before.graph.node, *person.graph.node])
    graph.initializer.extend([*before.graph.initializer, *person.graph.initializer])
    graph.input.extend(node for node in person.graph.input if node.name != SOUNDS)
    graph.output.extend(node for node in person.graph.output if node.name == COEFFICIENTS)
    onnx.checker.check_model(joined)
    onnx.save(joined, path)
