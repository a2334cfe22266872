"""Weights that ship with the package; README.md is their model card, and ``make generic`` makes them again."""

from pathlib import Path

FOLDER = Path(__file__).parent

SPEECH_ENCODER = FOLDER / "speech_encoder.safetensors"
"""Layers that every person's network begins with; see :mod:`hygiesync.learning.speech_encoder`."""

GENERIC_SPEECH = FOLDER / "generic.onnx"
"""The step from any voice to mouth curves; see :mod:`hygiesync.speech_to_shape.generic`."""

FIRST_ORDER_FACE = FOLDER / "first_order_face"
"""A small face model that moves pictures; see :mod:`hygiesync.first_order.method`."""
