"""The page beside an export: what the files are, and a program that checks itself against the reference."""

from __future__ import annotations

from typing import Any

from hygiesync.exporting.metadata import FIELDS, FILTERBANK, METADATA, REFERENCE, SHAPE, STEP

EXAMPLE = """\
import hashlib, json, sys
from pathlib import Path
import numpy as np, onnxruntime
from safetensors.numpy import load_file

here = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
meta = json.loads((here / "metadata.json").read_text(encoding="utf-8"))
for name, digest in meta["files"].items():
    if hashlib.sha256((here / name).read_bytes()).hexdigest() != digest:
        sys.exit(f"{name} is not the file that was exported")
mel, net, tolerance = meta["mel"], meta["network"], meta["reference"]["tolerance"]
reference, shape = load_file(here / meta["reference"]["file"]), load_file(here / meta["shape"]["file"])

# sound -> log-mel frames (n_frames, n_mels)
window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(mel["win_length"]) / mel["win_length"])
frames = np.lib.stride_tricks.sliding_window_view(reference["samples"], mel["win_length"])[:: mel["hop_length"]]
power = np.abs(np.fft.rfft(frames * window, mel["n_fft"])) ** 2
filterbank = load_file(here / mel["filterbank"])["filterbank"]
log_mel = np.log10(np.maximum(power @ filterbank.T, mel["power_floor"])).astype(np.float32)

# one step a frame; what it remembers goes in again
session = onnxruntime.InferenceSession(str(here / net["file"]), providers=["CPUExecutionProvider"])
inputs, outputs = {node["name"]: node for node in net["inputs"]}, [node["name"] for node in net["outputs"]]
state = {s["input"]: np.full(inputs[s["input"]]["shape"], net["initial_state"], np.float32) for s in net["states"]}
coefficients = []
for frame in log_mel:
    step = {net["mel_input"]: frame.reshape(inputs[net["mel_input"]]["shape"]), **state}
    out = dict(zip(outputs, session.run(outputs, step)))
    state = {s["input"]: out[s["output"]] for s in net["states"]}
    coefficients.append(out[net["coefficients_output"]].ravel())
landmarks = shape["mean"] + (np.array(coefficients) @ shape["components"]).reshape(-1, *shape["mean"].shape)

for name, mine in {"mel": log_mel, "coefficients": np.array(coefficients), "landmarks": landmarks}.items():
    worst = np.abs(mine - reference[name]).max() if mine.shape == reference[name].shape else np.inf
    print(f"{name}: differs by {worst:.1e}, {tolerance[name]:.0e} is allowed")
    if not worst <= tolerance[name]:
        sys.exit(f"{name} is not what the reference says")
"""
"""Needs numpy, onnxruntime and safetensors, and nothing of hygiesync."""

_PAGE = """\
# {name}: from sound to lips

An avatar's speech model, for use without hygiesync. It says how this person's lips, chin and jaw move with a sound;
pictures of them are not part of it.

| file | holds |
|---|---|
| `{step}` | one streaming step of the network: a mel frame and a state in, coefficients and the next state out |
| `{filterbank}` | the mel filters |
| `{shape}` | from coefficients to landmarks |
| `{reference}` | a test signal of {reference_s:g} s, and what it becomes |
| `{metadata}` | all numbers that the program below goes by |

Output k is known {first_known_at_ms:g} ms + k x {frame_ms:g} ms after the first sample, and describes the mouth at
{first_described_ms:g} ms + k x {frame_ms:g} ms: the network hears {lookahead_ms:g} ms ahead.

**The voice gate is not in the network.** While nobody speaks, blend the coefficients towards `shape.rest`.

**Consent of the person: {consent}.** {note}

## A program that checks itself

With numpy, onnxruntime and safetensors; `python check.py` in this folder. A port to another language is right when it
passes the same three comparisons.

```python
{example}```

## What `{metadata}` says

| entry | meaning |
|---|---|
{fields}
"""


def readme(metadata: dict[str, Any]) -> str:
    """The page for an export with this `metadata.json`."""
    timing, provenance = metadata["timing"], metadata["provenance"]
    return _PAGE.format(
        name=" ".join(metadata["name"].split()),
        step=STEP,
        filterbank=FILTERBANK,
        shape=SHAPE,
        reference=REFERENCE,
        metadata=METADATA,
        reference_s=metadata["reference"]["duration_s"],
        first_known_at_ms=1000 * timing["first_known_at_s"],
        first_described_ms=1000 * timing["first_described_s"],
        frame_ms=1000 * timing["frame_s"],
        lookahead_ms=timing["lookahead_ms"],
        consent=provenance["consent"],
        note=provenance["synthetic_media_note"],
        example=EXAMPLE,
        fields="\n".join(f"| `{field}` | {meaning} |" for field, meaning in FIELDS.items()),
    )
