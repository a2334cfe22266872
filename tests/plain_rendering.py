"""Plain renderings, slow and exact, that the fast ones are held against."""

import cv2
import numpy as np
from present import present
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.face.pose import similarity_scale
from hygiesync.face.topology import LOWER_MOUTH_REGION
from hygiesync.rendering.atlas import with_detail
from hygiesync.rendering.interfaces import TemplateFrame
from hygiesync.rendering.lips import place_shape
from hygiesync.rendering.mouth_pasting import MAX_STEP
from hygiesync.rendering.warp import Box, PiecewiseAffine
from hygiesync.speech.mel import N_MELS
from hygiesync.speech_to_shape.track import N_SOUND_FRAMES

NO_SOUND = np.full((N_SOUND_FRAMES, N_MELS), -8, np.float32)
"""Sound features of digital silence, for renderers that look at coefficients only."""


def dense_poisson(difference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Laplace's equation on every pixel of `mask` (H, W), bool, as one sparse linear system; `difference` elsewhere."""
    y, x = np.nonzero(mask)
    number = np.full(mask.shape, -1)
    number[y, x] = np.arange(len(y))
    right = np.zeros((len(y), difference.shape[2]))
    rows, columns = [], []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        neighbour = number[y + dy, x + dx]
        rows.append(np.flatnonzero(neighbour >= 0))
        columns.append(neighbour[neighbour >= 0])
        right[neighbour < 0] += difference[y + dy, x + dx][neighbour < 0]
    places = np.concatenate(rows), np.concatenate(columns)
    links = sparse.coo_matrix((np.ones(len(places[0])), places), (len(y), len(y)))
    solution = difference.astype(float)
    solution[y, x] = spsolve((sparse.identity(len(y)) * 4 - links).tocsc(), right).reshape(len(y), -1)
    return solution


def polygon_mask(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels (H, W), bool, inside a polygon (n, 2), pixels."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 64).astype(np.int32)], 1, cv2.LINE_8, 6)
    return mask.astype(bool)


def without_covers(difference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The difference (H, W, 3), which beside the mask is that of the nearest pixel there whose step is light's."""
    beside = (cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~mask
    rows, columns = np.nonzero(beside)
    steps = difference[rows, columns]
    is_light = (np.abs(steps - np.median(steps, axis=0)) <= MAX_STEP).all(1)
    places = np.stack([rows, columns], 1)
    _, nearest = cKDTree(places[is_light]).query(places)
    filled = difference.copy()
    filled[rows, columns] = steps[is_light][nearest]
    return filled


class PlainRendering:
    """One picture, computed pixel by pixel at full resolution.

    Attributes
    ----------
    mask : ndarray, shape (H, W), bool
        Where the mouth is put.
    skin : ndarray, shape (H, W, 3), uint8
        The template, its lower face moved to the target.
    blended : ndarray, shape (H, W, 3), float
        Patch and membrane inside the mask, without a feather.
    picture : ndarray, shape (H, W, 3), uint8
    """

    def __init__(
        self, avatar: VideoAvatar, template: TemplateFrame, coefficients: np.ndarray, index: int, appearance: np.ndarray
    ) -> None:
        face, image = present(template.face), template.image
        size = image.shape[0], image.shape[1]
        lower = place_shape(avatar.shape, coefficients, face)
        target = avatar.mesh.place(lower, face.to_picture)
        warp = PiecewiseAffine(avatar.mesh.triangles)

        def fetch(source: np.ndarray, vertices: np.ndarray, how: int = cv2.INTER_LINEAR) -> np.ndarray:
            positions = warp.backward_map(target, vertices, Box(0, 0, size[1], size[0]))
            return cv2.remap(source, positions, None, how, borderMode=cv2.BORDER_REPLICATE)

        is_small = round(float(similarity_scale(face.to_picture)) / 110) <= 1

        self.skin = fetch(image, avatar.mesh.place(face.lower, face.to_picture))
        mouth = with_detail(avatar.atlas.camera_picture(index), avatar.atlas.detail)
        patch = fetch(mouth, avatar.atlas.vertices[index], cv2.INTER_CUBIC if is_small else cv2.INTER_LINEAR)
        correction = np.zeros((*avatar.canvas.size, 3), np.float32)
        lips = correction[avatar.canvas.lips_box()]
        lips[:] = avatar.appearance.draw(appearance - avatar.atlas.codes[index]).reshape(lips.shape)
        patch = patch + fetch(correction, avatar.canvas.vertices)
        share = fetch(avatar.canvas.feather, avatar.canvas.vertices)[..., None]
        self.mask = polygon_mask(lower[LOWER_MOUTH_REGION], size)
        difference = without_covers(self.skin - patch, self.mask)
        self.blended = np.where(self.mask[..., None], patch + dense_poisson(difference, self.mask), self.skin)
        share = np.where(self.mask[..., None], share, 0)
        self.picture = np.clip(np.rint(self.skin + share * (self.blended - self.skin)), 0, 255).astype(np.uint8)
