"""How unlike two mouths are to training, and what it learns from: lips as detected, centred on themselves."""

import numpy as np
import pytest

from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_FACE, LOWER_LIPS
from hygiesync.learning.metric import mouth_metric


def shape_of(components: np.ndarray) -> ShapeModel:
    """A shape model whose coefficients move the points by `components` (n, n_points, 2)."""
    flat = components.reshape(len(components), -1)
    return ShapeModel(
        mean=np.zeros(components.shape[1:]),
        turn_basis=np.zeros((2, flat.shape[1])),
        components=flat,
        analysis=np.linalg.pinv(flat),
        explained_variance_ratio=np.full(len(flat), 1 / len(flat)),
    )


def squared_distances(components: np.ndarray) -> np.ndarray:
    """Of mouths that differ by one standard deviation in one coefficient each."""
    return (mouth_metric(shape_of(components)) ** 2).sum(1)


def moves(*which: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    components = np.zeros((len(which), len(LOWER_FACE), 2))
    lips = list(LOWER_LIPS)
    skin = [index for index in range(len(LOWER_FACE)) if index not in lips]
    for component, what in zip(components, which, strict=True):
        if what == "lips move":
            component[lips] = rng.normal(0, 1, (len(lips), 2))
        elif what == "lips sit elsewhere":
            component[lips] = 1.0
        else:
            component[skin] = rng.normal(0, 1, (len(skin), 2))
    return components


def test_the_shape_of_the_lips_counts_most() -> None:
    lips, elsewhere, skin = squared_distances(moves("lips move", "lips sit elsewhere", "skin moves"))
    assert lips > 4 * elsewhere > 0
    assert lips > 4 * skin > 0


def test_a_difference_in_every_coefficient_is_one_long() -> None:
    assert squared_distances(moves("lips move", "lips move", "skin moves")).sum() == pytest.approx(1)


def test_it_is_a_mean_over_points() -> None:
    """Differences of coefficients measured by the metric, and by the points that they move, point by point."""
    components = moves("lips move", "lips sit elsewhere", "skin moves", "lips move")
    difference = np.random.default_rng(1).normal(0, 1, 4)
    offset = np.tensordot(difference, components, 1)
    lips = offset[list(LOWER_LIPS)]
    plain = ((lips - lips.mean(0)) ** 2).sum(1).mean() + 0.2 * (offset**2).sum(1).mean()
    one = ((components[:, list(LOWER_LIPS)] - components[:, list(LOWER_LIPS)].mean(1, keepdims=True)) ** 2).sum(2)
    scale = (one.mean(1) + 0.2 * (components**2).sum(2).mean(1)).sum()
    measured = ((difference @ mouth_metric(shape_of(components))) ** 2).sum()
    assert measured == pytest.approx(plain / scale, rel=1e-5)
