"""What an avatar is made of: read from its manifest, after every file was checked against its fingerprint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hygiesync.avatar.loading import files_of
from hygiesync.avatar.manifest import FROM_VIDEO, MANIFEST_NAME, RENDERERS, UNET, Manifest
from hygiesync.avatar.video_avatar import PAINTER, REPORT
from hygiesync.timing import mel_frames_to_time

_MEASURES = {
    "lip_distance_pct": "lips off by, % of the eyes' distance",
    "opening_correlation": "opening's correlation with the real one",
    "width_correlation": "width's correlation with the real one",
    "opening_amplitude": "opening's amplitude, real = 1",
    "lag_ms": "lag behind the real mouth, ms",
}


def describe(avatar_directory: str | os.PathLike[str]) -> dict[str, Any]:
    """What is known of an avatar.

    Parameters
    ----------
    avatar_directory : str or os.PathLike
        Folder that ``hygiesync train`` or ``hygiesync photo`` made.

    Returns
    -------
    dict
        ``name, origin, sources, duration_s, n_frames, n_usable_frames, width, height, fps, n_components,
        explained_variance, lookahead_ms, early_lookaheads_ms, preset, renderers`` (the one that is used first)``,
        validation, consent, has_consent, synthetic_media_note, files`` (bytes of each file), ``n_bytes,
        schema_version, hygiesync_version``. What an avatar does not record is None or empty.

    Raises
    ------
    InputError
        When it is missing, damaged, or of another schema.
    """
    directory = Path(avatar_directory)
    manifest = Manifest.read(directory)
    files = files_of(manifest)
    manifest.check_files(directory, files)
    training = manifest.training
    variances = training.get("explained_variance_ratio", [])
    shown = (MANIFEST_NAME, *files, *([REPORT] if (directory / REPORT).is_file() else []))
    sizes = {name: (directory / name).stat().st_size for name in shown}
    return {
        "name": manifest.name,
        "origin": manifest.origin,
        "sources": manifest.sources,
        "duration_s": sum(float(source.get("duration_s", 0)) for source in manifest.sources),
        "n_frames": training.get("n_frames"),
        "n_usable_frames": training.get("n_usable_frames"),
        "width": manifest.width,
        "height": manifest.height,
        "fps": manifest.fps,
        "n_components": len(variances) or None,
        "explained_variance": round(sum(variances), 5) if variances else None,
        "lookahead_ms": float(mel_frames_to_time(manifest.lookahead) * 1000),
        "early_lookaheads_ms": [float(mel_frames_to_time(n) * 1000) for n in manifest.early_lookaheads],
        "preset": training.get("preset"),
        "renderers": _renderers(manifest),
        "validation": training.get("validation", {}),
        "consent": manifest.consent,
        "has_consent": manifest.has_consent,
        "synthetic_media_note": manifest.synthetic_media_note,
        "files": sizes,
        "n_bytes": sum(sizes.values()),
        "schema_version": manifest.schema_version,
        "hygiesync_version": manifest.hygiesync_version,
    }


def format_info(content: dict[str, Any]) -> str:
    """Lines to read, from :func:`describe`."""
    rows = [
        ("avatar", content["name"]),
        *(("source", _source(source)) for source in content["sources"]),
        ("pictures", f"{content['width']} x {content['height']} px at {content['fps']} a second"),
        *(_learnt(content) if content["origin"] == FROM_VIDEO else [("made from", "one picture; hears any voice")]),
        ("lookahead", _lookahead(content)),
        *_validation(content["validation"]),
        ("consent", content["consent"] + ("" if content["has_consent"] else ": ask before you publish anything")),
        ("note", content["synthetic_media_note"]),
        *(("file", f"{name:<22} {size / 1e6:8.2f} MB") for name, size in content["files"].items()),
        ("size", f"{content['n_bytes'] / 1e6:.2f} MB; every file it speaks from is as it was written"),
        ("schema", f"version {content['schema_version']}, written by hygiesync {_known(content['hygiesync_version'])}"),
    ]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)


def _learnt(content: dict[str, Any]) -> list[tuple[str, str]]:
    """What was learnt from a video."""
    return [
        ("frames", f"{_known(content['n_usable_frames'])} used of {_known(content['n_frames'])}"),
        ("shape", _shape(content)),
        ("preset", _known(content["preset"])),
        ("drawn by", ", or ".join(content["renderers"])),
    ]


def _renderers(manifest: Manifest) -> list[str]:
    """What can draw the avatar, what does so unless asked otherwise first; nothing to choose from for a photo."""
    if manifest.origin != FROM_VIDEO:
        return []
    there = [name for name in RENDERERS if name != UNET or PAINTER in manifest.files]
    return sorted(there, key=lambda name: name != manifest.renderer)


def _source(source: dict[str, Any]) -> str:
    name, fingerprint = _known(source.get("name")), str(source.get("sha256", ""))[:12]
    length = f"{float(source['duration_s']):.1f} s, " if "duration_s" in source else ""
    return f"{name}, {length}sha256 {fingerprint or '?'}"


def _shape(content: dict[str, Any]) -> str:
    if content["explained_variance"] is None:
        return "?"
    return f"{content['n_components']} components, {100 * content['explained_variance']:.1f} % of the variance"


def _validation(measures: dict[str, Any]) -> list[tuple[str, str]]:
    """One row for each measure on the part of the video that was kept for validation."""
    return [("validation", f"{value:8.3f}  {_MEASURES.get(name, name)}") for name, value in measures.items()]


def _lookahead(content: dict[str, Any]) -> str:
    early = ", ".join(f"{ms:.0f}" for ms in content["early_lookaheads_ms"])
    return f"{content['lookahead_ms']:.0f} ms" + (f"; {early} ms where that is too late" if early else "")


def _known(value: object) -> str:
    return "?" if value in (None, "") else str(value)
