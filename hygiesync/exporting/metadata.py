"""`metadata.json` of an export: what has to be known beside its files, and what each entry means."""

from __future__ import annotations

from typing import Any

import onnxruntime

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.errors import InputError
from hygiesync.face.topology import LOWER_FACE
from hygiesync.speech.mel import N_FFT, N_MELS, POWER_FLOOR
from hygiesync.timing import (
    HOP_LENGTH,
    SAMPLE_RATE,
    WIN_LENGTH,
    described_time,
    mel_frame_known_at,
    mel_frames_to_time,
    sample_time,
)
from hygiesync.version import __version__

STEP, FILTERBANK, SHAPE = "speech_to_shape.onnx", "mel_filterbank.safetensors", "shape.safetensors"
REFERENCE, METADATA, README = "reference.safetensors", "metadata.json", "README.md"

FORMAT = "hygiesync export"
SCHEMA_VERSION = 2
"""Raised whenever a reader of the older one could go wrong."""

MEL, COEFFICIENTS, EARLY = "mel", "coefficients", "early_"

TOLERANCE = {"mel": 1e-3, "coefficients": 1e-3, "landmarks": 1e-4}
"""Largest difference from the reference that is rounding: other machines' sums of float32, over 2 s of recurrence."""

Metadata = dict[str, Any]

_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}

FIELDS = {
    "format": f"always `{FORMAT}`",
    "schema_version": "version of this file; refuse what you don't know",
    "hygiesync_version": "program that wrote it",
    "name": "the avatar's name",
    "audio.sample_rate": "samples a second of the mono sound, Hz; samples are float32, full scale is 1",
    "mel.hop_length": "samples from one mel frame to the next",
    "mel.win_length": "samples in a frame: frame k is [hop_length k, hop_length k + win_length)",
    "mel.window": "periodic Hann, `0.5 - 0.5 cos(2 pi n / win_length)`",
    "mel.n_fft": "transform length: the windowed frame with zeros behind it",
    "mel.n_mels": "mel bands",
    "mel.low_hz": "lower edge of the first band",
    "mel.high_hz": "upper edge of the last band",
    "mel.scale": "Slaney's: linear below 1 kHz, logarithmic above",
    "mel.normalisation": 'triangles of equal area (`norm="slaney"`)',
    "mel.filterbank": "file with the filters, `filterbank` (n_mels, n_fft / 2 + 1), to be multiplied with the power",
    "mel.power_floor": "power below it is raised to it",
    "mel.logarithm": "of the floored power; no other normalisation: the network holds its own statistics",
    "mel.framing": "causal: nothing is padded or centred, so n samples give (n - win_length) // hop_length + 1 frames",
    "network.file": "one step: one mel frame in, the coefficients out",
    "network.mel_input": "which input takes the mel frame",
    "network.coefficients_output": "which output gives the coefficients, in standard deviations",
    "network.early_outputs": "outputs that answer earlier and less exactly; their lookaheads are in the timing",
    "network.inputs": "name, shape and dtype of each input",
    "network.outputs": "name, shape and dtype of each output",
    "network.states": "which output of a step is which input of the next",
    "network.initial_state": "value that fills every state before the first frame",
    "network.voice_gate": "what speaking in hygiesync does on top, and the step does not",
    "timing.frame_s": "seconds from one output to the next",
    "timing.first_known_at_s": "when output 0 can be computed, seconds from the first sample",
    "timing.lookahead_frames": "mel frames that the network hears beyond the time that its output describes",
    "timing.lookahead_ms": "the same in milliseconds",
    "timing.early_lookahead_frames": "lookahead of each of the network's early outputs, in their order",
    "timing.first_described_s": "time of the mouth that output 0 describes; output k: `first_described_s + k frame_s`",
    "shape.file": "`mean` (n_points, 2), `components` (n_components, n_points * 2), `landmark_indices` (n_points,);"
    " `rigid_mean`, `rigid_indices`: points that speech does not move",
    "shape.landmarks_from_coefficients": "how to get landmarks, for a frontal face",
    "shape.unit": "outer eye corners (landmarks 33 and 263) one unit apart, origin between them, x to the"
    " picture's right, y down",
    "shape.landmark_numbering": "what the indices number",
    "shape.n_components": "coefficients a frame",
    "shape.n_points": "landmarks a frame",
    "shape.rest": "coefficients of the resting mouth",
    "reference.file": "`samples`, and what they become: `mel`, `coefficients` (frame by frame, from the initial state),"
    " `landmarks`",
    "reference.n_samples": "length of the test signal",
    "reference.n_frames": "mel frames in it",
    "reference.duration_s": "its length in seconds",
    "reference.tolerance": "largest difference from each that is mere rounding",
    "provenance.synthetic_media_note": "to be written into whatever is shown",
    "provenance.consent": "whether the person shown agreed, as stated at training",
    "provenance.sources": "name, sha256 and length of the training videos",
    "files": "sha256 of each data file",
}
"""What each entry means, by its dotted name."""


def describe_export(avatar: VideoAvatar, n_samples: int, n_frames: int, files: dict[str, str]) -> Metadata:
    """Content of `metadata.json`.

    Parameters
    ----------
    avatar : Avatar
    n_samples, n_frames : int
        Length of the reference, in samples and in mel frames.
    files : dict
        File name -> sha256.

    Raises
    ------
    InputError
        When the avatar's step is of another kind.
    """
    lookahead = avatar.manifest.lookahead
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "hygiesync_version": __version__,
        "name": avatar.manifest.name,
        "audio": {"sample_rate": SAMPLE_RATE},
        "mel": _describe_mel(),
        "network": describe_step(avatar.step),
        "timing": {
            "frame_s": float(mel_frames_to_time(1)),
            "first_known_at_s": float(mel_frame_known_at(0)),
            "lookahead_frames": lookahead,
            "lookahead_ms": float(mel_frames_to_time(lookahead) * 1000),
            "early_lookahead_frames": avatar.manifest.early_lookaheads,
            "first_described_s": float(described_time(0, lookahead)),
        },
        "shape": {
            "file": SHAPE,
            "landmarks_from_coefficients": "mean + (coefficients @ components).reshape(n_points, 2)",
            "unit": "distance between the outer eye corners",
            "landmark_numbering": "MediaPipe FaceMesh, 478 points",
            "n_components": avatar.shape.n_components,
            "n_points": len(LOWER_FACE),
            "rest": [float(value) for value in avatar.rest],
        },
        "reference": {
            "file": REFERENCE,
            "n_samples": n_samples,
            "n_frames": n_frames,
            "duration_s": float(sample_time(n_samples)),
            "tolerance": TOLERANCE,
        },
        "provenance": {
            "synthetic_media_note": avatar.manifest.synthetic_media_note,
            "consent": avatar.manifest.consent,
            "sources": avatar.manifest.sources,
        },
        "files": files,
    }


def describe_step(step: bytes) -> dict[str, Any]:
    """Inputs, outputs and states of a step, as onnxruntime reads them from it.

    Raises
    ------
    InputError
        When it is no step of the kind that :mod:`hygiesync.learning.export_onnx` writes.
    """
    session = onnxruntime.InferenceSession(step, providers=["CPUExecutionProvider"])
    inputs = [_describe_node(node) for node in session.get_inputs()]
    outputs = [_describe_node(node) for node in session.get_outputs()]
    states_in = [node for node in inputs if node["name"] != MEL]
    early = [node["name"] for node in outputs if node["name"].startswith(EARLY)]
    states_out = [node for node in outputs if node["name"] not in (COEFFICIENTS, *early)]
    kinds_in, kinds_out = ([(node["shape"], node["dtype"]) for node in nodes] for nodes in (states_in, states_out))
    if len(states_in) == len(inputs) or len(states_out) == len(outputs) or kinds_in != kinds_out:
        raise InputError("the speech model is a model of another kind; train the avatar again")
    return {
        "file": STEP,
        "mel_input": MEL,
        "coefficients_output": COEFFICIENTS,
        "early_outputs": early,
        "inputs": inputs,
        "outputs": outputs,
        "states": [
            {"input": before["name"], "output": after["name"]}
            for before, after in zip(states_in, states_out, strict=True)
        ],
        "initial_state": 0.0,
        "voice_gate": "not included: in silence hygiesync blends the coefficients towards shape.rest, as"
        " rest + gate * (coefficients - rest) with a gate that is 1 where there is voice; do likewise, or breath and"
        " noise move the mouth",
    }


def _describe_mel() -> dict[str, Any]:
    return {
        "hop_length": HOP_LENGTH,
        "win_length": WIN_LENGTH,
        "window": "hann",
        "n_fft": N_FFT,
        "n_mels": N_MELS,
        "low_hz": 0.0,
        "high_hz": SAMPLE_RATE / 2,
        "scale": "slaney",
        "normalisation": "slaney",
        "filterbank": FILTERBANK,
        "power_floor": POWER_FLOOR,
        "logarithm": "log10",
        "framing": "causal",
    }


def _describe_node(node: Any) -> dict[str, Any]:
    if node.type not in _DTYPES or not all(isinstance(size, int) for size in node.shape):
        raise InputError("the speech model is a model of another kind; train the avatar again")
    return {"name": node.name, "shape": list(node.shape), "dtype": _DTYPES[node.type]}
