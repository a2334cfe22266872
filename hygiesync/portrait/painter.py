"""Drawing a picture's face at its target: the mesh moves the person before a background that stays where it is."""

from __future__ import annotations

import cv2
import numpy as np

from hygiesync.portrait.eyes import Eyeball
from hygiesync.portrait.layers import Layers
from hygiesync.portrait.mouth import LentMouth
from hygiesync.portrait.parts import EYES, GAPS, IRISES, upright
from hygiesync.portrait.surroundings import Surroundings
from hygiesync.portrait.transfer import FaceTarget
from hygiesync.render.grid import NodeGrid, Target
from hygiesync.render.warp import Box, double_areas

_NODES_PER_EYE_DISTANCE = 50
_MAX_STEP = 8


class PortraitPainter:
    """Draws one picture's person in motion.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, RGB
    landmarks : ndarray, shape (478, 3), pixels
    matte : ndarray, shape (H, W), float32, 0 to 1
        Coarse share of the person, as from :func:`hygiesync.face.landmarks.person_matte`.
    triangles : ndarray, shape (n, 3), int
        Of the face, as from :func:`hygiesync.face.landmarks.mesh_triangles`.
    """

    def __init__(self, image: np.ndarray, landmarks: np.ndarray, matte: np.ndarray, triangles: np.ndarray) -> None:
        self._image, self._landmarks = image, landmarks
        unit = float(np.linalg.norm(upright(landmarks)[1][0]))
        layers = Layers.of_picture(image, matte, landmarks, unit)
        self._surroundings = Surroundings(landmarks)
        self._triangles = np.concatenate([triangles, GAPS, self._surroundings.triangles(len(landmarks))])
        self._source = np.concatenate([landmarks, self._surroundings.vertices])[:, :2]
        self._is_clockwise = double_areas(self._source[self._triangles]) > 0
        self._box = Box.around(self._surroundings.moving(), image.shape[:2])
        self._grid = NodeGrid(self._box, int(np.clip(round(unit / _NODES_PER_EYE_DISTANCE), 1, _MAX_STEP)))
        self._person, self._alpha = layers.person, layers.alpha
        self._background = np.ascontiguousarray(layers.background[self._box.slices])
        self._eyeballs = [
            Eyeball(image, landmarks[list(ring), :2], landmarks[list(iris), :2])
            for ring, iris in zip(EYES, IRISES, strict=True)
        ]

    def render(
        self,
        target: FaceTarget,
        mouth: LentMouth | None = None,
        driving_image: np.ndarray | None = None,
        driving: np.ndarray | None = None,
    ) -> np.ndarray:
        """The picture with its face at `target`.

        Parameters
        ----------
        target : FaceTarget
        mouth : LentMouth, optional
            Paints the mouth's inside from the next two; without it, the picture's own stretches.
        driving_image : ndarray, shape (h, w, 3), uint8, RGB, optional
        driving : ndarray, shape (478, 3), pixels, optional

        Returns
        -------
        ndarray, shape (H, W, 3), uint8, RGB
            A new one.
        """
        vertices = np.concatenate([target.landmarks, self._surroundings.move(target)])[:, :2]
        is_behind = (double_areas(vertices[self._triangles]) > 0) != self._is_clockwise
        nodes = Target(vertices, self._triangles, self._grid, is_behind).backward(self._source)
        backward = self._grid.to_pixels(nodes)
        person = cv2.remap(self._person, backward, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        landmarks = target.landmarks - (*self._box.origin, 0)
        for eyeball, ring, iris in zip(self._eyeballs, EYES, IRISES, strict=True):
            eyeball.paint(person, landmarks[list(ring), :2], landmarks[iris[0], :2])
        if mouth is not None and driving_image is not None and driving is not None:
            mouth.paint(person, landmarks, driving_image, driving)
        alpha = cv2.remap(self._alpha, backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        share = alpha.astype(np.float32) * np.float32(1 / 255)
        image = self._image.copy()
        image[self._box.slices] = cv2.blendLinear(person, self._background, share, 1 - share)
        return image
