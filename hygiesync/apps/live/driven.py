"""``hygiesync live --drive``: a still picture that moves as whoever stands before the camera."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

from hygiesync.apps.live.movers import open_mover
from hygiesync.apps.live.screen import CameraScreen, Nowhere, Screen
from hygiesync.apps.live.stopping import StopRequest
from hygiesync.avatar.provenance import Method, Provenance
from hygiesync.concurrency.library_threads import prompt_threads
from hygiesync.devices.camera.camera import Camera, open_camera
from hygiesync.devices.camera.virtual import VirtualCamera
from hygiesync.devices.window import Key, Window
from hygiesync.errors import UsageError
from hygiesync.live.driven import DrivenSession, MovedPicture, Mover
from hygiesync.media.background_writer import BackgroundWriter
from hygiesync.media.images import read_still
from hygiesync.media.video import VideoWriter

_BEGIN_ANEW, _QUIT = "begin anew", "quit"
KEYS = (
    Key("backspace", _BEGIN_ANEW, "begin anew: what the camera sees now stands for the picture as it is"),
    Key("q", _QUIT, "quit"),
    Key("escape", _QUIT, "quit"),
)

_POLL_S = 0.008
_CRF = 18


@dataclass(frozen=True)
class DrivenOptions:
    """What a picture that a camera moves may be asked for.

    Attributes
    ----------
    drive : str
        A camera's name or number, or a video that is played in its place.
    method : str
        How the picture is moved.
    output : str
        One of :data:`hygiesync.apps.live.options.OUTPUTS`.
    record : Path, optional
        The mp4 to record to from the start.
    duration_s : float, optional
        End by itself after so long.
    full_screen, mirror : bool
        How the window begins.
    has_consent : bool
        Whether those shown agreed; recorded in the recording.
    """

    drive: str
    method: str = "mesh"
    output: str = "window"
    record: Path | None = None
    duration_s: float | None = None
    full_screen: bool = False
    mirror: bool = False
    has_consent: bool = False


def run_driven(image: Path, options: DrivenOptions, stop: StopRequest | None = None) -> dict[str, Any]:
    """Move a picture until the window is closed, the video or the time is over, or `stop` is set.

    Parameters
    ----------
    image : Path
        The picture.
    options : DrivenOptions
    stop : StopRequest, optional

    Returns
    -------
    dict
        See :meth:`hygiesync.live.driven.DrivenSession.result`; besides ``pictures_per_s``, ``duration_s``.

    Raises
    ------
    MissingDependencyError
        When a camera, a display or a library is missing.
    InputError, UsageError
        When picture, video, model or recording can't be used.
    """
    if options.duration_s is not None and not options.duration_s > 0:
        raise UsageError(f"`duration_s`: expected a number of seconds above 0, got {options.duration_s:g}")
    stop = stop or StopRequest()
    with ExitStack() as stack:
        mover = open_mover(read_still(image), image, options.method)
        stack.callback(mover.close)
        camera = open_camera(options.drive)
        camera.start()
        stack.callback(camera.close)
        writer = stack.enter_context(_recording(image, options, mover, camera)) if options.record else None
        screen = stack.enter_context(_screen(image, options, mover, camera))
        session = DrivenSession(camera, mover)
        stack.callback(session.stop)
        with prompt_threads():
            lasted_s = _show(session, mover, screen, writer, options, stop)
        session.stop()
        measured = session.result()
        rate = round(measured["n_pictures"] / max(lasted_s, 1e-9), 2)
        return {**measured, "pictures_per_s": rate, "duration_s": round(lasted_s, 3), "output": options.output}


def _show(
    session: DrivenSession,
    mover: Mover,
    screen: Screen,
    writer: BackgroundWriter | None,
    options: DrivenOptions,
    stop: StopRequest,
) -> float:
    """Show each picture as it comes, until the end; how long it lasted, seconds."""
    session.start()
    start_s = perf_counter()
    first: MovedPicture | None = None
    while not stop.is_set and (options.duration_s is None or perf_counter() - start_s < options.duration_s):
        actions = screen.poll()
        if _QUIT in actions:
            break
        if _BEGIN_ANEW in actions:
            mover.begin_anew()
        moved = session.take(_POLL_S)
        if moved is not None:
            screen.show(moved.picture)
            session.shown(moved)
            first = first or moved
            if writer is not None:
                writer.write(moved.picture, Fraction(moved.taken_s - first.taken_s).limit_denominator(90_000))
        elif session.is_finished:
            break
    return perf_counter() - start_s


def _recording(image: Path, options: DrivenOptions, mover: Mover, camera: Camera) -> BackgroundWriter:
    assert options.record is not None
    drive = Path(options.drive)
    if options.record.exists() and drive.is_file() and options.record.samefile(drive):
        raise UsageError(f"{options.record}: is also what drives; choose another `record`, or it would be lost")
    tags = Provenance(Method.VIDEO_DRIVEN, image.name, options.has_consent).tags()
    writer = VideoWriter(
        options.record, *mover.size, camera.fps, metadata=tags, crf=_CRF, preset="ultrafast", n_threads=1
    )
    return BackgroundWriter(writer)


def _screen(image: Path, options: DrivenOptions, mover: Mover, camera: Camera) -> Screen:
    if options.output == "none":
        return Nowhere()
    if options.output == "virtual-camera":
        return CameraScreen(VirtualCamera(*mover.size, float(camera.fps)))
    title = f"{image.stem} - hygiesync (synthetic media)"
    return Window(title, mover.size, KEYS, full_screen=options.full_screen, mirror=options.mirror)
