"""``hygiesync export``: a person's lips for other runtimes."""

from __future__ import annotations

import argparse
from pathlib import Path

from hygiesync.apps.commands import common
from hygiesync.errors import UsageError


def add(commands: common.Commands) -> None:
    """The command's options."""
    parser = common.command(
        commands, "export", run, "write what another runtime needs to move this person's lips",
        "Write the speech model for use without hygiesync: in a browser, a game, on a phone.\n\n"
        "  hygiesync export models/me --out exported/me\n\n"
        "The folder holds the network as one ONNX step, the mel filters, the way from coefficients to landmarks,\n"
        "metadata.json with all numbers that go with them, and a reference: two seconds of sound and what each step\n"
        "makes of it. README.md explains them, and has a short program that checks itself against the reference; it\n"
        "needs numpy, onnxruntime and safetensors only.\n\n"
        "No picture of the person is in it. The gate that holds the mouth at rest in silence isn't either: README.md\n"
        "says what to do instead. A folder that an earlier export wrote is replaced; anything else is left alone.\n\n"
        "  hygiesync export models/me --web --out exported/me-web\n\n"
        "With --web it is the whole avatar as a folder of static files, pictures and all. Any web server shows it; a\n"
        "browser computes everything by itself, also without a network after the first visit. The folder has a page\n"
        "with microphone and sound files, and the runtime for pages of your own. It carries onnxruntime-web, which\n"
        "npm fetches once, or which you name.",
    )  # fmt: skip
    common.avatar(parser, "`hygiesync train`")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make, such as exported/me")
    parser.add_argument("--web", dest="is_web", action="store_true", help="write the avatar as a web page")
    parser.add_argument(
        "--max-mb", type=float, metavar="N",
        help="with --web: megabytes that the avatar's data may take; mouths that add least are left out (12)",
    )  # fmt: skip
    parser.add_argument(
        "--onnxruntime-web", type=Path, metavar="FILE",
        help="with --web: onnxruntime-web's npm package, a .tgz or a folder; npm fetches it when left out",
    )  # fmt: skip
    common.json_file(parser, "metadata.json's content (with --web, that of files.json), too,")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.is_web:
        return _export_for_web(arguments)
    if arguments.max_mb is not None or arguments.onnxruntime_web is not None:
        raise UsageError("`max_mb` and `onnxruntime_web` are for an export with --web; add it, or leave them out")
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.avatar.video_avatar import VideoAvatar
    from hygiesync.exporting.export import export
    from hygiesync.plain_text import one_line

    metadata = export(load_avatar(arguments.avatar, VideoAvatar), arguments.out)
    return common.finish(
        arguments,
        f"{one_line(str(arguments.out))}: written; its README.md has a program that checks another runtime against"
        f" {metadata['reference']['n_frames']} reference frames",
        metadata,
    )


def _export_for_web(arguments: argparse.Namespace) -> int:
    from hygiesync.apps.progress_bars import StageBars
    from hygiesync.avatar.loading import load_avatar
    from hygiesync.exporting.web.export import DEFAULT_MAX_MB, export_web
    from hygiesync.plain_text import one_line

    avatar = load_avatar(arguments.avatar)
    max_mb = DEFAULT_MAX_MB if arguments.max_mb is None else arguments.max_mb
    with StageBars() as bars:
        files = export_web(
            avatar, arguments.out, onnxruntime_web=arguments.onnxruntime_web, max_mb=max_mb, progress=bars
        )
    megabytes = sum(file["bytes"] for file in files["files"].values()) / 1e6
    return common.finish(
        arguments,
        f"{one_line(str(arguments.out))}: written, {megabytes:.1f} MB; serve it by HTTPS or on this machine, for"
        " instance with `python -m http.server --directory DIR`",
        files,
    )
