"""The atlas's pictures: kept small, opened when wanted, and no more kept open than fit."""

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from hygiesync.errors import InputError
from hygiesync.face.topology import LOWER_FACE, LOWER_MOUTH_REGION
from hygiesync.rendering import atlas as atlas_module
from hygiesync.rendering.atlas import Atlas, PictureCache, cut_patch, encode_picture, patch_size, with_detail

HEIGHT, WIDTH = 56, 80


def picture(seed: int = 0) -> np.ndarray:
    """Skin with grain, and a red line as lips have."""
    rng = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH, 3), (200, 150, 130), float)
    image += cv2.GaussianBlur(rng.normal(0, 60, image.shape), (0, 0), 3) + rng.normal(0, 3, image.shape)
    image[26:29, 10:70] = (170, 40, 50)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def make_atlas(pictures: list[bytes], detail: float = 1.0) -> Atlas:
    n = len(pictures)
    return Atlas(
        pictures=tuple(pictures),
        vertices=np.zeros((n, 1, 2), np.float32),
        coefficients=np.zeros((n, 4), np.float32),
        turns=np.zeros((n, 2), np.float32),
        frame_numbers=np.arange(n),
        codes=np.zeros((n, 3), np.float32),
        detail=detail,
    )


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / ((a.astype(float) - b) ** 2).mean())


def sharpness(image: np.ndarray) -> float:
    return cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var()


def test_pictures_come_back_as_they_were_to_the_eye() -> None:
    images = [picture(seed) for seed in range(4)]
    atlas = make_atlas([encode_picture(image) for image in images])
    assert len(atlas) == 4
    for index, image in enumerate(images):
        assert atlas.picture(index).dtype == np.uint8
        assert psnr(atlas.picture(index), image) > 38
        np.testing.assert_array_equal(atlas.picture(index), atlas.camera_picture(index))


def test_colours_stay_as_sharp_as_brightness() -> None:
    """A red line three pixels wide: with chroma at half the resolution it would bleed into the skin."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    image[26:29] = (220, 90, 90)
    back = make_atlas([encode_picture(image)]).picture(0).astype(float)
    np.testing.assert_allclose(back[26:29].mean((0, 1)), (220, 90, 90), atol=6)
    np.testing.assert_allclose(back[[24, 30]].mean((0, 1)), 128, atol=6)


def test_detail_of_1_leaves_every_pixel() -> None:
    np.testing.assert_array_equal(with_detail(picture(), 1), picture())


def test_more_detail_is_sharper_and_less_is_smoother() -> None:
    values = [sharpness(with_detail(picture(), factor)) for factor in (0.5, 0.8, 1.0, 1.3, 1.6, 2.0)]
    assert (np.diff(values) > 0).all()
    # the Laplacian is linear in the factor, nearly
    assert np.sqrt(values[4] / values[2]) == pytest.approx(1.6, abs=0.15)


def test_detail_leaves_what_is_smooth() -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramp = np.stack([x + 60, y + 90, (x + y) // 2 + 70], -1).astype(np.uint8)
    inner = (slice(10, -10), slice(10, -10))
    np.testing.assert_allclose(with_detail(ramp, 1.8)[inner].astype(int), ramp[inner], atol=1)
    flat = np.full((HEIGHT, WIDTH, 3), 77, np.uint8)
    np.testing.assert_array_equal(with_detail(flat, 2.0), flat)
    assert abs(with_detail(picture(), 1.5).mean() - picture().mean()) < 1


def test_detail_overruns_neither_black_nor_white() -> None:
    edges = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    edges[:, WIDTH // 2 :] = 255
    np.testing.assert_array_equal(with_detail(edges, 2.0), edges)


def test_an_atlas_opens_its_pictures_with_its_detail() -> None:
    encoded = encode_picture(picture())
    plain, sharp = make_atlas([encoded]), make_atlas([encoded], detail=1.5)
    assert sharpness(sharp.picture(0)) > 1.5 * sharpness(plain.picture(0))
    np.testing.assert_array_equal(sharp.picture(0), with_detail(plain.picture(0), 1.5))
    np.testing.assert_array_equal(sharp.camera_picture(0), plain.camera_picture(0))


def test_a_changed_atlas_does_not_show_what_the_first_one_had_open() -> None:
    first = make_atlas([encode_picture(picture(0)), encode_picture(picture(1))])
    first.picture(0)
    second = replace(first, detail=1.5, pictures=first.pictures[::-1])
    np.testing.assert_array_equal(second.picture(1), with_detail(first.picture(0), 1.5))
    assert sharpness(first.picture(0)) < sharpness(second.picture(1))


def test_a_picture_that_is_wanted_again_is_not_opened_again() -> None:
    atlas = make_atlas([encode_picture(picture())])
    assert atlas.picture(0) is atlas.picture(0)
    assert atlas.picture(np.int64(0)) is atlas.picture(0)


@pytest.mark.slow
def test_no_more_pictures_stay_open_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas_module, "MAX_OPEN_BYTES", 3 * HEIGHT * WIDTH * 3)
    atlas = make_atlas([encode_picture(picture(seed)) for seed in range(8)])
    opened = [weakref.ref(atlas.picture(index)) for index in (0, 1, 2, 3, 4, 5, 6, 7, 2, 3, 0, 1)]
    gc.collect()
    assert sum(reference() is not None for reference in opened) == 3


def test_the_least_recently_used_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas_module, "MAX_OPEN_BYTES", 3 * HEIGHT * WIDTH * 3)
    atlas = make_atlas([encode_picture(picture(seed)) for seed in range(5)])
    opened = {index: atlas.picture(index) for index in (0, 1, 2)}
    assert atlas.picture(0) is opened[0]
    atlas.picture(3)
    assert atlas.picture(0) is opened[0]
    assert atlas.picture(2) is opened[2]
    assert atlas.picture(1) is not opened[1]
    np.testing.assert_array_equal(atlas.picture(1), opened[1])


def test_pictures_larger_than_what_may_stay_open_are_seen_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas_module, "MAX_OPEN_BYTES", 100)
    atlas = make_atlas([encode_picture(picture(seed)) for seed in range(2)])
    for index in (0, 1, 0):
        assert psnr(atlas.picture(index), picture(index)) > 38


@pytest.mark.parametrize("damaged", [b"no picture", encode_picture(picture())[:100], bytes(5000)])
def test_a_damaged_picture_is_named(damaged: bytes) -> None:
    atlas = make_atlas([encode_picture(picture()), damaged])
    atlas.picture(0)
    for _ in range(2):
        with pytest.raises(InputError, match="atlas picture 1 is damaged"):
            atlas.picture(1)


def lower_face(centre: tuple[float, float], width: float, height: float) -> np.ndarray:
    """Points (n_lower, 2) all in one place, but for a mouth region of a given size."""
    lower = np.tile(np.array(centre, float), (len(LOWER_FACE), 1))
    angle = np.linspace(0, 2 * np.pi, len(LOWER_MOUTH_REGION), endpoint=False)
    lower[LOWER_MOUTH_REGION] += np.stack([np.sin(angle) * width / 2, np.cos(angle) * height / 2], 1)
    return lower


def test_a_patch_holds_the_mouth_region_of_every_frame() -> None:
    faces = np.stack([lower_face((50, 50), *size) for size in ((40, 20), (38, 29), (44, 25.5))])
    width, height = patch_size(faces)
    assert width % 2 == height % 2 == 0
    assert 44 < width < 70
    assert 29 < height < 50
    frame = np.zeros((120, 130, 3), np.uint8)
    for lower in faces:
        patch, origin = cut_patch(frame, lower, (width, height))
        assert patch.shape == (height, width, 3)
        region = lower[LOWER_MOUTH_REGION] - origin
        assert (region >= 0).all()
        assert (region <= [width - 1, height - 1]).all()


@pytest.mark.parametrize("centre", [(60, 50), (64.4, 41.7), (3, 2), (127, 119), (-40, 300)])
def test_a_patch_is_the_frames_own_pixels_its_edge_repeated(centre: tuple[float, float]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (120, 130, 3), np.uint8)
    patch, (left, top) = cut_patch(frame, lower_face(centre, 40, 20), (48, 26))
    around = np.pad(frame, ((400, 400), (400, 400), (0, 0)), mode="edge")
    np.testing.assert_array_equal(patch, around[top + 400 : top + 426, left + 400 : left + 448])
    assert abs(left + 24 - centre[0]) <= 1
    assert abs(top + 13 - centre[1]) <= 1


class SlowNumber(int):
    """A picture's number that lets other threads go first whenever it is looked up."""

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


@pytest.mark.slow
def test_threads_that_ask_at_once_all_get_what_they_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two of six pictures: each is thrown out while others are just being given it."""
    images = [np.full((8, 8, 3), shade, np.uint8) for shade in range(6)]
    monkeypatch.setattr(atlas_module, "MAX_OPEN_BYTES", 2 * images[0].nbytes)
    cache = PictureCache()

    def ask(seed: int) -> bool:
        order = np.random.default_rng(seed).integers(6, size=1000).tolist()
        return all(cache.get(SlowNumber(index), partial(images.__getitem__, index)) is images[index] for index in order)

    with ThreadPoolExecutor(8) as workers:
        assert all(workers.map(ask, range(8)))
    assert len(cache) == 2
