"""Configurations of first order models: published values, and what is no configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiesync.errors import HygieSyncError, InputError, UsageError
from hygiesync.first_order.configurations import (
    configuration_from,
    configuration_names,
    configuration_to_dict,
    read_configuration,
    write_configuration,
)

PUBLISHED = {
    "bair": (20, 1, 36, 1.0, True, False),
    "fashion": (100, 50, 27, 1.0, False, False),
    "mgif": (100, 25, 36, 1.0, True, False),
    "nemo": (100, 8, 36, 1.0, True, True),
    "taichi": (100, 150, 30, 0.0, False, False),
    "taichi-adv": (150, 150, 27, 1.0, False, True),
    "vox": (100, 75, 40, 0.0, True, False),
    "vox-adv": (150, 75, 36, 1.0, False, True),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_configurations_have_the_published_values(name: str) -> None:
    made = read_configuration(name)
    training, judge = made.training, made.model.discriminator
    values = (training.n_epochs, training.n_repeats, training.batch_size, training.weights.generator_gan)
    assert (*values, judge.is_spectral, judge.sees_points) == PUBLISHED[name]
    assert (made.data.frame_size, made.model.n_points, made.model.aligns_corners) == (256, 10, True)


@pytest.mark.parametrize("name", configuration_names())
def test_every_configuration_survives_being_written(name: str, tmp_path: Path) -> None:
    made = read_configuration(name)
    write_configuration(made, tmp_path / "config.yaml")
    assert read_configuration(tmp_path / "config.yaml") == made
    assert configuration_from(configuration_to_dict(made), "a dictionary") == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("training: {batch_sice: 4}", r"training\.batch_sice: unknown entry; did you mean batch_size\?"),
        ("model: {generator: {width: 4}}", r"model\.generator\.width: unknown entry"),
        ("training: {batch_size: many}", "batch_size: expected a whole number, got 'many'"),
        ("training: {batch_size: true}", "expected a whole number"),
        ("training: {batch_size: 0}", "expected at least 1, got 0"),
        ("training: {rate_generator: .nan}", "expected a number"),
        ("training: {scales: 1}", "expected a list"),
        ("data: {frame_size: 100}", "can't be halved"),
        ("model: {keypoints: {scale: 0.3}}", "expected 1, 0.5, 0.25"),
        ("training: [1, 2]", "expected entries by name"),
        ("training: {a: [", "can't be read as YAML"),
        ("just words", "expected entries by name"),
    ],
)
def test_what_is_no_configuration_is_one_clear_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read_configuration(path)
    assert "\n" not in str(caught.value)
    assert "my.yaml" in str(caught.value)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"expected one of bair, cpu-128"):
        read_configuration("wox")


plain = st.sampled_from([None, True, 0, 1, 3, -1, 2**40, 0.5, float("nan"), float("inf"), "x", ""])
values = plain | st.lists(plain, max_size=3) | st.dictionaries(st.sampled_from(["scales", "perceptual", "x"]), plain)
sections = st.sampled_from(["model", "data", "training", "animation", "other"])
entries = st.sampled_from(["n_points", "frame_size", "batch_size", "scales", "weights", "generator", "n_epochs"])


@given(st.dictionaries(sections, st.dictionaries(entries, values, max_size=3), max_size=3))
def test_any_content_is_a_configuration_or_an_error_of_ours(content: dict[str, dict[str, object]]) -> None:
    try:
        made = configuration_from(content, "made up")
    except HygieSyncError:
        return
    assert configuration_from(configuration_to_dict(made), "again") == made
