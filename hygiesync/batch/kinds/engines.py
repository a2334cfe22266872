"""Columns on engines of others, which kinds of jobs share."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from hygiesync.batch.columns import Setting, one_of
from hygiesync.external.registry import ENGINES
from hygiesync.pipelines.by_engine import EngineOptions


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value


ENGINE: Mapping[str, Setting] = {
    "engine": one_of("engine", tuple(ENGINES)),
    "engine_timeout": Setting("time_limit_s", "seconds, more than 0", _positive),
    "engine_args": Setting("engine_arguments", "arguments of the engine's own", lambda text: tuple(shlex.split(text))),
}


def without_unused_engine(options: dict[str, Any]) -> dict[str, Any]:
    """Options for a fingerprint: where no engine is named, as they were before one could be."""
    if options["engine"] is not None:
        return options
    return {name: value for name, value in options.items() if name not in EngineOptions.__dataclass_fields__}
