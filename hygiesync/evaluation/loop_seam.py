"""The seam of the idle loop: whether the head jumps where the loop's end meets its beginning.

The loop is drawn as the engine draws it in silence, and each picture is compared with the one before it. Across the
seam they should differ as much as anywhere else::

    change   .  .  '  .  .  .  .  |  .  '  .     no jump: about 1 time the median
             .  .  '  .  .  .  .  ¦  .  '  .     a jump: a picture that is far from the one before
                                  ^ the loop begins again

The grain of the codec changes too: a loop begins with a key frame, and that alone can double the change.

Video textures take a cut to be unseen where the pictures on its two sides are as near as neighbours are [1]_.

References
----------
.. [1] Schödl, Szeliski, Salesin and Essa, *Video Textures*, SIGGRAPH 2000, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.evaluation.tiles import cut_tile
from hygiesync.timing import frames_in

N_AROUND = 3
"""Pictures that are kept from before the seam, and as many from after it."""

_TILE, _WIDTH, _CENTRE = (230, 258), 1.9, np.array([0.0, 0.4])
_SURELY_STILL = 0.01
"""Mean change, levels of 255, under which a loop counts as standing still."""


@dataclass(frozen=True)
class LoopSeam:
    """What is seen where an idle loop begins again.

    Attributes
    ----------
    pictures : ndarray, shape (n_pictures, h, w, 3), uint8
        The face in consecutive pictures, all cut out at one place, so that a jump of the head shows.
    changes : ndarray, shape (n_pictures, h, w), uint8
        Absolute change from the picture before to each of them.
    n_before : int
        How many of them come before the seam.
    across, usual : float
        Mean absolute change over the whole picture, levels of 255: across the seam, and the median of all others.
    """

    pictures: NDArray[np.uint8]
    changes: NDArray[np.uint8]
    n_before: int
    across: float
    usual: float

    @property
    def jump_ratio(self) -> float:
        """Change across the seam against the usual one; 1 is no jump."""
        return (self.across + _SURELY_STILL) / (self.usual + _SURELY_STILL)


def idle_loop_seam(avatar: VideoAvatar) -> LoopSeam:
    """Draw an avatar's idle loop once, with its mouth at rest, and on over its seam."""
    compositor, times_s = avatar.renderer(), avatar.idle_places.times_s
    frames = avatar.idle(avatar.fps).template.frames()
    pictures = (compositor.render(frame, avatar.rest) for frame in frames)
    length_s = float(np.ptp(times_s)) * len(times_s) / max(len(times_s) - 1, 1)  # the last frame is shown as well
    n_loop = max(frames_in(length_s, avatar.fps), 1)
    return loop_seam(pictures, n_loop, np.nanmedian(avatar.idle_places.to_picture, axis=0))


def loop_seam(pictures: Iterator[NDArray[np.uint8]], n_loop: int, to_picture: FloatArray) -> LoopSeam:
    """Look at where a loop begins again.

    Parameters
    ----------
    pictures : iterator of ndarray, shape (H, W, 3), uint8, RGB
        The loop played over and over, from its start. A round and the next one's first pictures are taken; two are held
        at a time.
    n_loop : int
        Pictures in a round.
    to_picture : ndarray, shape (2, 3)
        Where the face is, for what is shown of it.
    """
    kept: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    change_of: list[float] = []
    last = next(pictures)
    for number, picture in enumerate(islice(pictures, n_loop + N_AROUND - 1), start=1):
        change = cv2.absdiff(picture, last)
        change_of.append(float(change.mean()))
        if number >= n_loop - N_AROUND:
            kept.append((_tile(picture, to_picture), _tile(change, to_picture).max(-1)))
        last = picture
    tiles, changes = zip(*kept, strict=True)
    across = change_of.pop(n_loop - 1)
    usual = float(np.median(change_of))
    return LoopSeam(np.stack(tiles), np.stack(changes), len(kept) - N_AROUND, across, usual)


def _tile(picture: NDArray[np.uint8], to_picture: FloatArray) -> NDArray[np.uint8]:
    """The face (h, w, 3), uint8, as a seam's strip shows it."""
    return cut_tile(picture, to_picture, _CENTRE, _WIDTH, _TILE)
