"""A picture of how far training is: source, driving picture, prediction, masks and points, a row a pair."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hygiesync.first_order.learning.motion import Points
from hygiesync.first_order.learning.objective import Networks

_CELL = 128
"""Pixels of a picture in the sheet."""


def contact_sheet(networks: Networks, source: Tensor, driving: Tensor) -> NDArray[np.uint8]:
    """Draw what the networks make of pairs; they are in evaluation mode.

    Parameters
    ----------
    networks : Networks
    source, driving : Tensor, shape (n, 3, h, w), 0 to 1

    Returns
    -------
    ndarray, shape (n * 128, 6 * 128, 3), uint8, RGB
        Source and driving picture with their points, the prediction, its difference from the driving picture, whose
        motion each pixel follows, and what can be seen in the source.
    """
    with torch.no_grad():
        of_source, of_driving = networks.kp_detector(source), networks.kp_detector(driving)
        generated = networks.generator(source, of_driving, of_source)
    difference = (generated.prediction - driving).abs().mul(3).clamp(0, 1)
    occlusion = generated.motion.occlusion
    seen = torch.ones_like(generated.motion.mask[:, :1]) if occlusion is None else occlusion
    rows = []
    for k in range(len(source)):
        cells = [
            _with_points(_picture(source[k]), of_source, k),
            _with_points(_picture(driving[k]), of_driving, k),
            _picture(generated.prediction[k]),
            _picture(difference[k]),
            _coloured(generated.motion.mask[k]),
            _picture(seen[k].expand(3, -1, -1)),
        ]
        rows.append(np.hstack(cells))
    return np.vstack(rows)


def _picture(tensor: Tensor) -> NDArray[np.uint8]:
    picture = (tensor.permute(1, 2, 0).float().cpu().numpy() * 255).round().astype(np.uint8)
    return np.asarray(cv2.resize(picture, (_CELL, _CELL), interpolation=cv2.INTER_NEAREST), np.uint8)


def _with_points(picture: NDArray[np.uint8], points: Points, number: int) -> NDArray[np.uint8]:
    places = ((points.value[number].float().cpu().numpy() + 1) / 2 * (_CELL - 1)).round()
    for place, colour in zip(places.astype(int), _colours(len(places)), strict=True):
        cv2.circle(picture, (int(place[0]), int(place[1])), 3, colour, -1, cv2.LINE_AA)
    return picture


def _coloured(mask: Tensor) -> NDArray[np.uint8]:
    """Each motion in its point's colour, the background's in black."""
    colours = torch.tensor([(0, 0, 0), *_colours(len(mask) - 1)], dtype=torch.float32) / 255
    return _picture(torch.einsum("khw,kc->chw", mask.float().cpu(), colours))


def _colours(n: int) -> list[tuple[int, int, int]]:
    mixed = [colorsys.hsv_to_rgb(k / n, 0.9, 1.0) for k in range(n)]
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in mixed]
