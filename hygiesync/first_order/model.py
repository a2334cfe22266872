"""A model that runs: points of pictures, and a source picture moved to them, through ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError, UsageError
from hygiesync.first_order.bundle import ModelManifest, graphs_of
from hygiesync.first_order.keypoints import KeyPoints
from hygiesync.first_order.settings import Configuration
from hygiesync.media.container import PathLike

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from typing_extensions import Self


class PaintingModel:
    """What every model has: an encoder, and a painter of moved features. Any number of threads may share it.

    Parameters
    ----------
    manifest : ModelManifest
    graphs : dict of str to bytes
        The ONNX models by name.
    n_threads : int
        Threads for one picture. Small models gain nothing from a second one: draw two pictures side by side.
    """

    def __init__(self, manifest: ModelManifest, graphs: dict[str, bytes], n_threads: int = 1) -> None:
        if n_threads < 1:
            raise UsageError(f"`n_threads`: expected 1 or more, got {n_threads}")
        self.manifest = manifest
        self._sessions = {name: _session(graph, n_threads, name) for name, graph in graphs.items()}

    @classmethod
    def load(cls, folder: PathLike, n_threads: int = 1) -> Self:
        """Read a model that ``hygiesync first-order train`` or ``import`` made.

        Raises
        ------
        InputError
            When it is none, or damaged, or of another kind.
        """
        place = Path(folder)
        manifest = ModelManifest.read(place)
        cls._check_kind(manifest, place)
        graphs = {name: manifest.file(place, f"{name}.onnx") for name in graphs_of(manifest.configuration)}
        return cls(manifest, graphs, n_threads)

    @classmethod
    def _check_kind(cls, manifest: ModelManifest, place: Path) -> None:
        raise NotImplementedError

    @property
    def configuration(self) -> Configuration:
        """What the model is."""
        return self.manifest.configuration

    @property
    def size(self) -> int:
        """Side of the square pictures that it takes and makes, pixels."""
        return self.configuration.data.frame_size

    def features(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """What the painter works on: (1, c, h, w) of a picture (size, size, 3), RGB, uint8, or float32 from 0 to 1."""
        return self._run("encode", picture=self.as_input(image))[0]

    @property
    def keeps_pixels(self) -> bool:
        """Whether the painter keeps pixels of the picture, and so has to be given it."""
        return self.configuration.model.generator.keeps_pixels

    def paint(
        self,
        features: NDArray[np.float32],
        deformation: NDArray[np.float32],
        occlusion: NDArray[np.float32],
        picture: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """A picture (size, size, 3), float32, 0 to 1.

        Parameters
        ----------
        features : ndarray, shape (1, c, h, w)
        deformation : ndarray, shape (1, h, w, 2)
            Where each place comes from, (x, y), -1 to 1.
        occlusion : ndarray, shape (1, 1, h, w)
            0 where the features don't show what is to be seen.
        picture : ndarray, shape (1, 3, size, size)
            What the features are of, 0 to 1.
        """
        (prediction,) = self._run("paint", **self.painting_inputs(features, deformation, occlusion, picture))
        return np.ascontiguousarray(prediction[0].transpose(1, 2, 0))

    def painting_inputs(
        self,
        features: NDArray[np.float32],
        deformation: NDArray[np.float32],
        occlusion: NDArray[np.float32],
        picture: NDArray[np.float32],
    ) -> dict[str, NDArray[np.float32]]:
        """What the graph `paint` is given, by name; see :meth:`paint`."""
        inputs = {"features": features, "deformation": deformation, "occlusion": occlusion}
        return inputs | {"picture": picture} if self.keeps_pixels else inputs

    def as_input(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """A picture (size, size, 3), RGB, uint8, or float32 from 0 to 1, as graphs take it: (1, 3, size, size)."""
        if image.shape != (self.size, self.size, 3) or image.dtype not in (np.uint8, np.float32):
            raise UsageError(
                f"picture: expected {self.size}x{self.size} pixels in RGB, uint8, got {image.shape}, {image.dtype};"
                " cut a square and scale it"
            )
        planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        return planes / np.float32(255) if image.dtype == np.uint8 else planes

    def _run(self, graph: str, **inputs: FloatArray) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = self._sessions[graph].run(None, inputs)
        return outputs


@dataclass(frozen=True)
class Source:
    """All of a source picture that is computed once.

    Attributes
    ----------
    points : KeyPoints
    picture : ndarray, shape (1, 3, size, size)
        It itself, 0 to 1.
    features, small : ndarray
        What the painting and the motion network see of it.
    """

    points: KeyPoints
    picture: NDArray[np.float32]
    features: NDArray[np.float32]
    small: NDArray[np.float32]


class FirstOrderModel(PaintingModel):
    """A model whose points are learnt, with a network that makes one motion of them."""

    @classmethod
    def _check_kind(cls, manifest: ModelManifest, place: Path) -> None:
        if manifest.configuration.model.is_segmented:
            raise InputError(f"{place}: is a model of co-segmentation, which swaps parts only; use `first-order swap`")

    def points(self, image: NDArray[Any]) -> KeyPoints:
        """Points of a picture (size, size, 3), uint8, RGB."""
        value, jacobian = self._run("points", picture=self.as_input(image))
        return KeyPoints(value[0].astype(np.float64), jacobian[0].astype(np.float64))

    def source(self, image: NDArray[Any]) -> Source:
        """What is computed once of a picture (size, size, 3), uint8, RGB, that is to be moved."""
        picture = self.as_input(image)
        features, small = self._run("encode", picture=picture)
        return Source(self.points(image), picture, features, small)

    def motion(self, source: Source, driving: KeyPoints) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Deformation (1, h, w, 2) and occlusion (1, 1, h, w) of the source's features, moved to points."""
        deformation, occlusion = self._run("motion", **self.motion_inputs(source, driving))
        return deformation, occlusion

    def motion_inputs(self, source: Source, driving: KeyPoints) -> dict[str, NDArray[np.float32]]:
        """What the graph `motion` is given, by name."""
        return {
            "small": source.small,
            "source_value": _batch(source.points.value),
            "source_jacobian": _batch(source.points.jacobian),
            "driving_value": _batch(driving.value),
            "driving_jacobian": _batch(driving.jacobian),
        }

    def predict(self, source: Source, driving: KeyPoints) -> NDArray[np.float32]:
        """The source moved to points: (size, size, 3), float32, RGB, 0 to 1."""
        return self.paint(source.features, *self.motion(source, driving), source.picture)

    def draw(self, source: Source, driving: KeyPoints) -> NDArray[np.uint8]:
        """The source moved to points: (size, size, 3), uint8, RGB."""
        return np.rint(self.predict(source, driving) * 255).astype(np.uint8)


def _batch(values: FloatArray) -> NDArray[np.float32]:
    return np.ascontiguousarray(values[None], np.float32)


def _session(graph: bytes, n_threads: int, name: str) -> InferenceSession:
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
    options.log_severity_level = 3
    # threads that spin while they wait take the core from whatever else is drawn
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no base of their own
        raise InputError(f"{name}.onnx: is no model that can be run ({type(error).__name__}); make it again") from error
