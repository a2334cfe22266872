"""MediaPipe FaceMesh landmarks of pictures; the only module that knows MediaPipe."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.extras import imports_of

Detector = TypeVar("Detector", bound="LandmarkDetector")

FaceChooser = Callable[[NDArray[np.uint8], list[NDArray[np.float64]]], int | None]
"""Which of the faces (478, 3) in a picture (H, W, 3) is meant."""

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
    with imports_of("photo", "finding faces"):
        import mediapipe
    return mediapipe.solutions


class LandmarkDetector:
    """Finds one face's landmarks in consecutive pictures of a video; a context manager.

    Not thread-safe; several may work in threads of their own.

    Parameters
    ----------
    max_faces : int
        How many faces to look for.
    choose : callable, optional
        Which of the faces in a picture is meant, by its place in the list, or None for none of them:
        :meth:`hygiesync.face.following.Follower.choose`. Left out, the largest face is taken at first, and then the
        one nearest to where it was in the picture before.
    region : tuple of int, optional
        (left, top, right, bottom), pixels, of the part of the pictures that is looked at: in it, a face that is small
        in the whole picture is large enough to be found.

    References
    ----------
    Kartynnik et al., *Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs*, 2019 (FaceMesh);
    Grishchenko et al., *Attention Mesh*, 2020 (the refined lips and eyes).
    """

    def __init__(
        self,
        max_faces: int = 1,
        choose: FaceChooser | None = None,
        region: tuple[int, int, int, int] | None = None,
    ) -> None:
        self._choose, self._region = choose, region
        with _silenced:
            self._mesh = _solutions().face_mesh.FaceMesh(max_num_faces=max_faces, refine_landmarks=True)
            self._mesh.process(np.zeros((64, 64, 3), np.uint8))
        self._previous: NDArray[np.float64] | None = None
        self._has_found_one = False

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Landmarks of the face in `image`.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, RGB

        Returns
        -------
        landmarks : ndarray, shape (478, 2), float64, pixels, (x, y), or None when there is no face
        """
        landmarks = self.detect_in_depth(image)
        return None if landmarks is None else landmarks[:, :2].copy()

    def detect_in_depth(self, image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Landmarks of the face in `image`, shape (H, W, 3), uint8, RGB, with their depth.

        Returns
        -------
        landmarks : ndarray, shape (478, 3), float64, pixels, (x, y, z), or None when there is no face
            z grows away from the camera, about as long a pixel as the others; only its differences mean anything.
        """
        faces = self.detect_all(image)
        if self._choose is not None:
            number = self._choose(image, faces)
            return None if number is None else faces[number]
        self._previous = self._the_one_we_follow(faces) if faces else None
        return self._previous

    def detect_all(self, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """Landmarks (478, 3) of all faces in `image`, in no order."""
        left, top, right, bottom = self._region or (0, 0, image.shape[1], image.shape[0])
        part = np.ascontiguousarray(image[top:bottom, left:right])
        faces: list[NDArray[np.float64]] = []
        for face in _as_arrays(self._find(part) or (), part):
            if not _is_known(face, faces):  # two meshes may have come to lie on one face
                faces.append(face)
        return [face + np.array([left, top, 0]) for face in faces]

    def _find(self, image: NDArray[np.uint8]) -> Any:
        if self._has_found_one:
            return self._mesh.process(image).multi_face_landmarks
        with _silenced:  # a warning comes with the first face
            found = self._mesh.process(image).multi_face_landmarks
        self._has_found_one = bool(found)
        return found

    def _the_one_we_follow(self, faces: list[FloatArray]) -> NDArray[np.float64]:
        if self._previous is None:
            return max(faces, key=_area)
        centre = self._previous[:, :2].mean(axis=0)
        return min(faces, key=lambda face: float(np.linalg.norm(face[:, :2].mean(axis=0) - centre)))

    def close(self) -> None:
        """Free MediaPipe's graph."""
        self._mesh.close()

    def __enter__(self: Detector) -> Detector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def _as_arrays(found: Any, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Landmarks (478, 3) in pixels of each face that MediaPipe found in `image`."""
    height, width = image.shape[:2]
    size = np.array([width, height, width], np.float64)
    return [np.array([(p.x, p.y, p.z) for p in face.landmark], np.float64) * size for face in found]


def _area(landmarks: FloatArray) -> float:
    return float(np.prod(np.ptp(landmarks[:, :2], axis=0)))


class FaceCounter:
    """Counts the faces in single pictures, to learn whether a video shows more than one person; a context manager."""

    def __init__(self, min_confidence: float = 0.6) -> None:
        with _silenced:
            self._detection = _solutions().face_detection.FaceDetection(
                model_selection=1, min_detection_confidence=min_confidence
            )
            self._detection.process(np.zeros((64, 64, 3), np.uint8))

    def count(self, image: NDArray[np.uint8]) -> int:
        """Number of faces in `image`, an ndarray of shape (H, W, 3), uint8, RGB."""
        return len(self._detection.process(image).detections or ())

    def __enter__(self) -> FaceCounter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._detection.close()


class FaceFinder:
    """Finds all faces in single pictures, small ones as well; a context manager, for one thread.

    Faces are looked for in the whole picture, and again in the surroundings of each that the far-sighted detector
    sees: FaceMesh's own detector overlooks faces that are small in the picture.

    Parameters
    ----------
    max_faces : int
        How many to look for in the whole picture.
    """

    def __init__(self, max_faces: int = 8) -> None:
        with _silenced:
            solutions = _solutions()
            self._detection = solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.6)
            self._mesh = solutions.face_mesh.FaceMesh(
                static_image_mode=True, max_num_faces=max_faces, refine_landmarks=True
            )
            for part in (self._detection, self._mesh):  # they log from threads of their own while they begin
                part.process(np.zeros((64, 64, 3), np.uint8))

    def find(self, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """Landmarks of all faces in `image`, from left to right; see :func:`find_faces`."""
        with _silenced:
            faces = _as_arrays(self._mesh.process(image).multi_face_landmarks or (), image)
            for box in _face_boxes(self._detection.process(image).detections or (), image):
                left, top, right, bottom = box
                part = np.ascontiguousarray(image[top:bottom, left:right])
                found = _as_arrays(self._mesh.process(part).multi_face_landmarks or (), part)
                found = [face + np.array([left, top, 0]) for face in found]
                faces += [face for face in found if not _is_known(face, faces)]
        return sorted(faces, key=lambda face: float(face[:, 0].mean()))

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with _silenced:
            self._detection.close()
            self._mesh.close()


def find_faces(image: NDArray[np.uint8], max_faces: int = 8) -> list[NDArray[np.float64]]:
    """Landmarks of all faces in a single picture, from left to right.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    max_faces : int
        How many to look for in the whole picture.

    Returns
    -------
    list of ndarray, shape (478, 3), float64, pixels, (x, y, z)
    """
    with FaceFinder(max_faces) as finder:
        return finder.find(image)


_SURER_BY = 0.1
"""How much surer the detectors are of a face when its picture is turned, from which it lay or stood on its head."""


def stands_wrongly(image: NDArray[np.uint8], landmarks: FloatArray) -> bool:
    """Whether a picture lies on its side or stands on its head.

    FaceMesh puts an upright face onto one that isn't: its mouth on the forehead, or in an eye. Both face detectors
    together are surer of a face the right way up: of 14 pictures in four directions each, all were told but two that
    were nearly even.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 2 or 3), pixels
        Of the face that was found in it.
    """
    middle, half_width = landmarks[:, :2].mean(axis=0), float(np.ptp(landmarks[:, :2], axis=0).max())
    left, top = np.maximum(middle - half_width, 0).astype(int)
    right, bottom = np.maximum(middle + half_width, 0).astype(int) + 1
    sureness = np.zeros((4, 2))
    with _silenced:
        for model in (0, 1):
            with _solutions().face_detection.FaceDetection(
                model_selection=model, min_detection_confidence=0.2
            ) as detection:
                for number, part in enumerate((image, image[top:bottom, left:right])):
                    for n_quarters in range(4):
                        turned = np.ascontiguousarray(np.rot90(part, n_quarters))
                        found = detection.process(turned).detections or ()
                        sureness[n_quarters, number] += max((face.score[0] for face in found), default=0.0)
    as_it_is, *turned_round = sureness.max(axis=1)
    return bool(max(turned_round) > as_it_is + _SURER_BY)


def _face_boxes(detections: Any, image: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """(left, top, right, bottom) around each detected face, twice as wide as it."""
    height, width = image.shape[:2]
    boxes = []
    for detection in detections:
        box = detection.location_data.relative_bounding_box
        x, y = (box.xmin + box.width / 2) * width, (box.ymin + box.height / 2) * height
        half_width = max(box.width * width, box.height * height)
        edges = np.clip(
            [x - half_width, y - half_width, x + half_width, y + half_width], 0, [width, height, width, height]
        ).astype(int)
        if edges[2] - edges[0] > 8 and edges[3] - edges[1] > 8:
            boxes.append((int(edges[0]), int(edges[1]), int(edges[2]), int(edges[3])))
    return boxes


def _is_known(face: FloatArray, faces: list[FloatArray]) -> bool:
    """Whether one of `faces` lies where `face` does."""
    centre, half_width = face[:, :2].mean(axis=0), 0.5 * np.ptp(face[:, 0])
    return any(float(np.linalg.norm(other[:, :2].mean(axis=0) - centre)) < half_width for other in faces)


def mesh_triangles() -> NDArray[np.int64]:
    """MediaPipe's own triangles over its first 468 points, without those inside eyes and mouth.

    Returns
    -------
    ndarray, shape (852, 3), int64
    """
    with _silenced:
        _solutions()
        from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION
    neighbours: dict[int, set[int]] = {}
    for a, b in FACEMESH_TESSELATION:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    rings = sorted({tuple(sorted((a, b, c))) for a, b in FACEMESH_TESSELATION for c in neighbours[a] & neighbours[b]})
    n_rings = Counter(side for ring in rings for side in combinations(ring, 2))
    # three sides that enclose other triangles are no triangle of the mesh: all of them have one too many neighbours
    return np.array([ring for ring in rings if min(n_rings[side] for side in combinations(ring, 2)) < 3], np.int64)


def person_matte(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of each pixel belongs to a person and not to the background.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB

    Returns
    -------
    ndarray, shape (H, W), float32, 0 to 1
        Coarse: the network sees the picture at 256 x 256.
    """
    with _silenced, _solutions().selfie_segmentation.SelfieSegmentation(model_selection=0) as segmentation:
        return np.array(segmentation.process(image).segmentation_mask, np.float32)
