"""The painting mouth: it is told the shape, sees no template, begins with a real picture, and learns to better it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from present import present

from hygiesync.apps.info import describe
from hygiesync.avatar.loading import load_avatar
from hygiesync.avatar.manifest import Manifest, sha256_of
from hygiesync.avatar.video_avatar import PAINTER, PAINTER_FACTS, VideoAvatar, save_painter
from hygiesync.building.job import Job
from hygiesync.errors import InputError, UsageError
from hygiesync.face.topology import LOWER_FACE, LOWER_MOUTH_REGION
from hygiesync.learning.loop import seeded
from hygiesync.learning.settings import LoopSettings
from hygiesync.media.images import read_png
from hygiesync.mouth_unet.learning.examples import Examples, as_batch
from hygiesync.mouth_unet.learning.export import export_painter
from hygiesync.mouth_unet.learning.losses import painting_loss
from hygiesync.mouth_unet.learning.network import MouthUNet
from hygiesync.mouth_unet.learning.train import LearnedPainter, learn_painter
from hygiesync.mouth_unet.painter import Painter, PainterFacts, with_texture
from hygiesync.mouth_unet.patch import MouthPatch
from hygiesync.mouth_unet.reference import KnownMouths
from hygiesync.rendering.atlas import Atlas
from hygiesync.rendering.interfaces import TemplateFace, TemplateFrame

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = LoopSettings(n_epochs=2, steps_per_epoch=12, learning_rate=3e-3, seed=1)


def mouths_of(avatar: VideoAvatar) -> KnownMouths:
    return KnownMouths(avatar.shape, avatar.atlas, avatar.mesh, avatar.canvas, avatar.appearance)


@pytest.fixture(scope="module")
def small_patches() -> object:
    """Patches of a third of the width: what is tested does not ask for more."""
    patch = pytest.MonkeyPatch()
    patch.setattr("hygiesync.mouth_unet.patch.MAX_SIDE_PX", 40)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def learned(
    talker_avatar: VideoAvatar, small_patches: object, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LearnedPainter, Path]:
    folder = tmp_path_factory.mktemp("painter")
    told: list[tuple[str, int, int]] = []
    painter = learn_painter(mouths_of(talker_avatar), SETTINGS, folder, lambda *w: told.append(w[:3]))
    assert told == [("learning to paint", 1, 2), ("learning to paint", 2, 2)]
    return painter, folder


@pytest.fixture(scope="module")
def painting_directory(
    avatar_directory: Path, learned: tuple[LearnedPainter, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The talker's avatar, with a painter."""
    folder = tmp_path_factory.mktemp("avatars") / "painting"
    shutil.copytree(avatar_directory, folder)
    save_painter(folder, learned[0].model, learned[0].facts)
    manifest = Manifest.read(folder)
    files = {**manifest.files, **{name: sha256_of(folder / name) for name in (PAINTER, PAINTER_FACTS)}}
    replace(manifest, files=files).write(folder)
    return folder


def test_a_reference_is_never_of_the_moment(talker_avatar: VideoAvatar) -> None:
    atlas = talker_avatar.atlas
    examples = Examples(mouths_of(talker_avatar))
    times = atlas.frame_numbers
    for index in [*examples.training[::60], *examples.validation[::20]]:
        references = examples.references(int(index))
        assert np.isin(references, examples.training).all()
        assert (np.abs(times[references] - times[index]) >= 75).all()
    assert times[examples.training].max() <= times[examples.validation].min() - 75


def test_it_begins_with_the_reference_and_is_exported_as_it_is(
    talker_avatar: VideoAvatar, small_patches: object, tmp_path: Path
) -> None:
    examples = Examples(mouths_of(talker_avatar))
    batch = as_batch(examples.held_out(3))
    reference, outline, numbers = (torch.from_numpy(array) for array in batch[:3])
    network = MouthUNet(examples.n_numbers).eval()
    with torch.no_grad():
        np.testing.assert_allclose(network(reference, outline, numbers).numpy(), batch[0], atol=1e-3)
        torch.nn.init.normal_(network.last.weight, std=0.1)
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(present(layer.running_mean), -0.2, 0.2)
        expected = network(reference, outline, numbers).numpy()
    export_painter(network, examples.patch, tmp_path / "painter.onnx")
    painter = Painter((tmp_path / "painter.onnx").read_bytes(), PainterFacts(examples.patch, 0.0, 1.0))
    for number in range(3):
        painted = painter.paint(*(array[number] for array in batch[:3]))
        np.testing.assert_allclose(painted, np.clip(expected[number], 0, 255), atol=0.6)


def test_it_learns_what_references_lack(talker_avatar: VideoAvatar, small_patches: object) -> None:
    """Here that is half their light, everywhere: something that a few steps can teach."""
    examples = Examples(mouths_of(talker_avatar))
    reference, outline, numbers, _, weight = (torch.from_numpy(array) for array in as_batch(examples.held_out(4)))
    with seeded(0):
        network = MouthUNet(examples.n_numbers)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss, _ = painting_loss(network(reference, outline, numbers), reference // 2, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.4 * losses[0]


def test_a_short_learning_spoils_nothing(learned: tuple[LearnedPainter, Path]) -> None:
    """The synthetic talker's references lack next to nothing."""
    painter, folder = learned
    assert painter.measures["painted_psnr_db"] > painter.measures["reference_psnr_db"] - 0.2
    assert 0 <= painter.facts.texture <= 1 and 1 <= painter.facts.detail <= 2
    sheet = read_png(folder / "painter.png")
    assert sheet.shape[0] == 3 * painter.facts.patch.height


def test_an_interrupted_learning_goes_on_to_the_same_weights(
    talker_avatar: VideoAvatar, small_patches: object, tmp_path: Path
) -> None:
    class Interrupted(Exception):  # noqa: N818
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    def learn(folder: Path, progress: Callable[..., None] | None = None) -> LearnedPainter:
        folder.mkdir(exist_ok=True)
        settings = replace(SETTINGS, steps_per_epoch=2)
        return learn_painter(mouths_of(talker_avatar), settings, folder, progress)

    with pytest.raises(Interrupted):
        learn(tmp_path / "interrupted", interrupt)
    assert learn(tmp_path / "interrupted").measures == learn(tmp_path / "at once").measures


def test_what_is_drawn_does_not_ask_for_the_templates_mouth(painting_directory: Path) -> None:
    """A painter that reads the mouth off the template looks well on its own video alone."""
    avatar = load_avatar(painting_directory, VideoAvatar).with_renderer("unet")
    template = next(iter(avatar.idle(Fraction(25)).template.frames()))
    face = template.face
    assert isinstance(face, TemplateFace)
    wide = avatar.atlas.coefficients[np.argmax(avatar.atlas.coefficients[:, 0])]
    drawn = avatar.renderer().render(template, wide)
    region = face.lower[LOWER_MOUTH_REGION]
    inner = np.zeros(template.image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inner, np.rint(region.mean(0) + 0.5 * (region - region.mean(0))).astype(np.int32), 1)
    hidden = template.image.copy()
    hidden[inner.astype(bool)] = 255
    other = avatar.renderer().render(TemplateFrame(hidden, template.time_s, face), wide)
    apart = np.abs(other.astype(int) - drawn)[inner.astype(bool)]
    assert np.quantile(apart, 0.9) <= 3
    lips = face.lower[: len(LOWER_FACE)].mean(0)
    assert np.abs(drawn.astype(int) - template.image).max() > 20 and np.isfinite(lips).all()


def test_a_bundle_says_what_it_can_be_drawn_by(
    painting_directory: Path, talker_avatar: VideoAvatar, tmp_path: Path
) -> None:
    avatar = load_avatar(painting_directory, VideoAvatar)
    assert describe(painting_directory)["renderers"] == ["retrieval", "unet"]
    template = next(iter(avatar.idle(Fraction(25)).template.frames()))
    wanted = avatar.atlas.coefficients[10]
    plain, painted = (avatar.with_renderer(name).renderer().render(template, wanted) for name in ("retrieval", "unet"))
    np.testing.assert_array_equal(plain, talker_avatar.renderer().render(template, wanted))
    changed = (plain != painted).any(-1)
    assert changed.any() and changed.mean() < 0.1
    with pytest.raises(UsageError, match="`renderer`: expected one of retrieval, unet, got 'nerf'"):
        avatar.with_renderer("nerf")
    with pytest.raises(UsageError, match="has no network that paints; train it again"):
        talker_avatar.with_renderer("unet")
    with pytest.raises(UsageError, match="`renderer`: expected one of retrieval, unet, both, got 'gan'"):
        Job.checked((Path("a.mp4"),), "fast", 80.0, 0, fix_offset=False, renderer="gan")
    copy = tmp_path / "copy"
    shutil.copytree(painting_directory, copy)
    (copy / PAINTER).write_bytes(b"no model")
    with pytest.raises(InputError, match=r"painter.onnx: is damaged"):
        load_avatar(copy, VideoAvatar)


@pytest.mark.parametrize("text", ["", "{}", '{"patch": 3}', json.dumps({"patch": {"left": 0}, "texture": 1})])
def test_damaged_facts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="the painter's facts are damaged"):
        PainterFacts.from_json(text)
    facts = PainterFacts(MouthPatch(-0.5, 0.5, 80.0, 40, 32), 0.3, 1.1)
    assert PainterFacts.from_json(facts.to_json()) == facts


def test_texture_is_the_references_or_its_own() -> None:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (24, 32, 3), np.uint8)
    painted = cv2.GaussianBlur(reference, (0, 0), 4).astype(np.float32)
    np.testing.assert_allclose(with_texture(painted, reference, 0.0, 1.0), painted, atol=0.6)
    energies = [
        float(cv2.Laplacian(with_texture(painted, reference, share, 1.0), cv2.CV_32F).var()) for share in (0, 0.5, 1)
    ]
    assert energies == sorted(energies) and energies[2] > 5 * energies[0]


def test_the_loss_is_none_of_equal_mouths_and_asks_for_what_counts() -> None:
    torch.manual_seed(0)
    real = torch.rand(2, 96, 32, 3) * 255
    weight = torch.zeros(2, 96, 32)
    weight[:, 64:80, 8:24] = 1
    assert float(painting_loss(real, real, weight)[0]) == pytest.approx(0, abs=1e-6)
    outside = real.clone()
    outside[:, :2] = 0
    inside = real.clone()
    inside[:, 70:72] = 0
    assert float(painting_loss(outside, real, weight)[0]) < 0.1 * float(painting_loss(inside, real, weight)[0])


def test_atlases_without_a_second_moment_still_give_examples(talker_avatar: VideoAvatar) -> None:
    """Of eight seconds there is nothing three seconds from all: the nearest is taken then."""
    atlas = talker_avatar.atlas
    names = ("vertices", "coefficients", "turns", "frame_numbers", "codes")
    short: Atlas = replace(atlas, pictures=atlas.pictures[:20], **{name: getattr(atlas, name)[:20] for name in names})
    examples = Examples(replace(mouths_of(talker_avatar), atlas=short))
    assert len(examples.training) == 16 and len(examples.held_out(2)) == 2
    assert all(index not in examples.references(index) for index in range(20))
