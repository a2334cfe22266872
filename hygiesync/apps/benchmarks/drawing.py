"""Drawing frames at several sizes: each part, beside what it is compared with, in one run.

The stages of drawing are public methods; here they are timed by subclasses that do nothing else, inside the very
`Compositor.render` that speaking uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.apps.benchmarks.enlargement import Enlargement, enlarge
from hygiesync.apps.benchmarks.stopwatch import Stopwatch, percentiles, seconds_of
from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.progress import Progress
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.compositor import Compositor
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace
from hygiesync.rendering.mouth_choice import MouthChoice
from hygiesync.rendering.mouth_drawing import MouthDrawing
from hygiesync.rendering.mouth_pasting import MouthTarget, WarpedMouth

N_ROUNDS = 250
"""Frames measured at each size. They are drawn once before without a watch, so that pictures are open as they are
after a minute of speech; what opening one takes is measured by itself."""

PARTS = ("retrieval", "warp", "blend")
"""What is timed within a frame."""


class TimedChoice(MouthChoice):
    """Chooses as ever, by the watch."""

    def __init__(self, watch: Stopwatch, avatar: VideoAvatar, atlas: Atlas) -> None:
        super().__init__(avatar.shape, atlas, avatar.appearance)
        self.watch = watch

    def push(self, coefficients: NDArray[Any], turn: NDArray[Any]) -> tuple[NDArray[Any], Sequence[int]]:
        """See :meth:`MouthChoice.push`."""
        with self.watch.timing("retrieval"):
            return super().push(coefficients, turn)


class TimedDrawing(MouthDrawing):
    """Draws as ever, by the watch.

    Attributes
    ----------
    blended : tuple of (WarpedMouth, ndarray)
        The last mouth, and the picture (H, W, 3), uint8, that it was put into.
    """

    blended: tuple[WarpedMouth, NDArray[Any]]

    def __init__(self, watch: Stopwatch, avatar: VideoAvatar, atlas: Atlas) -> None:
        super().__init__(avatar.shape, atlas, avatar.mesh, avatar.canvas, avatar.appearance)
        self.watch = watch

    def target(self, face: TemplateFace, coefficients: NDArray[Any], size: tuple[int, ...]) -> MouthTarget | None:
        """See :meth:`MouthDrawing.target`."""
        with self.watch.timing("warp"):
            return super().target(face, coefficients, size)

    def move_skin(self, picture: NDArray[Any], template: PlainFrame, target: MouthTarget) -> None:
        """See :meth:`MouthDrawing.move_skin`."""
        with self.watch.timing("warp"):
            super().move_skin(picture, template, target)

    def warp_mouth(self, target: MouthTarget, index: int, strength: float = 1.0) -> WarpedMouth:
        """See :meth:`MouthDrawing.warp_mouth`."""
        with self.watch.timing("warp"):
            return super().warp_mouth(target, index, strength)

    def blend(self, picture: NDArray[Any], mouth: WarpedMouth, look: NDArray[Any]) -> None:
        """See :meth:`MouthDrawing.blend`."""
        with self.watch.timing("blend"):
            super().blend(picture, mouth, look)
        self.blended = mouth, picture


class DrawingBench:
    """One picture size, drawn frame by frame by the watch.

    Parameters
    ----------
    avatar : VideoAvatar
    enlarged : Enlargement
        Of this avatar.
    """

    def __init__(self, avatar: VideoAvatar, enlarged: Enlargement) -> None:
        self.enlarged, self.watch = enlarged, Stopwatch()
        self.drawing = TimedDrawing(self.watch, avatar, enlarged.atlas)
        choice = TimedChoice(self.watch, avatar, enlarged.atlas)
        self.compositor = Compositor(choice, self.drawing)

    def warm_up(self) -> None:
        """Draw all rounds once, so that all pictures are open."""
        for template, coefficients in self.enlarged.script:
            self.compositor.render(template, coefficients)
        self.compositor.reset()

    def draw(self, number: int) -> dict[str, float]:
        """Seconds of one round's frame, of its parts, and of its rivals."""
        template, coefficients = self.enlarged.script[number]
        self.watch.spent_s.clear()
        frame_s = seconds_of(partial(self.compositor.render, template, coefficients))
        spent_s = {part: self.watch.spent_s[part] for part in PARTS}
        open_s = seconds_of(partial(self.enlarged.atlas.camera_picture, number % len(self.enlarged.atlas)))
        copy_s = seconds_of(template.image.copy)
        rivals_s = {"seamless_clone": self._seamless_clone_s(), "frame_copy": copy_s}
        return spent_s | {"frame": frame_s, "decode": open_s} | rivals_s

    @property
    def patch_px(self) -> list[int]:
        """Width and height of the last frame's mouth."""
        return list(self.drawing.blended[0].patch.shape[1::-1])

    def _seamless_clone_s(self) -> float:
        """Seconds that OpenCV takes to blend the last frame's mouth."""
        mouth, picture = self.drawing.blended
        skin = picture[mouth.target.grid.box.slices]
        stencil = (mouth.share > 0).astype(np.uint8) * 255
        left, top, width, height = cv2.boundingRect(stencil)
        middle = (left + width // 2, top + height // 2)
        return seconds_of(partial(cv2.seamlessClone, mouth.patch, skin, stencil, middle, cv2.NORMAL_CLONE))


def measure_drawing(avatar: VideoAvatar, sizes: Sequence[tuple[int, int]], report: Progress) -> dict[str, Any]:
    """Times of all sizes' frames and of what they are compared with, one of each in every round.

    Parameters
    ----------
    avatar : VideoAvatar
    sizes : sequence of (width, height), pixels
    report : callable
        Told of the work done.

    Returns
    -------
    dict
        ``"WIDTHxHEIGHT"`` -> ``retrieval_ms, warp_ms, decode_ms, blend_ms, frame_ms, seamless_clone_ms,
        frame_copy_ms``, each ``{"p50", "p95", "p99"}``, ``patch_px`` and ``ratios``.

    Raises
    ------
    InputError
        When the avatar's idle loop shows no face.
    """
    benches = {
        f"{width}x{height}": DrawingBench(avatar, enlarge(avatar, (width, height), N_ROUNDS)) for width, height in sizes
    }
    times: dict[str, defaultdict[str, list[float]]] = {key: defaultdict(list) for key in benches}
    for bench in benches.values():
        bench.warm_up()
    for number in range(N_ROUNDS):
        for key, bench in benches.items():
            for part, seconds in bench.draw(number).items():
                times[key][part].append(seconds)
        report("drawing", number + 1, N_ROUNDS, "")
    return {key: _summary(parts) | {"patch_px": benches[key].patch_px} for key, parts in times.items()}


def _summary(times_s: dict[str, list[float]]) -> dict[str, Any]:
    summary: dict[str, Any] = {f"{part}_ms": percentiles(values, 1e3) for part, values in times_s.items()}
    frame = summary["frame_ms"]
    summary["ratios"] = {
        f"frame_{percentile}_to_{rival}_p50": round(frame[percentile] / summary[f"{rival}_ms"]["p50"], 4)
        for rival in ("seamless_clone", "frame_copy")
        for percentile in ("p50", "p99")
    }
    return summary
