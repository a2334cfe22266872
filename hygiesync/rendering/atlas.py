"""The atlas: real pictures of one person's mouth, each with its landmarks and coefficients.

Pictures are kept in memory as they are on disk (JPEG at full chroma) and opened when they are wanted; the last ones
stay open, as many as fit in `MAX_OPEN_BYTES`, since speech asks for the same mouths again and again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, SupportsIndex

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.errors import InputError
from hygiesync.face.topology import LOWER_MOUTH_REGION

JPEG_QUALITY = 95
MAX_OPEN_BYTES = 96_000_000
"""Memory that opened pictures may take."""

_DETAIL_SIGMA_PX = 2.0
_PATCH_MARGIN = 0.12


class PictureCache:
    """The pictures that were asked for last, as many as fit in `MAX_OPEN_BYTES`; all of one size.

    Any number of threads may ask at once. Two that ask for the same new picture both open it, and neither waits while
    the other does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pictures)

    def get(self, index: int, open_picture: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Picture `index`, which `open_picture` gives when it isn't here."""
        with self._lock:
            picture = self._pictures.get(index)
            if picture is not None:
                self._pictures.move_to_end(index)
                return picture
        picture = open_picture()
        with self._lock:
            self._pictures[index] = picture
            if len(self._pictures) * picture.nbytes > MAX_OPEN_BYTES:
                self._pictures.popitem(last=False)
        return picture


@dataclass(frozen=True)
class Atlas:
    """Mouth pictures and what is known of them; any number of threads may use one.

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
    codes : ndarray, shape (n_pictures, n_look_components), float32
        How they look; see :class:`hygiesync.rendering.appearance.AppearanceModel`.
    detail : float
        What fine detail is multiplied by on opening: as much as warping will take off again.
    """

    pictures: tuple[bytes, ...]
    vertices: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    turns: NDArray[np.float32]
    frame_numbers: NDArray[np.int64]
    codes: NDArray[np.float32]
    detail: float = 1.0
    _open: PictureCache = field(default_factory=PictureCache, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.pictures)

    def picture(self, index: SupportsIndex) -> NDArray[np.uint8]:
        """Picture `index`, shape (h, w, 3), uint8, RGB; shared, so not to be written to."""
        number = int(index)
        return self._open.get(number, lambda: with_detail(self.camera_picture(number), self.detail))

    def camera_picture(self, index: int) -> NDArray[np.uint8]:
        """Picture `index` as the camera saw it, shape (h, w, 3), uint8, RGB."""
        data = np.frombuffer(self.pictures[index], np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if picture is None:
            raise InputError(f"atlas picture {index} is damaged; train the avatar again")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def with_detail(picture: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Picture (h, w, 3), uint8, whose fine detail, a few pixels wide, is multiplied by `factor`."""
    if factor == 1:
        return picture
    smooth = cv2.GaussianBlur(picture, (0, 0), _DETAIL_SIGMA_PX)
    return cv2.addWeighted(picture, factor, smooth, 1 - factor, 0)


def encode_picture(picture: NDArray[np.uint8]) -> bytes:
    """JPEG of a picture (h, w, 3), uint8, RGB, without chroma subsampling: lips are a fine red line."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def patch_size(lower: FloatArray) -> tuple[int, int]:
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


def cut_patch(
    image: NDArray[np.uint8], lower: FloatArray, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
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
