"""The bench's result as a table to read."""

from __future__ import annotations

from typing import Any


def format_bench(result: dict[str, Any]) -> str:
    """A table to read, ratios first.

    Parameters
    ----------
    result : dict
        From :func:`bench`.
    """
    machine, startup = result["machine"], result["startup"]
    lines = [
        f"{machine['n_cores']} cores {machine['processor']}, Python {machine['python']}, one thread; avatar"
        f" {result['avatar']} with {result['n_pictures']} pictures"
    ]
    for key, size in result["sizes"].items():
        lines += ["", *_size_lines(key, size)]
    lines += [
        "",
        f"listening      {result['listening']['mel_frame_us']['p50']:.0f} us a mel frame,"
        f" {result['listening']['sound_s_per_s']:.0f} s of sound a second",
        f"latency        {result['latency_s'] * 1e3:.0f} ms from sound to picture, before devices",
        f"loading        {result['load_ms']['p50']:.0f} ms",
        f"animate        {result['animate']['frame_ms']['p50']:.1f} ms a picture of 512x512, p99"
        f" {result['animate']['frame_ms']['p99']:.1f}: {result['animate']['frame_p50_to_remap_p50']:.1f} x one"
        f" cv2.remap; {result['animate']['pictures_per_s']:.0f} pictures/s",
        *(
            f"{f'learnt, {name}':<14} {speed['pictures_per_s']:.1f} pictures/s, two side by side; at most"
            f" {speed['peak_mb']:.0f} MB"
            for name, speed in result.get("first_order", {}).items()
        ),
        *(
            f"live           {live['latency_ms']['p50']:.0f} ms from sound to picture, p95"
            f" {live['latency_ms']['p95']:.0f}, lookahead {lookahead}; {live['pictures_per_s']:.1f} pictures/s,"
            f" {live['missed_ratio']:.1%} missed"
            for lookahead, live in result["live"].items()
        ),
        f"import engine  {startup['ratios']['import_engine_to_bare_python_wall']:.1f} x a bare Python"
        f" ({startup['import_engine']['wall_ms']:.0f} against {startup['bare_python']['wall_ms']:.0f} ms)",
        f"--help         {startup['ratios']['help_to_bare_python_cpu']:.1f} x a bare Python's processor time"
        f" ({startup['help']['cpu_ms']:.0f} against {startup['bare_python']['cpu_ms']:.0f} ms)",
    ]
    if "training" in result:
        training = result["training"]
        lines.append(
            f"training       {training['ratio']:.2f} x a bare FaceMesh pass ({training['train_s']:.1f} against"
            f" {training['facemesh_s']:.1f} s), at most {training['train_peak_mb']:.0f} MB"
        )
    if "learning" in result:
        learning = result["learning"]
        lines.append(
            f"learning       {learning['alone_s'] / learning['steps'] * 1e3:.0f} ms a step;"
            f" {learning['ratio']:.1f} x that beside one busy process on each core"
        )
    lines += _batch_lines(result["batch"]) if "batch" in result else []
    return "\n".join(lines)


def _batch_lines(batch: dict[str, Any]) -> list[str]:
    ratios = batch["ratios"]
    lines = [
        f"batch          {batch['n_files']} short files, 2 workers: {batch['local_s']:.1f} s,"
        f" {ratios['local_to_half_of_singles']:.2f} x half of warm renders on one core",
        f"               those {batch['single_s']:.1f} s; on all cores {batch['single_free_s']:.1f} s;"
        f" a loop over `hygiesync render` {batch['loop_s']:.1f} s, {ratios['loop_to_local']:.1f} x",
        "               workers that sleep, over the ideal: "
        + ", ".join(f"{n_workers}: {ratio:.3f}" for n_workers, ratio in batch["scaling"].items()),
    ]
    if batch["ray_s"] is not None:
        ratio = ratios["ray_to_half_of_singles"]
        lines.insert(1, f"               Ray, 2 workers: {batch['ray_s']:.1f} s, {ratio:.2f} x")
    return lines


def _size_lines(key: str, size: dict[str, Any]) -> list[str]:
    ratios = size["ratios"]
    width, height = size["patch_px"]
    lines = [
        f"{key}, mouth patch {width} x {height} px",
        f"  frame / cv2.seamlessClone   p50 {ratios['frame_p50_to_seamless_clone_p50']:6.2f}"
        f"   p99 {ratios['frame_p99_to_seamless_clone_p50']:6.2f}",
        f"  frame / frame copy          p50 {ratios['frame_p50_to_frame_copy_p50']:6.1f}"
        f"   p99 {ratios['frame_p99_to_frame_copy_p50']:6.1f}",
        "  ms                             p50      p95      p99",
    ]
    for name, label in _LABELS.items():
        times = size[f"{name}_ms"]
        lines.append(f"    {label:<22}" + "".join(f"{times[share]:9.2f}" for share in ("p50", "p95", "p99")))
    return lines


_LABELS = {
    "frame": "frame",
    "retrieval": "  retrieval",
    "warp": "  warp",
    "decode": "  decoding the mouth",
    "blend": "  blend",
    "seamless_clone": "cv2.seamlessClone",
    "frame_copy": "frame copy",
}
