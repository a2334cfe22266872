"""The speech models that ship: mouth curves for any voice, learnt from no one in particular.

Who has five minutes of video has networks of their own. A single picture has none, so its mouth is moved by the three
curves of :data:`hygiesync.tts.visemes.CURVES`, which mean the same on every face. The models are a streaming step and a
window of a whole recording, as every avatar's, so :class:`OnnxStep`, :class:`OnnxWindow` and their streams use them
unchanged; the mouth at rest is 0, 0, 0.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hygiesync.errors import InputError
from hygiesync.tts.visemes import CURVES
from hygiesync.weights import GENERIC_SPEECH, GENERIC_WHOLE

_KEY, _WHOLE_KEY = "hygiesync.generic", "hygiesync.generic_whole"

LAG_MS = 20.0
"""How much the model's lips lag behind real ones, which are on their way before they are heard. Read so much later, the
opening of five people who speak freely is followed with a correlation of 0.278 in place of 0.267, and that of a sixth,
who had no part in the choice, with 0.696 in place of 0.678, 3 ms early in place of 18 ms late
(docs/speech_to_shape.md)."""


@dataclass(frozen=True)
class GenericSpeech:
    """The generic models, and what the streaming one hears of the future.

    Thread-safe: it is only read.

    Attributes
    ----------
    step : bytes
        One streaming step for :class:`OnnxStep`; its coefficients are the mouth curves.
    window : bytes
        The same for :class:`OnnxWindow`, which hears whole recordings, and hears them better.
    lookahead : int
        Mel frames that the main head hears beyond the time it describes.
    early_lookaheads : tuple of int
        The same for each early head, in the order of their numbers.
    name : str
        Fingerprint of both files.
    """

    step: bytes
    window: bytes
    lookahead: int
    early_lookaheads: tuple[int, ...]
    name: str

    @classmethod
    def load(cls, path: Path = GENERIC_SPEECH, window_path: Path = GENERIC_WHOLE) -> GenericSpeech:
        """Read the files and look whether they are whole.

        Raises
        ------
        InputError
            When one is missing, damaged, or a model of another kind.
        """
        step, hearing = _read(path, _KEY)
        window, _ = _read(window_path, _WHOLE_KEY)
        name = hashlib.sha256(step + window).hexdigest()[:16]
        return cls(step, window, int(hearing["lookahead"]), tuple(map(int, hearing["early_lookaheads"])), name)


_REMEDY = "get it back with git, or run `make generic`"


def hearing_metadata(lookahead: int, early_lookaheads: tuple[int, ...]) -> dict[str, str]:
    """What the streaming model's file says of itself, for the ONNX model's own metadata."""
    content = {"curves": list(CURVES), "lookahead": lookahead, "early_lookaheads": list(early_lookaheads)}
    return {_KEY: json.dumps(content)}


def whole_metadata() -> dict[str, str]:
    """The same of the model for whole recordings."""
    return {_WHOLE_KEY: json.dumps({"curves": list(CURVES)})}


def _read(path: Path, key: str) -> tuple[bytes, dict[str, Any]]:
    """A model, and what it says of itself."""
    try:
        model = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); {_REMEDY}") from error
    said = json.loads(_metadata(path, model).get(key, "null"))
    if not isinstance(said, dict) or said.get("curves") != list(CURVES):
        raise InputError(f"{path}: expected a generic speech model of {', '.join(CURVES)}; {_REMEDY}")
    return model, said


def _metadata(path: Path, model: bytes) -> dict[str, str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # only to be read: nothing is optimised here that the predictor will not optimise again
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no other base
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: is damaged ({reason}); {_REMEDY}") from error
    return dict(session.get_modelmeta().custom_metadata_map)
