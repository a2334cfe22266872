"""The avatars in `models`, the speech encoder that training begins with, and engines of others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hygiesync.apps.doctor.check import Check, tried
from hygiesync.avatar.manifest import MANIFEST_NAME
from hygiesync.external.installation import Installation, State, find_installation, modules_not_found
from hygiesync.external.registry import ENGINES
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


def check_engines() -> Iterator[Check]:
    """A check for each engine of others that is here, whole or in part; one line where there are none."""
    found = [(kind().card, find_installation(kind().card)) for kind in ENGINES.values()]
    there = [(card, installation) for card, installation in found if installation.state is not State.ABSENT]
    if not there:
        yield Check("engines", True, False, "none of others is installed; `hygiesync engines` lists them")
    for card, installation in there:
        yield tried(f"engine {card.name}", False, partial(_check_engine, installation))


def _check_engine(installation: Installation) -> Check:
    """Whether files and modules of an engine are there; it is not run."""
    card = installation.card
    name, fix = f"engine {card.name}", f"`hygiesync engines {card.name}` lists the steps"
    if not installation.is_ready:
        return Check(name, False, False, installation.describe(), fix)
    missing = modules_not_found(installation)
    if missing:
        return Check(name, False, False, f"its Python lacks {', '.join(missing)}", fix)
    return Check(name, True, False, f"{installation.describe()}; not run")


def _check_avatar(directory: Path) -> Check:
    """Read its description, and each file's fingerprint; nothing is decoded."""
    from hygiesync.apps.info import describe

    name = f"avatar {directory.name}"

    def read() -> Check:
        content = describe(directory)
        shape = f"{content['width']} x {content['height']} px"
        return Check(name, True, False, f"{shape}, {content['n_bytes'] / 1e6:.1f} MB, files as trained")

    return tried(name, False, read)
