r"""How a head moves in space, seen by one camera: rotation, scale and shift between two sets of landmarks.

Axes are the picture's: x to its right, y down, z away from the camera. Angles are yaw `a` (the nose goes to the
picture's right), pitch `b` (down) and roll `c` (clockwise), in degrees, and a rotation is their product

    R = R_yaw(a) R_pitch(b) R_roll(c),

             ( cos a  0  -sin a )              ( 1    0       0   )             ( cos c  -sin c  0 )
    R_yaw =  (   0    1     0   ),   R_pitch = ( 0  cos b  -sin b ),   R_roll = ( sin c   cos c  0 ).
             ( sin a  0   cos a )              ( 0  sin b   cos b )             (   0       0    1 )

So a point is rolled first, then pitched, then yawed, all about the picture's axes: Tait-Bryan angles. A face that looks
into the camera has R = 1, and the direction it looks in is ``-R[:, 2] = (sin a cos b, sin b, -cos a cos b)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.portrait.parts import CHIN, HEAD, OVAL

_PIVOT_BELOW, _PIVOT_BEHIND = 0.3, 0.8
"""Where heads turn, the top of the neck: below and behind the middle of the head points, in eye distances."""


@dataclass(frozen=True)
class HeadMotion:
    """A similarity of space that moves a head: ``p -> scale * rotation @ (p - pivot) + pivot + shift``.

    Attributes
    ----------
    rotation : ndarray, shape (3, 3)
    scale : float
    pivot, shift : ndarray, shape (3,), pixels
    """

    rotation: NDArray[np.float64]
    scale: float
    pivot: NDArray[np.float64]
    shift: NDArray[np.float64]

    @classmethod
    def still(cls, pivot: FloatArray) -> HeadMotion:
        """No motion."""
        return cls(np.eye(3), 1.0, pivot, np.zeros(3))

    @classmethod
    def between(cls, before: FloatArray, after: FloatArray, pivot: FloatArray) -> HeadMotion:
        """The motion that carries the head of landmarks `before` (478, 3) to that of `after`, by least squares.

        References
        ----------
        Umeyama, *Least-squares estimation of transformation parameters between two point patterns*, 1991.
        """
        p, q = before[list(HEAD)] - pivot, after[list(HEAD)] - pivot
        p_mean, q_mean = p.mean(0), q.mean(0)
        p, q = p - p_mean, q - q_mean
        u, spread, v = np.linalg.svd(q.T @ p)
        sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
        rotation = (u * sign) @ v
        scale = float((spread * sign).sum() / (p**2).sum())
        return cls(rotation, scale, pivot, q_mean - scale * rotation @ p_mean)

    def apply(self, points: FloatArray) -> NDArray[np.float64]:
        """Points (..., 3) moved."""
        return self.scale * (points - self.pivot) @ self.rotation.T + self.pivot + self.shift

    def undo(self, points: FloatArray) -> NDArray[np.float64]:
        """Points (..., 3) before the motion."""
        return (points - self.pivot - self.shift) @ self.rotation / self.scale + self.pivot


_MAX_ANGLES_DEG = np.array([38.0, 28.0])
"""Yaw and pitch up to which a picture of a face can be turned before it shows what isn't in it."""

_HIDDEN = 0.6
"""Part of a head's own turning by which it can turn back less far: beyond, the side comes into view that it hides."""

_LEAST_ROOM_DEG = 5.0
"""What a head may turn further in any case, however far it is turned already."""


def held_back(motion: HeadMotion, facing_deg: FloatArray) -> HeadMotion:
    """`motion` with its turning softly limited.

    Parameters
    ----------
    motion : HeadMotion
    facing_deg : ndarray, shape (3,)
        Yaw, pitch and roll of the head that is to be moved, from :func:`facing_deg`.
    """
    angles = angles_deg(motion.rotation)
    turned = np.abs(facing_deg[:2])
    is_back = angles[:2] * facing_deg[:2] < 0
    room = np.maximum(_MAX_ANGLES_DEG - np.where(is_back, _HIDDEN, 1.0) * turned, _LEAST_ROOM_DEG)
    share = np.abs(angles[:2]) / room
    share = np.where(share > 0.5, 0.5 + 0.5 * np.tanh(2 * share - 1), share)
    return replace(motion, rotation=rotation_of(np.append(np.sign(angles[:2]) * share * room, angles[2])))


_STEEPEST = 2.0
"""How much deeper than its neighbour a point of a face may lie, as a part of their distance in the picture.

Detectors see the outline nearly edge-on, and guess its depth. Turned towards the camera, a strip of a few pixels would
be drawn out five times: a temple of glasses would be a zigzag, an ear's edge a second ear.
"""


def gently_sloped(landmarks: FloatArray) -> NDArray[np.float64]:
    """Landmarks (478, 3) with those that lie deeper than a slope from any other allows brought forward to it."""
    apart = np.linalg.norm(landmarks[:, None, :2] - landmarks[None, :, :2], axis=-1)
    gentle = landmarks.copy()
    gentle[:, 2] = (landmarks[None, :, 2] + _STEEPEST * apart).min(1)
    return gentle


def facing_deg(landmarks: FloatArray) -> NDArray[np.float64]:
    """Yaw, pitch and roll (3,) of a face with landmarks (478, 3) against one that looks into the camera, about."""
    across = landmarks[[263, 454, 356]].mean(0) - landmarks[[33, 234, 127]].mean(0)
    across /= np.linalg.norm(across)
    down = landmarks[CHIN] - landmarks[OVAL[0]]
    down -= (down @ across) * across
    down /= np.linalg.norm(down)
    return angles_deg(np.stack([across, down, np.cross(across, down)], -1))


def rotation_of(angles: FloatArray) -> NDArray[np.float64]:
    """Rotation (3, 3) ``R_yaw R_pitch R_roll`` of yaw, pitch and roll (3,), degrees."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return yaw @ pitch @ roll


def pivot_of(landmarks: FloatArray, size_px: float) -> NDArray[np.float64]:
    """Point (3,) that a head with landmarks (478, 3) and an eye distance of `size_px` turns about."""
    return landmarks[list(HEAD)].mean(0) + size_px * np.array([0.0, _PIVOT_BELOW, _PIVOT_BEHIND])


def angles_deg(rotation: FloatArray) -> NDArray[np.float64]:
    """Yaw, pitch and roll (..., 3), degrees, of rotations (..., 3, 3); the inverse of :func:`rotation_of`.

    Pitch lies within -90 to 90; at its ends yaw and roll are not told apart.
    """
    forward = -rotation[..., :, 2]
    yaw = np.arctan2(forward[..., 0], -forward[..., 2])
    pitch = np.arctan2(forward[..., 1], np.hypot(forward[..., 0], forward[..., 2]))
    cosine = np.cos(pitch)
    roll = np.arctan2(rotation[..., 1, 0] / cosine, rotation[..., 1, 1] / cosine)
    return np.degrees(np.stack([yaw, pitch, roll], -1))
