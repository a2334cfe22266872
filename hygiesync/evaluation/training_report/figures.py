"""The figures of a training's report, as SVG.

No text of the user's goes into them: matplotlib would set what is between two dollar signs as maths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.evaluation.svg import to_svg
from hygiesync.evaluation.training_report.classes import ClassError
from hygiesync.evaluation.training_report.silence import begins_with_voices_end, pauses
from hygiesync.evaluation.training_report.stretches import Stretch
from hygiesync.face.comparison import delay_correlations
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import INNER_LIPS, OUTER_LIPS, within_lower_face
from hygiesync.timing import MEL_RATE, mel_frames_to_time, time_to_mel_frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_MODES, SIGMAS = 6, (-2, 0, 2)
BEFORE_END_S, AFTER_END_S = 0.3, 0.7
"""Seconds drawn before and after a voice's end."""

_INK, _OURS, _GREY, _ACCENT = "#20242b", "#1f6fd6", "#8a929e", "#e08a1e"
_LIP, _GAP = "#e9b7b0", "#5b2a2a"
_MAX_DOTS = 800

_RINGS = [within_lower_face(points) for points in (OUTER_LIPS, INNER_LIPS)]
_JAW = within_lower_face((136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365))


def loss_curves(training: Sequence[float], validation: Sequence[float], best_epoch: int) -> str:
    """Losses over the epochs, and whose weights are kept."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure((7.2, 2.9))
    epochs = np.arange(1, len(validation) + 1)
    axes.plot(epochs, training, color=_GREY, linewidth=1.4, label="training", marker="o", markersize=3)
    axes.plot(epochs, validation, color=_OURS, linewidth=1.6, label="validation", marker="o", markersize=3)
    axes.axvline(best_epoch + 1, color=_ACCENT, linewidth=1, linestyle=(0, (4, 2)), label="lowest validation")
    axes.set_ylim(0, 1.05 * max(*training, *validation))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _finished(figure, axes, "epoch", "loss")


def mode_mouths(shape: ShapeModel) -> str:
    """The first modes of the shape: the mouth at some standard deviations of each."""
    from matplotlib.figure import Figure

    n_modes = min(N_MODES, shape.n_components)
    steps = np.array(SIGMAS)[:, None, None] * np.eye(n_modes, shape.n_components)
    mouths = shape.inverse_transform(steps)
    low, high = mouths.min((0, 1, 2)) - 0.02, mouths.max((0, 1, 2)) + 0.02
    figure = Figure(figsize=(1.75 * n_modes, 4.6), layout="constrained")
    for (row, column), axes in np.ndenumerate(figure.subplots(len(SIGMAS), n_modes, squeeze=False)):
        _draw_mouth(axes, mouths[row, column])
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal", xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if row == 0:
            axes.set_title(f"mode {column + 1}\n{100 * shape.explained_variance_ratio[column]:.1f} %", fontsize=9)
        if column == 0:
            axes.set_ylabel(f"{SIGMAS[row]:+d} σ" if SIGMAS[row] else "mean", fontsize=9)
    return to_svg(figure)


def _draw_mouth(axes: Axes, mouth: FloatArray) -> None:
    for ring, colour in zip(_RINGS, (_LIP, _GAP), strict=True):
        axes.fill(*mouth[ring].T, facecolor=colour, edgecolor=_INK, linewidth=0.8)
    axes.plot(*mouth[_JAW].T, color=_GREY, linewidth=1.2)


def class_bars(groups: Sequence[Sequence[ClassError]]) -> str:
    """Lip distance of each class, a panel for each group of classes."""
    from matplotlib.figure import Figure

    sizes = [len(group) for group in groups]
    figure = Figure(figsize=(7.2, 0.7 + 0.34 * sum(sizes)), layout="constrained")
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, group in zip(panels, groups, strict=True):
        names = [error.name for error in group]
        bars = axes.barh(names, [error.lip_distance_pct for error in group], color=_OURS, height=0.62)
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
        axes.invert_yaxis()
        _plain(axes)
    panels[-1].set_xlabel("lip distance, % of eye distance", fontsize=9)
    return to_svg(figure)


def opening_scatter(stretches: Sequence[Stretch]) -> str:
    """Predicted against real opening, a dot for every few times."""
    real = np.concatenate([stretch.real_opening[stretch.is_known] for stretch in stretches])
    predicted = np.concatenate([stretch.predicted_opening[stretch.is_known] for stretch in stretches])
    every = max(1, -(-len(real) // _MAX_DOTS))
    figure, axes = _figure((4.4, 4.1))
    top = 1.05 * max(float(real.max()), float(predicted.max()), 1.0)
    axes.plot([0, top], [0, top], color=_GREY, linewidth=1, linestyle=(0, (4, 2)), label="the same")
    axes.plot(real[::every], predicted[::every], ".", color=_OURS, markersize=3.5, alpha=0.5, markeredgewidth=0)
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    return _finished(figure, axes, "real opening, % of eye distance", "predicted")


def lag_curve(stretches: Sequence[Stretch], lag_ms: float) -> str:
    """How well the openings correlate when the predicted one is taken later or earlier."""
    real = np.concatenate([stretch.real_opening[stretch.is_known] for stretch in stretches])
    predicted = np.concatenate([stretch.predicted_opening[stretch.is_known] for stretch in stretches])
    delays_s, correlations = delay_correlations(real, predicted, float(1 / MEL_RATE))
    figure, axes = _figure((7.2, 2.6))
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.plot(1000 * delays_s, correlations, color=_OURS, linewidth=1.6)
    axes.axvline(lag_ms, color=_ACCENT, linewidth=1.2, linestyle=(0, (4, 2)), label=f"best at {lag_ms:+.0f} ms")
    return _finished(figure, axes, "predicted lips later by, ms", "correlation")


def openings_at_voices_end(stretches: Sequence[Stretch]) -> str:
    """Real and predicted opening around each end of a voice, thin, and their means; "" when no voice ends."""
    before, after = (time_to_mel_frames(seconds) for seconds in (BEFORE_END_S, AFTER_END_S))
    ends = [(s, pause) for s in stretches for pause in pauses(s) if begins_with_voices_end(s, pause)]
    if not ends:
        return ""
    times_s = np.arange(-before, after) * float(mel_frames_to_time(1))
    figure, axes = _figure((7.2, 2.9))
    axes.axvspan(0, AFTER_END_S, color="#eceef1", linewidth=0)
    for name, colour in (("real", _INK), ("predicted", _OURS)):
        tracks = np.stack([_around(getattr(s, f"{name}_opening"), pause, before, after) for s, pause in ends])
        axes.plot(times_s, tracks.T, color=colour, linewidth=0.6, alpha=0.3)
        is_drawn = np.isfinite(tracks).any(0)
        axes.plot(times_s[is_drawn], np.nanmean(tracks[:, is_drawn], 0), color=colour, linewidth=2, label=name)
    axes.set_ylim(bottom=0)
    return _finished(figure, axes, "seconds after the voice's end", "opening, % of eye distance")


def _around(opening: FloatArray, pause: slice, before: int, after: int) -> NDArray[np.float64]:
    """`opening` (n,) from `before` frames before a pause to `after` into it; NaN where it has ended."""
    numbers = np.arange(pause.start - before, pause.start + after)
    is_there = (numbers >= 0) & (numbers < pause.stop)
    return np.where(is_there, opening[np.clip(numbers, 0, len(opening) - 1)], np.nan)


def _figure(size: tuple[float, float]) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _finished(figure: Figure, axes: Axes, x_label: str, y_label: str) -> str:
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.legend(frameon=False, fontsize=8)
    return to_svg(figure)
