"""The avatars in `models`, and the speech encoder that training begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hygiesync.apps.doctor.check import Check, tried
from hygiesync.avatar.manifest import MANIFEST_NAME
from hygiesync.extras import imports_of

MODELS = Path("models")
"""Where `hygiesync train --out models/NAME` has put them, seen from here."""


def check_avatars(folder: Path = MODELS) -> Iterator[Check]:
    """A check for each avatar; one that says how to make one where there are none."""
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST_NAME}"))
    if not found:
        yield Check("avatars", True, False, f"none in {folder} yet; `hygiesync train` or `hygiesync demo` makes one")
    for directory in found:
        yield _check_avatar(directory)


def check_speech_encoder() -> Check:
    """Whether training can begin with layers that know speech."""
    with imports_of("train", "training"):
        from hygiesync.learning.speech_encoder import SpeechEncoder

    encoder = SpeechEncoder.load()
    return Check(
        "speech encoder", True, False, f"{encoder.name}, {sum(t.numel() for t in encoder.tensors.values()):,} weights"
    )


def _check_avatar(directory: Path) -> Check:
    """Read its description, and each file's fingerprint; nothing is decoded."""
    from hygiesync.apps.info import describe

    name = f"avatar {directory.name}"

    def read() -> Check:
        content = describe(directory)
        shape = f"{content['width']} x {content['height']} px"
        return Check(name, True, False, f"{shape}, {content['n_bytes'] / 1e6:.1f} MB, files as trained")

    return tried(name, False, read)
