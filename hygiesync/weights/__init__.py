"""Weights that ship with the package; README.md is their model card, and ``make generic`` makes them again."""

from pathlib import Path

FOLDER = Path(__file__).parent

SPEECH_ENCODER = FOLDER / "speech_encoder.safetensors"
"""Layers that every person's network begins with; see :mod:`hygiesync.learning.speech_encoder`."""

GENERIC_SPEECH = FOLDER / "generic.onnx"
"""The step from any voice to mouth curves; see :mod:`hygiesync.speech_to_shape.generic`."""

GENERIC_WHOLE = FOLDER / "generic_whole.onnx"
"""The same for whole recordings, with layers of Whisper in it; see :mod:`hygiesync.learning.train_generic_whole`."""

FIRST_ORDER_FACE = FOLDER / "first_order_face"
"""A small face model that moves pictures; see :mod:`hygiesync.first_order.method`."""
