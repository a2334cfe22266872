"""The atlas: real pictures of one person's mouth, each with its landmarks and coefficients.

Pictures stay compressed in memory (JPEG at full chroma) and are opened when they are wanted; the few last ones are kept
open, since a mouth that holds a sound asks for the same ones again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from hygiesync.errors import InputError
from hygiesync.face.topology import LOWER_MOUTH_REGION

JPEG_QUALITY = 95
_OPEN_PICTURES = 64
_PATCH_MARGIN = 0.12


@dataclass(frozen=True)
class Atlas:
    """Mouth pictures and what is known of them.

    Attributes
    ----------
    pictures : tuple of bytes
        JPEG, all of one size, cut from the video's own pixels.
    vertices : ndarray, shape (n_pictures, n_vertices, 2), float32, pixels
        The face mesh's vertices in each picture.
    coefficients : ndarray, shape (n_pictures, n_components), float32
    turns : ndarray, shape (n_pictures, n_turns), float32
    frame_numbers : ndarray, shape (n_pictures,), int64
        Place in the training videos; consecutive pictures of one shot have consecutive numbers.
    """

    pictures: tuple[bytes, ...]
    vertices: np.ndarray
    coefficients: np.ndarray
    turns: np.ndarray
    frame_numbers: np.ndarray
    _open: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.pictures)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_open", lru_cache(maxsize=_OPEN_PICTURES)(self._decode))

    def picture(self, index: int) -> np.ndarray:
        """Picture `index`, shape (h, w, 3), uint8, RGB; shared, so not to be written to."""
        return self._open(int(index))  # type: ignore[operator]

    def _decode(self, index: int) -> np.ndarray:
        picture = cv2.imdecode(np.frombuffer(self.pictures[index], np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise InputError(f"atlas picture {index} is damaged; train the avatar again")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def encode_picture(picture: np.ndarray) -> bytes:
    """JPEG of a picture (h, w, 3), uint8, RGB, without chroma subsampling: lips are a fine red line."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def patch_size(lower: np.ndarray) -> tuple[int, int]:
    """Size that holds the mouth region of every frame.

    Parameters
    ----------
    lower : ndarray, shape (n_frames, n_lower, 2), pixels

    Returns
    -------
    width, height : int
        Even, as video codecs like it.
    """
    extent = np.quantile(np.ptp(lower[:, LOWER_MOUTH_REGION], axis=1), 0.995, axis=0) * (1 + 2 * _PATCH_MARGIN)
    width, height = (int(np.ceil(side / 2)) * 2 + 4 for side in extent)
    return width, height


def cut_patch(image: np.ndarray, lower: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The mouth region of a frame, on the frame's own pixel grid so that nothing is resampled.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    lower : ndarray, shape (n_lower, 2), pixels
    size : tuple of int
        (width, height) of the patch.

    Returns
    -------
    patch : ndarray, shape (height, width, 3), uint8
        Where it would leave the frame, the frame's edge is repeated.
    origin : ndarray, shape (2,), int
        The patch's top left corner in the frame.
    """
    width, height = size
    region = lower[LOWER_MOUTH_REGION]
    origin = np.rint((region.min(0) + region.max(0)) / 2 - np.array(size) / 2).astype(int)
    x = np.clip(np.arange(origin[0], origin[0] + width), 0, image.shape[1] - 1)
    y = np.clip(np.arange(origin[1], origin[1] + height), 0, image.shape[0] - 1)
    return image[y[:, None], x[None]], origin
