"""A first order model on disk: a folder of ordinary files, `first_order.json` with the sha256 of each; no pickle.

`weights.safetensors` holds the networks' tensors by their published names, the ``.onnx`` files what runs:

========== ======================================================= ===========================================
points     picture (1, 3, s, s)                                    value (1, n, 2), jacobian (1, n, 2, 2)
encode     picture                                                 features, small (the picture, scaled down)
motion     small, and both pictures' value and jacobian            deformation (1, h, w, 2), occlusion
paint      features, deformation, occlusion, and the picture where prediction (1, 3, s, s)
           the model keeps pixels
========== ======================================================= ===========================================

In a model of co-segmentation, ``segments`` takes the place of ``points``, and gives segmentation (1, n + 1, h, w)
first; its ``encode`` gives features only, and there is no ``motion``, which is a formula.

Pictures are RGB, 0 to 1. What belongs to the source is made once: its points, ``features`` and ``small``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hygiesync.avatar.manifest import sha256_of
from hygiesync.errors import InputError
from hygiesync.first_order.configurations import configuration_from, configuration_to_dict
from hygiesync.first_order.settings import Configuration
from hygiesync.media.atomic_folder import atomic_folder, check_place
from hygiesync.version import __version__

MANIFEST = "first_order.json"
SCHEMA_VERSION = 1
WEIGHTS = "weights.safetensors"
CONFIGURATION = "config.yaml"
REPORT = "report.html"


@dataclass(frozen=True)
class ModelManifest:
    """What `first_order.json` says.

    Attributes
    ----------
    name : str
    configuration : Configuration
    licence : str
        What is known of the weights' licence.
    origin : str
        How they were made.
    consent : str
        ``stated`` when whoever trained said that those shown agree, else ``not stated``.
    training : dict
        Figures of the last epoch, where it was trained here.
    files : dict
        File name -> sha256.
    """

    name: str
    configuration: Configuration
    licence: str
    origin: str
    consent: str
    training: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> ModelManifest:
        """Read and check a model's manifest; its files are checked by :meth:`file`.

        Raises
        ------
        InputError
            When there is none, or it is damaged or of another schema.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise InputError(
                f"{folder}: has no {MANIFEST}, so it is no first order model; make one with"
                " `hygiesync first-order train` or `first-order import`"
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content["schema_version"]
            if version != SCHEMA_VERSION:
                raise InputError(
                    f"{path}: has schema version {version}, and this hygiesync reads {SCHEMA_VERSION};"
                    " make the model again"
                )
            known = ("name", "licence", "origin", "consent", "training", "files")
            configuration = configuration_from(content["configuration"], str(path))
            return cls(configuration=configuration, **{name: content[name] for name in known})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is damaged ({type(error).__name__}); make the model again") from error

    def file(self, folder: Path, name: str) -> bytes:
        """A file's content.

        Raises
        ------
        InputError
            When it is missing or not as it was written.
        """
        path = folder / name
        if name not in self.files or not path.is_file():
            raise InputError(f"{path}: is missing from the model; make it again")
        if sha256_of(path) != self.files[name]:
            raise InputError(f"{path}: is damaged (its sha256 is not the recorded one); copy or make the model again")
        return path.read_bytes()


def graphs_of(configuration: Configuration) -> tuple[str, ...]:
    """Names of a model's graphs, without ``.onnx``."""
    if configuration.model.is_segmented:
        return "segments", "encode", "paint"
    return "points", "encode", "motion", "paint"


def check_model_place(folder: Path) -> None:
    """Refuse a place for a model where something else is."""
    check_place(folder, lambda place: (place / MANIFEST).is_file(), "first order model", "models/fox")


def write_model(folder: Path, manifest: ModelManifest, fill: Callable[[Path], None]) -> None:
    """Make a model's folder, whole or not at all; `fill` writes all files but the manifest."""
    with atomic_folder(folder) as partial:
        fill(partial)
        files = {path.name: sha256_of(path) for path in sorted(partial.iterdir()) if path.is_file()}
        content = {
            "schema_version": SCHEMA_VERSION,
            "name": manifest.name,
            "licence": manifest.licence,
            "origin": manifest.origin,
            "consent": manifest.consent,
            "training": manifest.training,
            "files": files,
            "configuration": configuration_to_dict(manifest.configuration),
            "hygiesync_version": __version__,
        }
        (partial / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
