"""Learning a mouth's look from its atlas: mouths drawn anew are as sharp as the camera's, and look as they should."""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from present import present

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.building.appearance_fitting import MAX_DETAIL, fit_appearance
from hygiesync.face.pose import fit_similarity
from hygiesync.face.topology import LOWER_FACE, LOWER_LIPS
from hygiesync.rendering.appearance import AppearanceModel
from hygiesync.rendering.atlas import Atlas, encode_picture
from hygiesync.rendering.canvas import MouthCanvas
from hygiesync.rendering.compositor import Compositor
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame
from hygiesync.rendering.warp import Box, PiecewiseAffine, sample

N_LEARNT, N_PROBES = 300, 24


def some_of(atlas: Atlas, wanted: slice) -> Atlas:
    """A part of an atlas, without what was learnt of its looks."""
    return Atlas(
        pictures=atlas.pictures[wanted],
        vertices=atlas.vertices[wanted],
        coefficients=atlas.coefficients[wanted],
        turns=atlas.turns[wanted],
        frame_numbers=atlas.frame_numbers[wanted],
        codes=np.zeros((len(atlas.pictures[wanted]), 0), np.float32),
    )


@pytest.fixture(scope="module")
def first_part(talker_avatar: VideoAvatar) -> Atlas:
    """The first pictures of the atlas, from which the look is learnt."""
    return some_of(talker_avatar.atlas, slice(N_LEARNT))


@pytest.fixture(scope="module")
def learnt(talker_avatar: VideoAvatar, first_part: Atlas) -> tuple[Atlas, MouthCanvas, AppearanceModel]:
    return fit_appearance(talker_avatar.shape, first_part, talker_avatar.mesh)


@pytest.fixture(scope="module")
def unseen(talker_avatar: VideoAvatar) -> list[tuple[TemplateFrame[TemplateFace], np.ndarray]]:
    """Pictures that nothing was learnt from, as frames to put a mouth into, with their coefficients."""
    atlas, mesh = talker_avatar.atlas, talker_avatar.mesh
    found = []
    for index in np.linspace(N_LEARNT + 5, len(atlas) - 1, N_PROBES).astype(int):
        vertices = atlas.vertices[index].astype(np.float64)
        to_picture = fit_similarity(mesh.still, vertices[len(LOWER_FACE) :])
        face = TemplateFace(to_picture, atlas.turns[index].astype(np.float64), vertices[: len(LOWER_FACE)])
        found.append((TemplateFrame(atlas.camera_picture(index), Fraction(0), face), atlas.coefficients[index]))
    return found


def lips_of(image: np.ndarray, frame: TemplateFrame) -> np.ndarray:
    return image[Box.around(present(frame.face).lower[LOWER_LIPS], image.shape[:2], margin=2).slices]


def sharpness(image: np.ndarray, frame: TemplateFrame) -> float:
    grey = cv2.cvtColor(np.ascontiguousarray(lips_of(image, frame)), cv2.COLOR_RGB2GRAY)
    return cv2.Laplacian(grey, cv2.CV_32F).var()


def relative_sharpness(
    avatar: VideoAvatar,
    atlas: Atlas,
    canvas: MouthCanvas,
    appearance: AppearanceModel,
    unseen: list[tuple[TemplateFrame[TemplateFace], np.ndarray]],
) -> float:
    """Size of the Laplacian of mouths drawn anew, as a share of the camera's."""
    compositor = Compositor.from_models(avatar.shape, atlas, avatar.mesh, canvas, appearance)
    drawn = [sharpness(compositor.render(frame, coefficients), frame) for frame, coefficients in unseen]
    return float(np.sqrt(np.mean(drawn) / np.mean([sharpness(frame.image, frame) for frame, _ in unseen])))


def test_detail_is_added_and_not_too_much(learnt: tuple[Atlas, MouthCanvas, AppearanceModel]) -> None:
    atlas, _, _ = learnt
    assert 1 < atlas.detail <= MAX_DETAIL


def test_mouths_drawn_anew_are_about_as_sharp_as_the_cameras(
    talker_avatar: VideoAvatar,
    learnt: tuple[Atlas, MouthCanvas, AppearanceModel],
    unseen: list[tuple[TemplateFrame[TemplateFace], np.ndarray]],
) -> None:
    atlas, canvas, appearance = learnt
    with_detail = relative_sharpness(talker_avatar, atlas, canvas, appearance, unseen)
    without = relative_sharpness(talker_avatar, replace(atlas, detail=1.0), canvas, appearance, unseen)
    assert without < 0.95
    assert 0.9 < with_detail < 1.1


def test_a_blurred_camera_is_given_no_more_detail_than_it_had(
    talker_avatar: VideoAvatar, first_part: Atlas, learnt: tuple[Atlas, MouthCanvas, AppearanceModel]
) -> None:
    """Warping takes nothing off what is smooth already."""
    pictures = [encode_picture(cv2.GaussianBlur(first_part.camera_picture(index), (0, 0), 2.5)) for index in range(150)]
    blurred = replace(some_of(first_part, slice(150)), pictures=tuple(pictures))
    atlas, _, _ = fit_appearance(talker_avatar.shape, blurred, talker_avatar.mesh)
    assert 1 <= atlas.detail < learnt[0].detail


def test_nothing_else_of_the_atlas_changes(
    first_part: Atlas, learnt: tuple[Atlas, MouthCanvas, AppearanceModel]
) -> None:
    atlas, _, _ = learnt
    assert atlas.pictures == first_part.pictures
    for name in ("vertices", "coefficients", "turns", "frame_numbers"):
        np.testing.assert_array_equal(getattr(atlas, name), getattr(first_part, name))


def test_there_is_a_code_for_every_picture(learnt: tuple[Atlas, MouthCanvas, AppearanceModel]) -> None:
    atlas, canvas, appearance = learnt
    assert atlas.codes.shape == (len(atlas), len(appearance.basis))
    lips = canvas.around_lips[canvas.lips_box()]
    assert appearance.basis.shape[1] == lips.size * 3
    assert lips.sum() == canvas.around_lips.sum()


def test_codes_tell_how_pictures_differ_around_the_lips(
    talker_avatar: VideoAvatar, learnt: tuple[Atlas, MouthCanvas, AppearanceModel]
) -> None:
    """Drawn on the canvas, held against the pictures themselves, brought there by the plain warp."""
    atlas, canvas, appearance = learnt
    height, width = canvas.size
    warp = PiecewiseAffine(talker_avatar.mesh.triangles)

    def on_canvas(index: int) -> np.ndarray:
        picture = cv2.GaussianBlur(atlas.camera_picture(index), (0, 0), 0.7)
        backward = warp.backward_map(canvas.vertices, atlas.vertices[index], Box(0, 0, width, height))
        return sample(picture, backward).astype(float) * canvas.around_lips[..., None]

    for one, other in ((0, 40), (25, 160), (110, 299)):
        drawn = np.zeros((height, width, 3))
        lips = drawn[canvas.lips_box()]
        lips[:] = appearance.draw(atlas.codes[one] - atlas.codes[other]).reshape(lips.shape)
        difference = on_canvas(one) - on_canvas(other)
        assert np.corrcoef(drawn.ravel(), difference.ravel())[0, 1] > 0.9
        assert np.abs(drawn - difference).mean() < 0.5 * np.abs(difference).mean()
        np.testing.assert_allclose(drawn[canvas.around_lips == 0], 0, atol=1e-3)


def test_looks_are_foretold_from_shapes(
    talker_avatar: VideoAvatar, learnt: tuple[Atlas, MouthCanvas, AppearanceModel]
) -> None:
    """The expected code is far nearer to a picture's own than the mean's is."""
    atlas, _, appearance = learnt
    expected = appearance.expected(ShapeFeatures(talker_avatar.shape)(atlas.coefficients, atlas.turns))
    left = ((atlas.codes - expected) ** 2).sum() / ((atlas.codes - atlas.codes.mean(0)) ** 2).sum()
    assert left < 0.3


def test_correcting_the_look_brings_a_mouth_nearer_to_the_cameras(
    talker_avatar: VideoAvatar,
    learnt: tuple[Atlas, MouthCanvas, AppearanceModel],
    unseen: list[tuple[TemplateFrame[TemplateFace], np.ndarray]],
) -> None:
    """Unseen mouths with their true shape: what is added by the expected look leaves less of a difference."""
    atlas, canvas, appearance = learnt
    atlas = replace(atlas, detail=1.0)
    flat = replace(appearance, basis=np.zeros_like(appearance.basis))
    errors = []
    for look in (appearance, flat):
        compositor = Compositor.from_models(talker_avatar.shape, atlas, talker_avatar.mesh, canvas, look)
        drawn = [(compositor.render(frame, coefficients), frame) for frame, coefficients in unseen]
        off = [np.abs(lips_of(image.astype(int) - frame.image, frame)).mean() for image, frame in drawn]
        errors.append(np.mean(off))
    assert errors[0] < 0.97 * errors[1]


def test_learning_twice_gives_the_same(
    talker_avatar: VideoAvatar, first_part: Atlas, learnt: tuple[Atlas, MouthCanvas, AppearanceModel]
) -> None:
    atlas, canvas, appearance = fit_appearance(talker_avatar.shape, first_part, talker_avatar.mesh)
    assert atlas.detail == learnt[0].detail
    np.testing.assert_array_equal(atlas.codes, learnt[0].codes)
    np.testing.assert_array_equal(canvas.spread, learnt[1].spread)
    np.testing.assert_array_equal(appearance.weights, learnt[2].weights)


@pytest.mark.parametrize("n_pictures", [2, 5, 30])
def test_a_handful_of_pictures(talker_avatar: VideoAvatar, first_part: Atlas, n_pictures: int) -> None:
    few = some_of(first_part, slice(0, 10 * n_pictures, 10))
    atlas, _, appearance = fit_appearance(talker_avatar.shape, few, talker_avatar.mesh)
    assert 1 <= atlas.detail <= MAX_DETAIL
    assert atlas.codes.shape == (n_pictures, n_pictures - 1)
    assert np.isfinite(appearance.weights).all()
