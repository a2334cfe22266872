"""Learnt motion: parts of a face, squares put back, and the face model that is shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from first_order_shapes import SIZE, shape_clip, write_shapes

from hygiesync.errors import UsageError
from hygiesync.face.topology import OUTER_LIPS
from hygiesync.first_order.animation import MovingPicture
from hygiesync.first_order.configurations import read_configuration
from hygiesync.first_order.crop import Square
from hygiesync.first_order.keypoints import CarryOptions
from hygiesync.first_order.learning.building import train_model
from hygiesync.first_order.model import FirstOrderModel
from hygiesync.first_order.pasting import Pasting
from hygiesync.first_order.reconstruction import reconstruct
from hygiesync.first_order.regions import FACE, LIPS, region_mask
from hygiesync.pipelines.animation_methods import animation_method
from hygiesync.portrait.parts import OVAL
from hygiesync.weights import FIRST_ORDER_FACE

SHAPES = Path(__file__).parent / "first_order_configs" / "shapes.yaml"

MAX_BYTES = 8_000_000
"""Of the face model that is shipped."""


@pytest.mark.slow
def test_shapes_are_learnt(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "shapes", 12, 3)
    train_model(read_configuration(SHAPES), data, tmp_path / "model")
    model = FirstOrderModel.load(tmp_path / "model")
    assert reconstruct(model, data, finds_faces=False)["ratio"] < 0.5
    # each point stays on one and the same shape, in a clip that was not learnt from
    frames, places = shape_clip(13)
    found = (np.array([model.points(frame).value for frame in frames]) + 1) / 2 * (SIZE - 1)
    for point in range(found.shape[1]):
        offsets = found[:, point, None] - places
        assert offsets.std(0).max(-1).min() < 3


def test_parts_of_a_face_are_masks() -> None:
    landmarks = np.full((478, 2), 50.0)
    for ring, radius in ((OVAL, 40), (OUTER_LIPS, 12)):
        angles = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
        landmarks[list(ring)] = 50 + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    face, lips = (region_mask(landmarks, (100, 100), region) for region in (FACE, LIPS))
    for mask, inside, outside in ((face, 25, 95), (lips, 6, 20)):
        assert mask[50, 50] > 0.99
        assert mask[50, 50 + inside] > 0.9 or mask is lips
        assert mask[50, min(99, 50 + outside)] == pytest.approx(0, abs=1e-3)
    assert face.sum() > 8 * lips.sum() > 0
    with pytest.raises(UsageError, match="`regions`: expected some of face, lips, eyes, brows, got nose"):
        region_mask(landmarks, (100, 100), "nose")


def test_a_square_goes_back_where_it_was_cut() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (80, 120, 3), np.uint8)
    square = Square(30, 10, 64)
    pasting = Pasting(120, 80, square)
    assert np.array_equal(pasting.paste(picture, square.cut(picture)), picture)
    white = pasting.paste(picture, np.full((64, 64, 3), 255, np.uint8))
    assert (white[42, 62] == 255).all()
    assert np.array_equal(white[:10], picture[:10])
    assert np.array_equal(pasting.paste(picture, white[:64, :64], np.zeros((8, 8), np.float32)), picture)


def test_the_shipped_model_is_small_and_moves_its_source() -> None:
    assert sum(path.stat().st_size for path in FIRST_ORDER_FACE.iterdir()) <= MAX_BYTES
    model = FirstOrderModel.load(FIRST_ORDER_FACE)
    grey = np.full((model.size, model.size, 3), 120, np.uint8)
    made = MovingPicture(model, grey, CarryOptions()).move(grey, 0.0)
    assert made.shape == grey.shape


def test_methods_take_models_where_they_can() -> None:
    with pytest.raises(UsageError, match="mesh takes no model"):
        animation_method("mesh:models/fox")
