"""The text over a live picture: what is wrong, what is going on, and on request how fast it goes."""

from __future__ import annotations

from dataclasses import dataclass

from hygiesync.devices.sound.source import SILENCE_DB, SoundHealth
from hygiesync.devices.window import Panel
from hygiesync.live.statistics import Statistics

RED, YELLOW, GREY = (255, 90, 80), (255, 210, 80), (200, 200, 200)
_METER_FLOOR_DB, _METER_LENGTH = -60.0, 20


@dataclass(frozen=True)
class Situation:
    """What the text is about.

    Attributes
    ----------
    modes : tuple of str
        What the user has switched on, such as "muted".
    recording : str
        Name of the file that is being written, and how long it is; empty without one.
    problem : str
        One line; empty when all is well.
    """

    modes: tuple[str, ...] = ()
    recording: str = ""
    problem: str = ""


def status_panels(situation: Situation) -> list[Panel]:
    """Panels for what the user must know; none when there is nothing."""
    panels = []
    if situation.problem:
        panels.append(Panel((situation.problem,), "bottom", colour=YELLOW))
    if situation.modes:
        panels.append(Panel((", ".join(situation.modes),), "top right", colour=YELLOW))
    if situation.recording:
        panels.append(Panel((f"recording {situation.recording}",), "top right", colour=RED))
    return panels


def statistics_panel(statistics: Statistics, n_missed: int, health: SoundHealth, source_name: str) -> Panel:
    """Pace, latency and sound in a few lines."""
    render, latency = statistics.parts["render"], statistics.latency
    return Panel(
        (
            f"{statistics.recent_pictures_per_s:.1f} pictures/s, {n_missed} missed",
            f"render {render.quantile_ms(0.5):.1f} ms, p99 {render.quantile_ms(0.99):.1f} ms",
            f"latency {latency.quantile_ms(0.5):.0f} ms, p95 {latency.quantile_ms(0.95):.0f} ms",
            f"{health.n_overflows} overflows, {health.n_blocks_lost} blocks lost",
            level_meter(health.level_db),
            source_name,
        ),
        "top left",
        size=0.8,
        colour=GREY,
    )


def level_meter(level_db: float) -> str:
    """A level in dB below full scale as a bar of text."""
    share = (max(level_db, _METER_FLOOR_DB) - _METER_FLOOR_DB) / -_METER_FLOOR_DB
    bar = "|" * round(share * _METER_LENGTH)
    return f"{bar:.<{_METER_LENGTH}} " + ("silence" if level_db <= SILENCE_DB else f"{level_db:.0f} dB")
