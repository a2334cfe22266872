"""What is seen of the speaker in every frame of a video, and how far each frame can be believed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.landmarks import LandmarkDetector
from hygiesync.face.pose import apply_similarity, fit_similarity, invert_similarity
from hygiesync.face.smoothing import find_shots, gaussian_smooth
from hygiesync.face.topology import LEFT_EYE_OUTER, LOWER_FACE, RIGHT_EYE_OUTER, RIGID

LANDMARK_SIGMA_S = 0.02
"""Smoothing of landmarks: takes off detector jitter, and leaves lips that close for one frame nearly as they are."""

MAX_TURN = 3.0
"""Frames turned further than this from the person's mean head, in standard deviations, are left out."""

MIN_TURN_EXTENT = 0.06
"""Turns smaller than this, in canonical units, never count as strong, however still the person sits otherwise."""

MAX_STRANGENESS = 4.0
"""Mouths whose look is this many times further from the usual than half of the frames are taken for occluded."""

MIN_SHARPNESS = 0.25
"""Frames under this share of the median sharpness are taken for blurred."""

_MOUTH_WINDOW = np.array([[-0.5, 0.55], [0.5, 1.3]])
_MOUTH_SIZE = (64, 48)
_THUMBNAIL_SIZE = (12, 9)


@dataclass(frozen=True)
class Observation:
    """One picture's face.

    Attributes
    ----------
    rigid : ndarray, shape (n_rigid, 2), float32, pixels
    lower : ndarray, shape (n_lower, 2), float32, pixels
    sharpness : float
        Variance of the Laplacian of the mouth at a fixed size.
    thumbnail : ndarray, shape (9, 12), uint8
        The mouth, small and grey.
    """

    rigid: NDArray[np.float32]
    lower: NDArray[np.float32]
    sharpness: float
    thumbnail: NDArray[np.uint8]


class FaceObserver(LandmarkDetector):
    """Landmarks and image measures of consecutive pictures; a context manager."""

    def observe(self, image: NDArray[np.uint8]) -> Observation | None:
        """What `image`, shape (H, W, 3), uint8, RGB, shows of the face; None without one."""
        landmarks = self.detect(image)
        if landmarks is None:
            return None
        mouth = _mouth_window(image, landmarks)
        return Observation(
            rigid=landmarks[list(RIGID)].astype(np.float32),
            lower=landmarks[list(LOWER_FACE)].astype(np.float32),
            sharpness=float(cv2.Laplacian(mouth, cv2.CV_32F).var()),
            thumbnail=cv2.resize(mouth, _THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA),
        )


def _mouth_window(image: NDArray[np.uint8], landmarks: FloatArray) -> NDArray[np.uint8]:
    """The mouth, upright and at a fixed size, grey: shape (48, 64), uint8."""
    eyes = landmarks[[RIGHT_EYE_OUTER, LEFT_EYE_OUTER]]
    to_picture = invert_similarity(fit_similarity(eyes, np.array([[-0.5, 0.0], [0.5, 0.0]])))
    left, top = _MOUTH_WINDOW[0]
    right, bottom = _MOUTH_WINDOW[1]
    corners = apply_similarity(to_picture, np.array([[left, top], [right, top], [left, bottom]])).astype(np.float32)
    width, height = _MOUTH_SIZE
    size = np.array([[0, 0], [width, 0], [0, height]], np.float32)
    window = cv2.warpAffine(image, cv2.getAffineTransform(corners, size), _MOUTH_SIZE, flags=cv2.INTER_AREA)
    return cv2.cvtColor(window, cv2.COLOR_RGB2GRAY)


@dataclass(frozen=True)
class FaceTrack:
    """All frames of a video, in order; NaN (landmarks, sharpness) where there is no face.

    Attributes
    ----------
    times_s : ndarray, shape (n_frames,), float64, seconds
    rigid : ndarray, shape (n_frames, n_rigid, 2), float32, pixels
    lower : ndarray, shape (n_frames, n_lower, 2), float32, pixels
    sharpness : ndarray, shape (n_frames,), float32
    thumbnails : ndarray, shape (n_frames, 9, 12), uint8
    """

    times_s: NDArray[np.float64]
    rigid: FloatArray
    lower: FloatArray
    sharpness: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.times_s)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for saving."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_observations(cls, times_s: list[float], observations: list[Observation | None]) -> FaceTrack:
        """Track of observed frames, None standing for frames without a face."""
        n_frames = len(times_s)
        track = cls(
            times_s=np.array(times_s, np.float64),
            rigid=np.full((n_frames, len(RIGID), 2), np.nan, np.float32),
            lower=np.full((n_frames, len(LOWER_FACE), 2), np.nan, np.float32),
            sharpness=np.full(n_frames, np.nan, np.float32),
            thumbnails=np.zeros((n_frames, *_THUMBNAIL_SIZE[::-1]), np.uint8),
        )
        for index, seen in enumerate(observations):
            if seen is not None:
                track.rigid[index], track.lower[index] = seen.rigid, seen.lower
                track.sharpness[index], track.thumbnails[index] = seen.sharpness, seen.thumbnail
        return track

    @classmethod
    def concatenate(cls, tracks: list[FaceTrack]) -> FaceTrack:
        """Tracks of consecutive stretches as one."""
        return cls(**{item.name: np.concatenate([getattr(t, item.name) for t in tracks]) for item in fields(cls)})

    @property
    def has_face(self) -> NDArray[np.bool_]:
        """ndarray, shape (n_frames,), bool."""
        return ~np.isnan(self.sharpness)

    def shots(self) -> NDArray[np.int64]:
        """Number of the shot that each frame belongs to (n_frames,), int."""
        return find_shots(self.rigid)

    def smoothed(self) -> FaceTrack:
        """The track without detector jitter, and without lag."""
        shots = self.shots()
        rigid, lower = (
            gaussian_smooth(points, self.times_s, shots, LANDMARK_SIGMA_S) for points in (self.rigid, self.lower)
        )
        return replace(self, rigid=rigid, lower=lower)

    def is_occluded(self) -> NDArray[np.bool_]:
        """Frames (n_frames,), bool, whose mouth looks like nothing the person usually shows: a hand, a cup."""
        usual = np.median(self.thumbnails[self.has_face].astype(np.float32), axis=0)
        # brightness of the whole mouth may change with the light; what covers it changes the pattern
        difference = self.thumbnails.astype(np.float32) - usual
        difference -= difference.mean((1, 2), keepdims=True)
        strangeness = np.sqrt((difference**2).mean((1, 2)))
        return self.has_face & (strangeness > MAX_STRANGENESS * max(float(np.median(strangeness[self.has_face])), 2.0))

    def is_blurred(self) -> NDArray[np.bool_]:
        """Frames (n_frames,), bool, far less sharp than usual."""
        with np.errstate(invalid="ignore"):
            return self.sharpness < MIN_SHARPNESS * np.nanmedian(self.sharpness)


def is_turned_beyond(turns: FloatArray, turn_scale: FloatArray, factor: float = 1.0) -> NDArray[np.bool_]:
    """Frames (...,), bool, whose head is turned further than `factor` times what lips may be learnt from.

    Parameters
    ----------
    turns : ndarray, shape (..., 2), standard deviations
    turn_scale : ndarray, shape (2,), canonical units for one standard deviation
    factor : float
    """
    limit = np.maximum(MAX_TURN, MIN_TURN_EXTENT / turn_scale)
    return (np.abs(turns) > factor * limit).any(-1)
