"""Configurations by name or from a file. An entry that nobody knows is an error, not a wish that is ignored."""

from __future__ import annotations

import difflib
import json
import math
import types
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hygiesync.errors import InputError, UsageError
from hygiesync.extras import imports_of
from hygiesync.first_order.settings import Configuration, ModelSettings

FOLDER = Path(__file__).parent / "configs"

Settings = TypeVar("Settings")

_MAX_COUNT = 1 << 20
"""A whole number beyond this is no setting of any model."""


def configuration_names() -> list[str]:
    """The configurations that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_configuration(name: str | Path) -> Configuration:
    """A configuration that comes with the package, by its name, or one of a YAML file.

    Raises
    ------
    UsageError
        When there is none of that name.
    InputError
        When the file is no YAML, or an entry is unknown or of a wrong kind.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name}.yaml"
        if str(name) not in configuration_names():
            known = ", ".join(configuration_names())
            raise UsageError(f"`config`: expected one of {known}, or a file that ends in .yaml, got {str(name)!r}")
    with imports_of("train", "reading a configuration"):
        import yaml
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a configuration, such as {FOLDER / 'cpu-64.yaml'}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: can't be read as YAML ({reason}); expected a configuration") from error
    return configuration_from(content if content is not None else {}, str(path))


def configuration_from(content: Any, where: str) -> Configuration:
    """A configuration from nested dictionaries, as YAML or JSON have them.

    Parameters
    ----------
    content : dict
    where : str
        The file's name, for messages.

    Raises
    ------
    InputError
        When an entry is unknown, of a wrong kind, or can't be.
    """
    configuration = _settings(Configuration, content, where, ())
    _check(configuration, where)
    return configuration


def configuration_to_dict(configuration: Configuration) -> dict[str, Any]:
    """Nested dictionaries and lists: what :func:`configuration_from` reads."""
    content: dict[str, Any] = json.loads(json.dumps(asdict(configuration)))
    return content


def write_configuration(configuration: Configuration, path: Path) -> None:
    """Write every entry, also those that were left out, as YAML."""
    with imports_of("train", "writing a configuration"):
        import yaml
    path.write_text(yaml.safe_dump(configuration_to_dict(configuration), sort_keys=False), encoding="utf-8")


def _settings(kind: type[Settings], content: Any, where: str, path: tuple[str, ...]) -> Settings:
    place = ".".join(path) or "the file"
    if not isinstance(content, dict):
        raise InputError(f"{where}: {place}: expected entries by name, got {content!r}")
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    given = {}
    for name, value in content.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            advice = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(known)}"
            raise InputError(f"{where}: {'.'.join((*path, str(name)))}: unknown entry; {advice}")
        given[name] = _value(hints[name], value, where, (*path, name))
    return kind(**given)


def _value(hint: Any, value: Any, where: str, path: tuple[str, ...]) -> Any:
    if is_dataclass(hint):
        return _settings(hint, value, where, path)  # type: ignore[arg-type]
    if get_origin(hint) in (Union, types.UnionType):
        return None if value is None else _value(get_args(hint)[0], value, where, path)
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where}: {'.'.join(path)}: expected a list, got {value!r}")
        return tuple(_value(get_args(hint)[0], item, where, path) for item in value)
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint in (int, bool) and type(value) is hint:
        return value
    wanted = {float: "a number", int: "a whole number", bool: "true or false"}[hint]
    raise InputError(f"{where}: {'.'.join(path)}: expected {wanted}, got {value!r}")


def _check(configuration: Configuration, where: str) -> None:
    """Refuse what no model can be."""
    model, training = configuration.model, configuration.training
    counts = {
        "model.n_points": model.n_points,
        "model.n_channels": model.n_channels,
        "data.frame_size": configuration.data.frame_size,
        "training.n_epochs": training.n_epochs,
        "training.batch_size": training.batch_size,
        "training.n_repeats": training.n_repeats,
        "training.epochs_per_snapshot": training.epochs_per_snapshot,
        "training.epochs_per_sheet": training.epochs_per_sheet,
        "model.generator.base_channels": model.generator.base_channels,
        "model.keypoints.base_channels": model.keypoints.base_channels,
        "model.dense_motion.base_channels": model.dense_motion.base_channels,
    }
    for name, count in counts.items():
        if not 1 <= count <= _MAX_COUNT:
            raise InputError(f"{where}: {name}: expected at least 1, got {count}")
    _check_sizes(model, configuration.data.frame_size, where)
    rates = {
        "rate_generator": training.rate_generator,
        "rate_discriminator": training.rate_discriminator,
        "rate_keypoints": training.rate_keypoints,
    }
    for name, rate in rates.items():
        if rate < 0:
            raise InputError(f"{where}: training.{name}: expected 0 or more, got {rate:g}")
    if not training.scales or any(not 0 < scale <= 1 for scale in training.scales):
        raise InputError(f"{where}: training.scales: expected sizes above 0 and up to 1, got {list(training.scales)}")


def _check_sizes(model: ModelSettings, size: int, where: str) -> None:
    """Refuse networks that pictures of `size` pixels can't pass."""
    for name, part in (("keypoints", model.keypoints), ("dense_motion", model.dense_motion)):
        inner = size * part.scale
        if not 0 < part.scale <= 1 or not math.log2(1 / part.scale).is_integer():
            raise InputError(f"{where}: model.{name}.scale: expected 1, 0.5, 0.25 ..., got {part.scale:g}")
        if inner != int(inner) or int(inner) % (1 << part.n_blocks):
            raise InputError(
                f"{where}: model.{name}: {inner:g} pixels can't be halved {part.n_blocks} times; change n_blocks,"
                " scale or data.frame_size"
            )
    if size * model.keypoints.scale < 8:
        raise InputError(f"{where}: model.keypoints.scale: expected at least 8 pixels of width, got fewer")
    if size % (1 << model.generator.n_down):
        raise InputError(f"{where}: data.frame_size: expected a multiple of {1 << model.generator.n_down}, got {size}")
    if model.generator.keeps_pixels and (model.is_segmented or not model.aligns_corners):
        raise InputError(
            f"{where}: model.generator.keeps_pixels: expected a model with aligns_corners, in which what stands still"
            " comes from its own place, and without segments"
        )
    of_features = 0.5**model.generator.n_down
    if model.is_segmented and (model.keypoints.scale != of_features or not model.keypoints.has_jacobians):
        raise InputError(
            f"{where}: model.is_segmented: expected segments as large as features, with jacobians; set"
            f" model.keypoints.scale to {of_features:g}"
        )
