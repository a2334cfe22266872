"""``make first-order``: the small face model in hygiesync/weights, made again from portraits in the public domain."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from safetensors.numpy import load, save

from hygiesync.apps.progress_bars import StageBars
from hygiesync.errors import HygieSyncError
from hygiesync.first_order.bundle import CONFIGURATION, WEIGHTS, ModelManifest, graphs_of, write_model
from hygiesync.first_order.configurations import read_configuration
from hygiesync.first_order.learning.building import train_model
from hygiesync.first_order.made_faces import make_faces
from hygiesync.learning.compact_weights import to_half_precision
from hygiesync.weights import FIRST_ORDER_FACE

CONFIGURATION_NAME = "face"
N_TRAIN, N_TEST = 70, 4
"""Clips of made faces."""

_LICENCE = "Apache-2.0, as the project is"
_ORIGIN = "trained on faces made from two portraits in the public domain, moved by the mesh method"


def main() -> None:
    """Draw the faces, train, write the model at half precision."""
    parser = argparse.ArgumentParser("python -m hygiesync.apps.make_first_order", description=__doc__)
    parser.add_argument("--out", type=Path, default=FIRST_ORDER_FACE, metavar="DIR", help="to write (%(default)s)")
    parser.add_argument("--clips", type=int, default=N_TRAIN, metavar="N", help="made faces (%(default)s)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep faces and the trained model here; go on from it")
    arguments = parser.parse_args()
    try:
        if arguments.work is not None:
            _make(arguments.out, arguments.work, arguments.clips)
            return
        with tempfile.TemporaryDirectory(prefix="hygiesync-first-order-") as folder:
            _make(arguments.out, Path(folder), arguments.clips)
    except HygieSyncError as error:
        parser.exit(error.exit_code, f"make first-order: {error}\n")


def _make(out: Path, work: Path, n_clips: int) -> None:
    configuration = read_configuration(CONFIGURATION_NAME)
    faces, model = work / "faces", work / "model"
    with StageBars() as bars:
        if not faces.is_dir():
            make_faces(faces, configuration.data.frame_size, n_clips, N_TEST, bars)
        train_model(configuration, faces, model, resume=True, has_consent=False, progress=bars)
    write_small(model, out)


def write_small(model: Path, out: Path) -> None:
    """Write a model's folder again with weights at half precision, and without pictures and page."""
    manifest = ModelManifest.read(model)

    def fill(folder: Path) -> None:
        tensors = load(manifest.file(model, WEIGHTS))
        half = {name: t.astype("float16") if t.dtype == "float32" else t for name, t in tensors.items()}
        (folder / WEIGHTS).write_bytes(save(half))
        for name in graphs_of(manifest.configuration):
            path = folder / f"{name}.onnx"
            path.write_bytes(manifest.file(model, path.name))
            to_half_precision(path, {})
        shutil.copyfile(model / CONFIGURATION, folder / CONFIGURATION)

    write_model(out, replace(manifest, name=out.name, licence=_LICENCE, origin=_ORIGIN), fill)


if __name__ == "__main__":
    main()
