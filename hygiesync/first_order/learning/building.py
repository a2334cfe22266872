"""From clips, or from a published checkpoint, to a model's folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from hygiesync.avatar.manifest import consent_text, sha256_of
from hygiesync.errors import InputError, UsageError
from hygiesync.first_order.bundle import (
    CONFIGURATION,
    REPORT,
    WEIGHTS,
    ModelManifest,
    check_model_place,
    write_model,
)
from hygiesync.first_order.clips import Clip, find_clips
from hygiesync.first_order.configurations import write_configuration
from hygiesync.first_order.learning.export_onnx import export_graphs, export_segmented_graphs
from hygiesync.first_order.learning.generator import Generator, PaintingPart
from hygiesync.first_order.learning.importing import (
    load_checked,
    networks_of_checkpoint,
    read_checkpoint_file,
    segmented_networks_of_checkpoint,
    tensors_of,
)
from hygiesync.first_order.learning.keypoint_detector import KeypointDetector
from hygiesync.first_order.learning.looks import DetailLooks, Looks, PerceptualLooks, Vgg19
from hygiesync.first_order.learning.objective import Networks
from hygiesync.first_order.learning.processes import process_rank
from hygiesync.first_order.learning.report import training_page
from hygiesync.first_order.learning.segmentation import SegmentationNetwork
from hygiesync.first_order.learning.train import LOG, SHEET, Learnt, train
from hygiesync.first_order.settings import Configuration
from hygiesync.learning.checkpoint import weights_of
from hygiesync.learning.loop import seeded
from hygiesync.progress import Progress

OWN_LICENCE = "as whoever trained these weights decides, within what the videos' owners allow"
PUBLISHED_LICENCE = (
    "weights of a published checkpoint: those of the first-order-model repository are under its MIT licence (before"
    " 2023-06 CC BY-NC 4.0); others as their publisher says"
)
SEGMENTED_LICENCE = (
    "weights of a published checkpoint: those of the motion-cosegmentation repository are under its CC BY-NC 4.0, not"
    " for commercial use; others as their publisher says"
)


def train_model(
    configuration: Configuration,
    data: Path,
    out: Path,
    *,
    checkpoint: Path | None = None,
    vgg: Path | None = None,
    device: str = "cpu",
    resume: bool = False,
    has_consent: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train a model on a folder of videos and write its folder.

    Parameters
    ----------
    configuration : Configuration
    data : Path
        See :func:`hygiesync.first_order.clips.find_clips`.
    out : Path
        Folder to make. Unfinished work lies beside it in ``.NAME.training``.
    checkpoint : Path, optional
        Published or own weights to begin with, ``.pth.tar`` or a model's folder.
    vgg : Path, optional
        VGG19's weights; without them pictures are compared by bands of detail.
    device : str
    resume : bool
        Go on where an interrupted training of the same kind stopped.
    has_consent : bool
        Whether those shown agree; recorded.
    progress : callable, optional

    Returns
    -------
    dict
        Figures of the last epoch.

    Raises
    ------
    InputError, UsageError, HygieSyncError
        As :func:`hygiesync.first_order.learning.train.train`.
    """
    _check(configuration, out)
    train_clips, test_clips = _clips(data)
    networks, looks = _beginning(configuration, checkpoint), _looks(configuration, vgg)
    work = out.with_name(f".{out.name}.training")
    writes = process_rank() == 0
    if writes:
        if not resume:
            shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
    learnt = train(networks, configuration, looks, train_clips, test_clips, work, device, progress if writes else None)
    if writes:
        begun = checkpoint.name if checkpoint else "nothing"
        origin = f"trained from {begun} on {len(train_clips)} clips of {data.name}"
        _write_learnt(out, configuration, learnt, work, origin, has_consent)
        shutil.rmtree(work, ignore_errors=True)
    return learnt.history[-1]


def _check(configuration: Configuration, out: Path) -> None:
    check_model_place(out)
    if configuration.model.is_segmented:
        raise UsageError("`config`: models of co-segmentation are imported, not trained; choose another one")


def _clips(data: Path) -> tuple[list[Clip], list[Clip]]:
    """Clips to learn from, of which there is one at least, and to be measured on."""
    train_clips, test_clips = find_clips(data)
    if not train_clips:
        raise InputError(f"{data}: has nothing to learn from; put videos into {data / 'train'}")
    return train_clips, test_clips


def _beginning(configuration: Configuration, checkpoint: Path | None) -> Networks:
    """Networks with random weights, or with those of a checkpoint."""
    with seeded(configuration.training.seed):
        networks = Networks(configuration)
    if checkpoint is not None:
        begin_with(networks, checkpoint)
    return networks


def _looks(configuration: Configuration, vgg: Path | None) -> Looks:
    weights = configuration.training.weights.perceptual
    return DetailLooks(weights[0]) if vgg is None else PerceptualLooks(Vgg19.from_file(vgg), weights)


def _write_learnt(
    out: Path, configuration: Configuration, learnt: Learnt, work: Path, origin: str, has_consent: bool
) -> None:
    manifest = ModelManifest(
        out.name, configuration, OWN_LICENCE, origin, consent_text(has_consent), learnt.history[-1]
    )

    def fill(folder: Path) -> None:
        fill_model(configuration, learnt.networks.kp_detector, learnt.networks.generator, folder)
        for name in (LOG, SHEET):
            shutil.copyfile(work / name, folder / name)
        page = training_page(out.name, learnt.history, work / SHEET, origin)
        (folder / REPORT).write_text(page, encoding="utf-8")

    write_model(out, manifest, fill)


def import_model(checkpoint: Path, configuration: Configuration, out: Path) -> None:
    """Turn a published checkpoint into a model's folder.

    Raises
    ------
    InputError
        When the checkpoint can't be used.
    UsageError
        When `out` is something else already.
    """
    check_model_place(out)
    if configuration.model.is_segmented:
        fill: Callable[[Path], None] = partial(
            fill_segmented_model, configuration, *segmented_networks_of_checkpoint(checkpoint, configuration)
        )
        licence = SEGMENTED_LICENCE
    else:
        fill = partial(fill_model, configuration, *networks_of_checkpoint(checkpoint, configuration))
        licence = PUBLISHED_LICENCE
    origin = f"imported from {checkpoint.name}, sha256 {sha256_of(checkpoint)}"
    write_model(out, ModelManifest(out.name, configuration, licence, origin, consent_text(False)), fill)


def fill_model(configuration: Configuration, detector: KeypointDetector, generator: Generator, folder: Path) -> None:
    """Write weights, graphs and configuration."""
    _write_weights(folder / WEIGHTS, {"kp_detector": detector, "generator": generator})
    write_configuration(configuration, folder / CONFIGURATION)
    export_graphs(detector, generator, configuration.data.frame_size, folder)


def fill_segmented_model(
    configuration: Configuration, segmentation: SegmentationNetwork, painting: PaintingPart, folder: Path
) -> None:
    """Write weights, graphs and configuration of a model of co-segmentation."""
    _write_weights(folder / WEIGHTS, {"segmentation_module": segmentation, "reconstruction_module": painting})
    write_configuration(configuration, folder / CONFIGURATION)
    export_segmented_graphs(segmentation, painting, configuration, folder)


def _write_weights(path: Path, networks: dict[str, nn.Module]) -> None:
    tensors = {f"{name}.{k}": tensor for name, network in networks.items() for k, tensor in weights_of(network).items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)


def begin_with(networks: Networks, checkpoint: Path) -> None:
    """Give networks the weights of a checkpoint or a model's folder.

    A discriminator that the checkpoint lacks, or has in another form, begins anew, as published models did.
    """
    if checkpoint.is_dir():
        from safetensors.torch import load

        tensors = load(ModelManifest.read(checkpoint).file(checkpoint, WEIGHTS))
        for name in ("kp_detector", "generator"):
            own = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
            load_checked(getattr(networks, name), own, f"{checkpoint}: {name}")
        return
    content = read_checkpoint_file(checkpoint)
    for name in ("kp_detector", "generator"):
        load_checked(getattr(networks, name), tensors_of(content, (name,), checkpoint), f"{checkpoint}: {name}")
    judge, given = networks.discriminator, content.get("discriminator")
    if judge is not None and isinstance(given, dict):
        state = judge.state_dict()
        given = {str(key).removeprefix("module."): tensor for key, tensor in given.items()}
        if all(key in given and given[key].shape == own.shape for key, own in state.items()):
            judge.load_state_dict({key: torch.as_tensor(given[key]) for key in state})
