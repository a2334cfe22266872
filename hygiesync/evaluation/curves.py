"""Curves over time as SVG, in strips below each other so that single sounds can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.evaluation.svg import to_svg

STRIP_S, MAX_STRIPS = 12.0, 5
"""Seconds in each strip; how many strips of the video's beginning are drawn."""

_STYLES: dict[str, dict[str, Any]] = {
    "real": {"color": "#20242b", "linewidth": 1.6},
    "oracle": {"color": "#e08a1e", "linewidth": 1.0, "linestyle": (0, (3, 1.5))},
    "ours": {"color": "#1f6fd6", "linewidth": 1.4},
    "predicted": {"color": "#1f6fd6", "linewidth": 1.4},
}
_STRIP_SIZE = (10.6, 1.75)


def opening_curves(times_s: FloatArray, openings: Mapping[str, FloatArray], is_voice: NDArray[np.bool_]) -> str:
    """Draw how far mouths are open.

    Parameters
    ----------
    times_s : ndarray, shape (n_frames,), seconds
    openings : mapping of str to ndarray, shape (n_frames,), % of the distance between the eyes
        "real", "oracle", "ours", "predicted" have styles of their own; NaN frames are holes.
    is_voice : ndarray, shape (n_frames,), bool
        The rest is shaded.

    Returns
    -------
    str
        An SVG element.
    """
    from matplotlib.figure import Figure

    start_s, length_s = float(times_s[0]), float(np.ptp(times_s))
    n_strips = int(np.clip(np.ceil(length_s / STRIP_S), 1, MAX_STRIPS))
    strip_s = STRIP_S if n_strips > 1 else max(length_s, 0.1)
    top = 1.08 * max(float(np.nanmax(values, initial=1.0)) for values in openings.values())
    figure = Figure(figsize=(_STRIP_SIZE[0], _STRIP_SIZE[1] * n_strips + 0.4), layout="constrained")
    for number, axes in enumerate(np.atleast_1d(figure.subplots(n_strips, 1, squeeze=True))):
        axes.fill_between(times_s, 0, top, where=~is_voice, step="mid", color="#eceef1", linewidth=0)
        for name, values in openings.items():
            axes.plot(times_s, values, label=name, **_STYLES.get(name, {"linewidth": 1.2}))
        axes.set_xlim(start_s + number * strip_s, start_s + (number + 1) * strip_s)
        axes.set_ylim(0, top)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        if number == 0:
            axes.legend(ncols=len(openings), frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.97))
    figure.supylabel("opening, % of eye distance", fontsize=9)
    axes.set_xlabel("time, s", fontsize=9)
    return to_svg(figure)
