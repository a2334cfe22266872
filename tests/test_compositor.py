"""Drawing one picture: held against the plain rendering, and against what a viewer would notice."""

from dataclasses import replace
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest
from plain_rendering import NO_SOUND, PlainRendering
from present import present

from hygiesync.avatar.video_avatar import VideoAvatar
from hygiesync.face.pose import apply_similarity
from hygiesync.face.shape import mouth_opening
from hygiesync.face.topology import LOWER_LIPS
from hygiesync.face.track import FaceObserver
from hygiesync.rendering.compositor import WHOLE_PATH_LAG
from hygiesync.rendering.features import ShapeFeatures
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame
from hygiesync.rendering.lips import place_shape
from hygiesync.rendering.mouth_drawing import MouthDrawing


@pytest.fixture(scope="module")
def templates(talker_avatar: VideoAvatar) -> list[TemplateFrame[TemplateFace]]:
    return list(islice(talker_avatar.idle(talker_avatar.fps).template.frames(), 12))


def mouths(avatar: VideoAvatar, n: int) -> np.ndarray:
    """Indices of `n` atlas pictures, from the most closed to the widest open mouth."""
    order = np.argsort(mouth_opening(avatar.shape.inverse_transform(avatar.atlas.coefficients)))
    return order[np.linspace(0, len(order) - 1, n).astype(int)]


def drawing_of(avatar: VideoAvatar) -> MouthDrawing:
    return MouthDrawing(avatar.shape, avatar.atlas, avatar.mesh, avatar.canvas, avatar.appearance)


def expected_look(avatar: VideoAvatar, coefficients: np.ndarray, turn: np.ndarray) -> np.ndarray:
    return avatar.appearance.expected(ShapeFeatures(avatar.shape)(coefficients[None], turn[None]))[0]


def enlarged(template: TemplateFrame, factor: int) -> TemplateFrame:
    image = cv2.resize(template.image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    face = present(template.face)
    to_picture = face.to_picture * factor
    to_picture[:, 2] += (factor - 1) / 2
    lower = face.lower * factor + (factor - 1) / 2
    return TemplateFrame(image, template.time_s, replace(face, to_picture=to_picture, lower=lower))


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "n_mouths"), [(1, 5), (2, 3), (3, 2)])
def test_it_draws_what_the_plain_rendering_draws(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]], factor: int, n_mouths: int
) -> None:
    """At every size, so with every step of the grid."""
    drawing = drawing_of(talker_avatar)
    for number, index in enumerate(mouths(talker_avatar, n_mouths)):
        template = enlarged(templates[number], factor)
        coefficients = talker_avatar.atlas.coefficients[index] * 0.9
        look = expected_look(talker_avatar, coefficients, present(template.face).turn)
        plain = PlainRendering(talker_avatar, template, coefficients, index, look)
        drawn = drawing.draw(template, coefficients, int(index), look)
        error = np.abs(drawn.astype(float) - plain.picture)
        assert error[plain.mask].mean() < 1.0
        assert error[~plain.mask].mean() < 0.05


def test_the_blend_is_the_dense_poisson_solution(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    """Without the feather: canvas membrane against the equation solved on every pixel."""
    canvas = replace(talker_avatar.canvas, feather=np.ones_like(talker_avatar.canvas.feather))
    avatar = replace(talker_avatar, canvas=canvas)
    errors = []
    for number, index in enumerate(mouths(avatar, 8)):
        template, coefficients = templates[number], avatar.atlas.coefficients[index]
        look = expected_look(avatar, coefficients, present(template.face).turn)
        plain = PlainRendering(avatar, template, coefficients, index, look)
        drawn = drawing_of(avatar).draw(template, coefficients, int(index), look)
        inside = cv2.erode(plain.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        errors.append(np.abs(drawn.astype(float) - np.clip(plain.blended, 0, 255))[inside].mean())
    assert np.mean(errors) <= 1.0  # of 255
    assert max(errors) <= 1.5


def test_on_its_rim_the_mouth_is_the_skin(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    for number, index in enumerate(mouths(talker_avatar, 4)):
        template, coefficients = templates[number], talker_avatar.atlas.coefficients[index]
        look = expected_look(talker_avatar, coefficients, present(template.face).turn)
        plain = PlainRendering(talker_avatar, template, coefficients, index, look)
        drawn = drawing_of(talker_avatar).draw(template, coefficients, int(index), look)
        ring = plain.mask & (cv2.erode(plain.mask.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
        assert np.abs(drawn.astype(float) - plain.skin)[ring].mean() < 0.5


def test_beyond_the_face_every_pixel_is_the_templates(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    template = templates[0]
    drawn = talker_avatar.renderer().render(template, talker_avatar.atlas.coefficients[3])
    rim = apply_similarity(present(template.face).to_picture, talker_avatar.mesh.still)
    outside = np.ones(drawn.shape[:2], bool)
    (left, top), (right, bottom) = np.floor(rim.min(0)).astype(int) - 3, np.ceil(rim.max(0)).astype(int) + 4
    outside[max(top, 0) : bottom, max(left, 0) : right] = False
    np.testing.assert_array_equal(drawn[outside], template.image[outside])
    assert (drawn != template.image).any()


def test_what_is_handed_in_is_left_alone(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    before = templates[0].image.copy()
    picture = talker_avatar.renderer().render(templates[0], talker_avatar.atlas.coefficients[0])
    np.testing.assert_array_equal(templates[0].image, before)
    assert picture is not templates[0].image


def test_without_a_face_the_picture_passes_untouched(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    faceless = replace(templates[0], face=None)
    compositor = talker_avatar.renderer(lag=4)
    frames = [templates[0], templates[1], faceless, templates[2]]
    coefficients = talker_avatar.atlas.coefficients[0]
    drawn = [pair for frame in frames for pair in compositor.push(frame, coefficients, NO_SOUND)] + list(
        compositor.flush()
    )
    assert [frame for frame, _ in drawn] == frames
    np.testing.assert_array_equal(drawn[2][1], faceless.image)
    assert all((picture != frame.image).any() for frame, picture in drawn if frame.face is not None)


def test_the_mouth_fades_in(talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]) -> None:
    index = mouths(talker_avatar, 5)[-1]
    coefficients = talker_avatar.atlas.coefficients[index]
    look = expected_look(talker_avatar, coefficients, present(templates[0].face).turn)
    pictures = []
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        face = replace(present(templates[0].face), strength=strength)
        template = replace(templates[0], face=face)
        pictures.append(drawing_of(talker_avatar).draw(template, coefficients, int(index), look).astype(float))
    np.testing.assert_allclose(pictures[0], templates[0].image, atol=1)
    steps = [np.abs(b - a).mean() for a, b in pairwise(pictures)]
    whole = np.abs(pictures[-1] - pictures[0]).mean()
    assert max(steps) < 0.6 * whole


def test_a_mouth_at_the_edge_of_the_picture(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    """Half a face, and one that only looks in: no error, and a picture of the template's size."""
    template = templates[0]
    compositor = talker_avatar.renderer()
    mouth = present(template.face).lower[LOWER_LIPS].mean(0)
    for cut in (mouth, mouth - 15, mouth + 40):
        x, y = np.maximum(np.rint(cut).astype(int), 4)
        parts = [((0, y), template.image[y:]), ((x, 0), template.image[:, x:]), ((0, 0), template.image[:y, :x])]
        for shift, image in parts:
            to_picture = present(template.face).to_picture.copy()
            to_picture[:, 2] -= shift
            face = replace(present(template.face), to_picture=to_picture, lower=present(template.face).lower - shift)
            cropped = TemplateFrame(np.ascontiguousarray(image), template.time_s, face)
            drawn = compositor.render(cropped, talker_avatar.atlas.coefficients[5])
            assert drawn.shape == image.shape


def test_a_lag_changes_no_frames_and_no_order(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    rng = np.random.default_rng(0)
    wanted = talker_avatar.atlas.coefficients[rng.integers(0, len(talker_avatar.atlas), 40)]
    for lag in (0, 1, WHOLE_PATH_LAG):
        compositor = talker_avatar.renderer(lag)
        pushed = [templates[number % len(templates)] for number in range(len(wanted))]
        drawn = []
        for n_pushed, (frame, coefficients) in enumerate(zip(pushed, wanted, strict=True), start=1):
            drawn += [frame for frame, _ in compositor.push(frame, coefficients, NO_SOUND)]
            assert n_pushed - lag <= len(drawn) <= n_pushed
        drawn += [frame for frame, _ in compositor.flush()]
        assert drawn == pushed


def test_with_a_lag_a_frame_cannot_be_drawn_at_once(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    with pytest.raises(ValueError, match="lag of 2"):
        talker_avatar.renderer(2).render(templates[0], talker_avatar.rest)


def test_reset_starts_a_path_anew(talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]) -> None:
    first, second = talker_avatar.renderer(), talker_avatar.renderer()
    for index in mouths(talker_avatar, 6):
        first.render(templates[0], talker_avatar.atlas.coefficients[index])
    first.reset()
    coefficients = talker_avatar.atlas.coefficients[7]
    np.testing.assert_array_equal(first.render(templates[1], coefficients), second.render(templates[1], coefficients))


def test_the_lips_are_as_far_apart_as_wanted(
    talker_avatar: VideoAvatar, templates: list[TemplateFrame[TemplateFace]]
) -> None:
    """Measured again on the pictures, whatever the template's own mouth does."""
    avatar, template = talker_avatar, templates[0]
    wanted, seen = [], []
    with FaceObserver() as observer:
        for index in mouths(avatar, 16):
            coefficients = avatar.atlas.coefficients[index]
            found = observer.observe(avatar.renderer().render(template, coefficients))
            wanted.append(mouth_opening(place_shape(avatar.shape, coefficients, present(template.face))))
            seen.append(mouth_opening(present(found).lower))
    assert np.corrcoef(wanted, seen)[0, 1] > 0.9
