"""What commands share: how they are described, the options that several have, what they say, and what they write."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from hygiesync.errors import InputError, UsageError
from hygiesync.media.replacing import replaced
from hygiesync.plain_text import with_parameters_as

if TYPE_CHECKING:
    from fractions import Fraction

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What parsers of commands are added to."""

Options = TypeVar("Options")

EXIT_CODES = """\
exit codes: 0 done, 1 a fault of hygiesync's own, 2 wrong usage, 3 bad input, 4 missing device or dependency"""


def command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], summary: str, details: str
) -> argparse.ArgumentParser:
    """A new command's parser: a line for the list of commands, and a page for its own help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=details,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, parser=parser)
    return parser


def avatar(parser: argparse.ArgumentParser, makers: str = "`hygiesync train` or `photo`", **more: Any) -> None:
    """The avatar that a command is about."""
    parser.add_argument("avatar", type=Path, metavar="AVATAR", help=f"folder that {makers} made", **more)


def picture(parser: argparse.ArgumentParser) -> None:
    """A picture with a face, and which of its faces is meant."""
    parser.add_argument(
        "image", type=Path, metavar="IMAGE", help="picture with a face: PNG, JPEG, HEIC, AVIF, WebP, GIF ..."
    )
    parser.add_argument("--face", metavar="N|left|right|largest", help="which face of the picture, 1 is the leftmost")


def face_of_video(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Whose face in a video, where several people are seen."""
    parser.add_argument(
        "--face", metavar="N|left|right|largest|speaking",
        help=f"whose face, where several are seen; 1 is the leftmost ({otherwise})",
    )  # fmt: skip


def audio_track(parser: argparse.ArgumentParser) -> None:
    """Which sound, where a file has several."""
    parser.add_argument(
        "--audio-track", type=int, metavar="N", help="which sound track, 1 is the first (the file's default one)"
    )


def out_mp4(parser: argparse.ArgumentParser) -> None:
    """The video to write."""
    parser.add_argument("--out", required=True, type=mp4, metavar="OUT.mp4", help="video to write")


def speaking(parser: argparse.ArgumentParser, fps: str | None = None) -> None:
    """How an avatar speaks, whatever it says; without `fps`, at the rate of its own pictures."""
    default = " (%(default)s)" if fps else ""
    parser.add_argument(
        "--fps", default=fps, metavar="F", help=f"pictures a second, 1 to 240; 29.97 means 30000/1001{default}"
    )
    parser.add_argument(
        "--expressiveness", type=float, default=1.0, metavar="X",
        help="how far the mouth goes from rest, 0 to 2; 1 is as the person does (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--life", choices=("calm", "lively", "still"),
        help="how far head and shoulders of an avatar made from a photo move while it speaks and rests (calm)",
    )  # fmt: skip


def carrying(parser: argparse.ArgumentParser, *, by_model: bool = False) -> None:
    """How a driving video's motion is carried to a picture; with `by_model`, what isn't said is None."""
    manner = parser.add_mutually_exclusive_group()
    decided = "as the model's configuration says" if by_model else "default"
    manner.add_argument(
        "--relative", dest="is_absolute", action="store_false", help=f"the driving motion only ({decided})"
    )
    manner.add_argument(
        "--absolute", dest="is_absolute", action="store_true", help="what leads as it is, shape and place too"
    )
    decided = "as the model's configuration says" if by_model else "on"
    parser.add_argument(
        "--adapt-scale", dest="adapts_scale", action=argparse.BooleanOptionalAction,
        help=f"scale movements to the picture; without, they are as large as in the video ({decided})",
    )  # fmt: skip
    parser.add_argument(
        "--best-frame", dest="uses_best_frame", action="store_true",
        help="measure motion from the driving frame most like the picture, not from the first one",
    )  # fmt: skip
    parser.set_defaults(is_absolute=None if by_model else False, adapts_scale=None if by_model else True)


def method(parser: argparse.ArgumentParser) -> None:
    """How a picture is moved."""
    from hygiesync.pipelines.animation_methods import METHODS

    parser.add_argument(
        "--method", default="mesh", metavar="M",
        help=f"how the picture is moved: {', '.join(METHODS)}, or first-order:DIR, your own model (%(default)s)",
    )  # fmt: skip


def squares(parser: argparse.ArgumentParser) -> None:
    """Which squares of picture and video a learnt model sees."""
    crops = "auto|face|none|LEFT,TOP,SIDE"
    parser.add_argument("--crop", default="auto", metavar="SQUARE", help=f"of the picture: {crops} (%(default)s)")
    parser.add_argument(
        "--driving-crop", default="auto", metavar="SQUARE", help="of the video, in the same way (%(default)s)"
    )


def renderer(parser: argparse.ArgumentParser) -> None:
    """What draws a filmed person's mouth."""
    parser.add_argument(
        "--renderer", choices=("retrieval", "unet"),
        help="what draws the mouth: real pictures, or the network of `train --renderer` (as the avatar was trained)",
    )  # fmt: skip


def crf(parser: argparse.ArgumentParser) -> None:
    """How good the video's pictures are."""
    parser.add_argument("--crf", type=int, default=17, metavar="N", help="quality, 0 (lossless) to 51 (%(default)s)")


def consent(parser: argparse.ArgumentParser) -> None:
    """Whether the people shown agree; see :func:`has_consent`."""
    parser.add_argument(
        "--i-have-consent", dest="has_consent", action="store_true",
        help="the person shown agrees to this; recorded in what is made",
    )  # fmt: skip


def json_file(parser: argparse.ArgumentParser, what: str) -> None:
    """Where results go for programs to read."""
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"write {what} to FILE")


def mp4(name: str) -> Path:
    """An argument that names an mp4 to write: another ending would promise another kind of file."""
    path = Path(name)
    if path.suffix.lower() not in (".mp4", ".m4v") and not path.is_dir():
        raise UsageError(f"{name}: expected a name that ends in .mp4, which is what is written")
    return path


def rate(text: str | None) -> Fraction | None:
    """The pictures a second that are asked for, if any are."""
    from hygiesync.timing import parse_fps

    return None if text is None else parse_fps(text)


def chosen(arguments: argparse.Namespace, kind: type[Options], **others: Any) -> Options:
    """The library's options, a dataclass, as they are asked for by the names of its fields."""
    given = {name: getattr(arguments, name) for name in kind.__dataclass_fields__ if name in arguments}  # type: ignore[attr-defined]
    return kind(**{**given, **others})


def option_names(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The library's names of a command's parameters, and what the command line calls them."""
    return {
        action.dest: action.option_strings[0] if action.option_strings else str(action.metavar or action.dest)
        for action in parser._actions
    }


def has_consent(arguments: argparse.Namespace, agrees: str) -> bool:
    """Whether those shown agree: as stated, or by asking a person; a script is told that nothing was said.

    Parameters
    ----------
    arguments : argparse.Namespace
    agrees : str
        What is asked, such as "Does the person shown agree to this avatar being made?".
    """
    if arguments.has_consent:
        return True
    if is_terminal():
        return asks(f"{agrees} [y/N] ")
    say_so("note: consent of the person shown: not stated (say --i-have-consent when they agree); so it is recorded")
    return False


def warner(arguments: argparse.Namespace) -> Callable[[str], None]:
    """What the library tells of all that should be known and stops nothing."""
    names = option_names(arguments.parser)
    return lambda message: say_so(f"note: {with_parameters_as(names, message)}")


def say_so(message: str) -> None:
    """A line to whoever watches, on stderr."""
    print(f"hygiesync: {message}", file=sys.stderr)


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def asks(question: str) -> bool:
    """A person's answer to a question; no where nobody can be asked."""
    if not is_terminal():
        return False
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def lookahead_ms(text: str) -> float:
    """An option's milliseconds of lookahead, or infinitely many for ``all``."""
    return float("inf") if text == "all" else float(text)


def check_json(path: Path | None) -> None:
    """Refuse an unwritable result file before hours of work, not after."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise InputError(f"{path}: can't be written; expected the name of a file in a folder that exists")


def finish(arguments: argparse.Namespace, text: str, results: Any = None) -> int:
    """Write the results where that is asked for, print what a person reads, and give exit code 0."""
    path = getattr(arguments, "json", None)
    if path is not None:
        try:
            with replaced(path) as beside:
                beside.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: can't be written ({error.strerror})") from error
    print(text)
    return 0
