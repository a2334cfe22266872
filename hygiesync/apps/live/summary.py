"""A live session's measures as a few lines to read."""

from __future__ import annotations

from typing import Any


def format_result(result: dict[str, Any]) -> str:
    """What :meth:`LiveSession.result` holds, for a terminal."""
    latency, parts = result["latency_ms"], result["latency_parts_ms"]
    lines = [
        f"{result['duration_s']:.1f} s, {result['pictures_per_s']:.1f} pictures/s, {result['missed_ratio']:.2%} missed",
        f"latency {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms ("
        + ", ".join(f"{name} {part['p50']:.1f}" for name, part in parts.items())
        + ")",
        f"sound: {result['audio_overflows']} overflows, {result['audio_blocks_lost']} blocks lost,"
        f" {result['audio_filled_s']:.1f} s filled with silence",
    ]
    return "\n".join([*lines, *(f"{path}: recorded" for path in result["recordings"])])
