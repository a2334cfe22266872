"""Learning how a person's mouth looks from its atlas, and how much fine detail drawing takes off."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from hygiesync.array_types import FloatArray
from hygiesync.face.pose import fit_similarity, similarity_scale
from hygiesync.face.shape import ShapeModel
from hygiesync.face.topology import LOWER_FACE, LOWER_LIPS
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.compositor import Compositor
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.interfaces import PlainFrame, TemplateFace, TemplateFrame
from hygiesync.rendering.looks import atlas_looks
from hygiesync.rendering.mesh import FaceMesh
from hygiesync.rendering.warp import Box

MAX_DETAIL = 2.0

_N_PROBES, _PROBED_SHARE = 48, 0.25

_ENCODER_TAKES = 0.03
"""Share of the Laplacian's size that x264 takes off at this program's quality; given beforehand."""

_PROBED_DETAIL = 1.5

_VIEWED_PX_PER_UNIT = 128
"""Eye distance at which sharpness is measured, when a picture's is larger: finer grain is the camera's noise."""


def fit_appearance(shape: ShapeModel, atlas: Atlas, mesh: FaceMesh) -> tuple[Atlas, MouthCanvas, AppearanceModel]:
    """What the compositor needs to know of a mouth's look.

    Parameters
    ----------
    shape : ShapeModel
    atlas : Atlas
        Without codes.
    mesh : FaceMesh

    Returns
    -------
    atlas : Atlas
        With codes, and with the detail that makes drawn mouths as sharp as the camera's.
    canvas : MouthCanvas
    appearance : AppearanceModel
    """
    canvas = MouthCanvas.from_mesh(mesh, float(np.median(similarity_scale(_to_pictures(atlas, mesh)))))
    features = ShapeFeatures(shape)(atlas.coefficients, atlas.turns)
    appearances = atlas_looks(atlas, mesh, canvas)
    detail = _measure_detail(shape, atlas, mesh, canvas, appearances, features)
    appearance, codes = AppearanceModel.fit(appearances, features)
    return replace(atlas, codes=codes, detail=detail), canvas, appearance


def _to_pictures(atlas: Atlas, mesh: FaceMesh) -> NDArray[np.float64]:
    """Similarities (n_pictures, 2, 3) from the canonical face to the atlas pictures."""
    return fit_similarity(mesh.still, atlas.vertices[:, len(LOWER_FACE) :].astype(np.float64))


def _measure_detail(
    shape: ShapeModel,
    atlas: Atlas,
    mesh: FaceMesh,
    canvas: MouthCanvas,
    appearances: NDArray[np.uint8],
    features: FloatArray,
) -> float:
    """Factor for the atlas's fine detail with which drawn mouths are as sharp as real ones.

    The last part of the video is drawn anew from the pictures before it, as if it were another video, and its
    sharpness (the variance of the Laplacian) compared with the camera's.
    """
    n_known = max(1, int(len(atlas) * (1 - _PROBED_SHARE)))
    appearance, codes = AppearanceModel.fit(appearances[:n_known], features[:n_known])
    known = replace(
        atlas,
        pictures=atlas.pictures[:n_known],
        vertices=atlas.vertices[:n_known],
        coefficients=atlas.coefficients[:n_known],
        turns=atlas.turns[:n_known],
        frame_numbers=atlas.frame_numbers[:n_known],
        codes=codes,
    )
    probes = np.unique(np.linspace(min(n_known, len(atlas) - 1), len(atlas) - 1, _N_PROBES).astype(int))
    frames = [_as_template(atlas, mesh, index) for index in probes]
    real = float(np.mean([_sharpness(frame.image, frame) for frame in frames]))
    ratios = []
    for detail in (1.0, _PROBED_DETAIL):
        compositor = Compositor.from_models(shape, replace(known, detail=detail), mesh, canvas, appearance)
        drawn = [
            _sharpness(compositor.render(frame, atlas.coefficients[index]), frame)
            for frame, index in zip(frames, probes, strict=True)
        ]
        ratios.append(float(np.sqrt(float(np.mean(drawn)) / max(real, 1e-6))))
    plain, sharpened = ratios
    # the Laplacian is linear in the detail, so its size nearly is
    wanted = 1 + (1 + _ENCODER_TAKES - plain) * (_PROBED_DETAIL - 1) / max(sharpened - plain, 1e-6)
    return float(np.clip(wanted, 1.0, MAX_DETAIL))


def _as_template(atlas: Atlas, mesh: FaceMesh, index: int) -> PlainFrame:
    """An atlas picture as a frame to put a mouth into."""
    to_picture = _to_pictures(atlas, mesh)[index]
    lower = atlas.vertices[index, : len(LOWER_FACE)].astype(np.float64)
    face = TemplateFace(to_picture, atlas.turns[index].astype(np.float64), lower)
    return TemplateFrame(atlas.camera_picture(index), Fraction(0), face)


def _sharpness(image: NDArray[np.uint8], frame: PlainFrame) -> float:
    """Variance of the Laplacian around the lips of `frame`'s face, as drawn in `image`."""
    assert frame.face is not None
    box = Box.around(frame.face.lower[LOWER_LIPS], image.shape[:2], margin=2)
    grey = cv2.cvtColor(np.ascontiguousarray(image[box.slices]), cv2.COLOR_RGB2GRAY)
    factor = min(1.0, _VIEWED_PX_PER_UNIT / float(similarity_scale(frame.face.to_picture)))
    viewed = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(viewed, cv2.CV_32F).var())
