"""The engines that are known, by name. A new one is a class that fits `ExternalEngine`, its steps, and a line here."""

from __future__ import annotations

from hygiesync.errors import UsageError
from hygiesync.external.installation import Installation, find_installation
from hygiesync.external.interface import Ability, ExternalEngine
from hygiesync.external.liveportrait import LivePortrait
from hygiesync.external.musetalk import MuseTalk
from hygiesync.external.sadtalker import SadTalker

ENGINES: dict[str, type[ExternalEngine]] = {
    "musetalk": MuseTalk,
    "liveportrait": LivePortrait,
    "sadtalker": SadTalker,
}
"""Name -> class that is made without arguments."""


def external_engine(name: str) -> ExternalEngine:
    """The engine of that name, whether it is installed or not.

    Raises
    ------
    UsageError
        When none is known by it.
    """
    if name not in ENGINES:
        raise UsageError(f"`engine`: expected one of {', '.join(ENGINES)}, got {name!r}")
    return ENGINES[name]()


def engine_for(name: str, ability: Ability) -> tuple[ExternalEngine, Installation]:
    """An engine that can do what is asked of it, and where it is installed.

    Raises
    ------
    UsageError
        When none is known by that name, or it does something else.
    MissingDependencyError
        When it is not installed.
    """
    engine = external_engine(name)
    if engine.card.ability is not ability:
        able = [other for other, kind in ENGINES.items() if kind().card.ability is ability]
        raise UsageError(
            f"`engine`: {name} does something else ({engine.card.ability.value}); here {ability.value}, which"
            f" {', '.join(able)} does"
        )
    installation = find_installation(engine.card)
    installation.ready_python()
    return engine, installation
