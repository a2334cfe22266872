"""The speech model that ships: mouth curves for any voice, learnt from no one in particular.

Who has five minutes of video has a network of their own. A single picture has none, so its mouth is moved by the three
curves of :data:`hygiesync.tts.visemes.CURVES`, which mean the same on every face. The model is one streaming step,
as every avatar's, so :class:`OnnxStep` and :class:`SpeechToShapeStream` use it unchanged; the mouth at rest is 0, 0, 0.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from hygiesync.errors import InputError
from hygiesync.tts.visemes import CURVES
from hygiesync.weights import GENERIC_SPEECH

_KEY = "hygiesync.generic"

LAG_MS = 20.0
"""How much the model's lips lag behind real ones, which are on their way before they are heard. Read so much later, the
opening of five people who speak freely is followed with a correlation of 0.278 in place of 0.267, and that of a sixth,
who had no part in the choice, with 0.696 in place of 0.678, 3 ms early in place of 18 ms late
(docs/speech_to_shape.md)."""


@dataclass(frozen=True)
class GenericSpeech:
    """The generic model, and what it hears of the future.

    Thread-safe: it is only read.

    Attributes
    ----------
    step : bytes
        One streaming step for :class:`OnnxStep`; its coefficients are the mouth curves.
    lookahead : int
        Mel frames that the main head hears beyond the time it describes.
    early_lookaheads : tuple of int
        The same for each early head, in the order of their numbers.
    name : str
        Fingerprint of the file.
    """

    step: bytes
    lookahead: int
    early_lookaheads: tuple[int, ...]
    name: str

    @classmethod
    def load(cls, path: Path = GENERIC_SPEECH) -> GenericSpeech:
        """Read the file and look whether it is whole.

        Raises
        ------
        InputError
            When it is missing, damaged, or a model of another kind.
        """
        try:
            step = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: can't be read ({error.strerror}); {_REMEDY}") from error
        hearing = json.loads(_metadata(path, step).get(_KEY, "null"))
        if not isinstance(hearing, dict) or hearing.get("curves") != list(CURVES):
            raise InputError(f"{path}: expected a generic speech model of {', '.join(CURVES)}; {_REMEDY}")
        name = hashlib.sha256(step).hexdigest()[:16]
        return cls(step, int(hearing["lookahead"]), tuple(map(int, hearing["early_lookaheads"])), name)


_REMEDY = "get it back with git, or run `make generic`"


def hearing_metadata(lookahead: int, early_lookaheads: tuple[int, ...]) -> dict[str, str]:
    """What the file says of itself, for the ONNX model's own metadata."""
    content = {"curves": list(CURVES), "lookahead": lookahead, "early_lookaheads": list(early_lookaheads)}
    return {_KEY: json.dumps(content)}


def _metadata(path: Path, step: bytes) -> dict[str, str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # only to be read: nothing is optimised here that the predictor will not optimise again
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(step, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no other base
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: is damaged ({reason}); {_REMEDY}") from error
    return dict(session.get_modelmeta().custom_metadata_map)
