"""What a face does, in numbers: how far mouth and eyes are open, and where the head is.

The same numbers steer the transfer of motion, and judge it when they are measured again on the result.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.comparison import correlation
from hygiesync.face.topology import INNER_LIPS
from hygiesync.portrait.head import HeadMotion, angles_deg
from hygiesync.portrait.parts import CHIN, EYES, HEAD, OVAL, UPPER_OF_LOWER_LID, UPPER_OF_LOWER_LIP, eye_distance

_MIDDLE_OF_LIPS = slice(2, 7)
"""Of the pairs of lip points: the corners are never far apart."""


def slit_opening(ring: FloatArray, pairs: tuple[tuple[int, int], ...]) -> NDArray[Any]:
    """Mean distance (...) between the edges of a slit, the points (..., n, 2 or 3) of its ring given."""
    lower, upper = (list(places) for places in zip(*pairs, strict=True))
    return np.linalg.norm(ring[..., lower, :] - ring[..., upper, :], axis=-1).mean(-1)


def mouth_opening(landmarks: FloatArray) -> NDArray[Any]:
    """Gap (...) between the inner lips of landmarks (..., 478, 2 or 3), in eye distances."""
    ring = landmarks[..., list(INNER_LIPS), :]
    return slit_opening(ring, UPPER_OF_LOWER_LIP[_MIDDLE_OF_LIPS]) / eye_distance(landmarks)


def eye_openings(landmarks: FloatArray) -> NDArray[np.float64]:
    """Gap (..., 2) between the lids of the right and the left eye, in eye distances."""
    gaps = [slit_opening(landmarks[..., list(ring), :], UPPER_OF_LOWER_LID) for ring in EYES]
    return np.stack(gaps, -1) / eye_distance(landmarks)[..., None]


def head_poses(landmarks: FloatArray) -> NDArray[np.float64]:
    """Where the head is in each frame, against the first.

    Parameters
    ----------
    landmarks : ndarray, shape (n_frames, 478, 3), pixels

    Returns
    -------
    ndarray, shape (n_frames, 6)
        Yaw, pitch, roll in degrees; shift of its middle to the right and down in eye distances; scale.
    """
    first = landmarks[0]
    unit = float(eye_distance(first))
    pivot = first[list(HEAD)].mean(0)
    motions = [HeadMotion.between(first, frame, pivot) for frame in landmarks]
    angles = angles_deg(np.stack([motion.rotation for motion in motions]))
    shifts = np.stack([motion.shift[:2] / unit for motion in motions])
    return np.concatenate([angles, shifts, np.array([[motion.scale] for motion in motions])], 1)


@dataclass(frozen=True)
class MotionComparison:
    """How well a made face follows the one that drives it; correlations, Pearson's.

    Attributes
    ----------
    opening, blink : float
        Of the mouth's and the eyes' opening.
    yaw, pitch, roll, shift_x, shift_y, scale : float
        Of the head.
    opening_amplitude, blink_amplitude : float
        Standard deviation against the driving face's.
    """

    opening: float
    blink: float
    yaw: float
    pitch: float
    roll: float
    shift_x: float
    shift_y: float
    scale: float
    opening_amplitude: float
    blink_amplitude: float

    def to_dict(self) -> dict[str, float]:
        """The measures by name, rounded for reading."""
        return {name: round(float(value), 4) for name, value in asdict(self).items()}


def compare_motion(driving: FloatArray, made: FloatArray) -> MotionComparison:
    """Compare the faces of two videos, landmarks (n_frames, 478, 3) each, frame by frame."""
    openings = mouth_opening(driving), mouth_opening(made)
    blinks = eye_openings(driving).mean(-1), eye_openings(made).mean(-1)
    poses = head_poses(driving), head_poses(made)
    yaw, pitch, roll, shift_x, shift_y, scale = (correlation(a, b) for a, b in zip(poses[0].T, poses[1].T, strict=True))
    return MotionComparison(
        opening=correlation(*openings),
        blink=correlation(*blinks),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        shift_x=shift_x,
        shift_y=shift_y,
        scale=scale,
        opening_amplitude=float(openings[1].std() / max(float(openings[0].std()), 1e-9)),
        blink_amplitude=float(blinks[1].std() / max(float(blinks[0].std()), 1e-9)),
    )


def outline_ratio(landmarks: FloatArray) -> NDArray[np.float64]:
    """Width of the face by its height (...), of landmarks (..., 478, 2 or 3): a mark of identity."""
    width = np.linalg.norm(landmarks[..., 454, :] - landmarks[..., 234, :], axis=-1)
    return width / np.linalg.norm(landmarks[..., CHIN, :] - landmarks[..., OVAL[0], :], axis=-1)
