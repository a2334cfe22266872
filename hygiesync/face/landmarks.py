"""MediaPipe FaceMesh landmarks of pictures; the only module that knows MediaPipe."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from hygiesync.errors import MissingDependencyError

Detector = TypeVar("Detector", bound="LandmarkDetector")

N_LANDMARKS = 478
"""Points of FaceMesh with refined lips, eyes and irises."""


class _NativeStderr:
    """Drops what C++ writes to file descriptor 2 inside ``with`` blocks: MediaPipe logs there, past Python's logging.

    The descriptor is the whole process's, so overlapping blocks of several threads share one redirection.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._saved = -1

    def __enter__(self) -> None:
        with self._lock:
            self._n_inside += 1
            if self._n_inside == 1:
                sys.stderr.flush()
                self._saved = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                os.dup2(self._saved, 2)
                os.close(self._saved)


_silenced = _NativeStderr()


def _solutions() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import mediapipe
    except ImportError as error:
        raise MissingDependencyError(
            f"finding faces needs mediapipe, which can't be imported ({error}); run `pip install mediapipe==0.10.21`"
            " (and `apt install libgl1 libglib2.0-0` on a bare Linux)"
        ) from error
    return mediapipe.solutions


class LandmarkDetector:
    """Finds one face's landmarks in consecutive pictures of a video; a context manager.

    Parameters
    ----------
    max_faces : int
        How many faces to look for. With more than one, the largest face is taken at first, and then the one nearest
        to where it was in the picture before, so that a passer-by never takes over.

    References
    ----------
    Kartynnik et al., *Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs*, 2019 (FaceMesh);
    Grishchenko et al., *Attention Mesh*, 2020 (the refined lips and eyes).
    """

    def __init__(self, max_faces: int = 1) -> None:
        with _silenced:
            self._mesh = _solutions().face_mesh.FaceMesh(max_num_faces=max_faces, refine_landmarks=True)
            self._mesh.process(np.zeros((64, 64, 3), np.uint8))
        self._previous: np.ndarray | None = None
        self._has_found_one = False

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """Landmarks of the face in `image`.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB

        Returns
        -------
        landmarks : ndarray, shape (478, 2), float64, pixels, (x, y), or None when there is no face
        """
        found = self._find(image)
        if not found:
            self._previous = None
            return None
        height, width = image.shape[:2]
        faces = [np.array([(point.x, point.y) for point in face.landmark]) * (width, height) for face in found]
        self._previous = self._the_one_we_follow(faces)
        return self._previous

    def _find(self, image: np.ndarray) -> Any:
        if self._has_found_one:
            return self._mesh.process(image).multi_face_landmarks
        with _silenced:  # a warning comes with the first face
            found = self._mesh.process(image).multi_face_landmarks
        self._has_found_one = bool(found)
        return found

    def _the_one_we_follow(self, faces: list[np.ndarray]) -> np.ndarray:
        if self._previous is None:
            return max(faces, key=lambda face: float(np.prod(np.ptp(face, axis=0))))
        centre = self._previous.mean(axis=0)
        return min(faces, key=lambda face: float(np.linalg.norm(face.mean(axis=0) - centre)))

    def close(self) -> None:
        """Free MediaPipe's graph."""
        self._mesh.close()

    def __enter__(self: Detector) -> Detector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


class FaceCounter:
    """Counts the faces in single pictures, to learn whether a video shows more than one person; a context manager."""

    def __init__(self, min_confidence: float = 0.6) -> None:
        with _silenced:
            self._detection = _solutions().face_detection.FaceDetection(
                model_selection=1, min_detection_confidence=min_confidence
            )
            self._detection.process(np.zeros((64, 64, 3), np.uint8))

    def count(self, image: np.ndarray) -> int:
        """Number of faces in `image`, an ndarray of shape (H, W, 3), uint8, RGB."""
        return len(self._detection.process(image).detections or ())

    def __enter__(self) -> FaceCounter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._detection.close()
