"""``hygiesync record``: devices, script, session and window brought together, and what is left of them on disk.

Whatever ends a recording, a window closed, a device gone, Ctrl-C, a full disk, ends it the same way: its video is
finished as far as it got, and the manifest tells how far that is.

Superseded readings stay in the take's own video, and a *cut* without them is made beside it in the end. Training could
have been told what to leave out instead; but a cut can be looked at, works with any program, costs no quality (nothing
is encoded again), and a video that holds what it should needs no manifest to be understood.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

from hygiesync.apps.record import folder as place
from hygiesync.apps.record.face_watch import FaceWatch
from hygiesync.apps.record.filming import Filming
from hygiesync.apps.record.manifest import COMPLETE, RECORDING, STOPPED, RecordingManifest
from hygiesync.apps.record.options import RecordOptions, RecordResult
from hygiesync.apps.record.screen import KEYS
from hygiesync.apps.record.script import Item, Script, load_script, read_script
from hygiesync.apps.record.session import COUNTDOWN_S, Session
from hygiesync.apps.record.take import spans_to_leave_out
from hygiesync.building.job import MIN_VIDEO_S
from hygiesync.devices.camera.camera import FileCamera, open_camera
from hygiesync.devices.sound.sound_file import SoundFile
from hygiesync.devices.sound.sources import open_source, recording_rate
from hygiesync.devices.window import Window
from hygiesync.errors import HygieSyncError, UsageError
from hygiesync.extras import require
from hygiesync.face.target import parse_face
from hygiesync.media.cut import leave_out
from hygiesync.progress import Tell
from hygiesync.version import __version__


def record(options: RecordOptions, tell: Tell) -> RecordResult:
    """Record a video to train on.

    Parameters
    ----------
    options : RecordOptions
    tell : callable
        Told in one line of what goes on.

    Returns
    -------
    RecordResult

    Raises
    ------
    UsageError
        When an option is out of range, or a recording of that name exists.
    InputError
        When a file that stands in can't be read, or the disk is full.
    MissingDependencyError
        When there is no camera, microphone or display, or one of them is gone.
    KeyboardInterrupt
        After Ctrl-C, once the video is finished.
    """
    require("record", "recording")
    place.check_name(options.name)
    if options.duration_s is not None and not (math.isfinite(options.duration_s) and options.duration_s > 0):
        raise UsageError(f"duration: expected seconds above 0, got {options.duration_s:g}")
    manifest, items = _plan(options)
    is_automatic = not options.has_window
    session = Session(
        items,
        first=manifest.next_item,
        is_automatic=is_automatic,
        countdown_s=0.0 if is_automatic else COUNTDOWN_S,
        waits=not is_automatic,
    )
    try:
        advised = _film(options, manifest, session, tell)
    except (HygieSyncError, KeyboardInterrupt):
        if manifest.takes:
            tell(f"note: {options.folder}: what was recorded so far is kept; go on with it by saying --resume")
        raise
    finally:
        if manifest.takes:
            manifest.state = COMPLETE if manifest.next_item >= len(items) else STOPPED
            with suppress(HygieSyncError):  # what ended the filming is the news; the last manifest is valid
                manifest.write(options.folder)
        else:
            with suppress(OSError):  # it holds something else
                options.folder.rmdir()
    _cut_all(options.folder, manifest)
    return RecordResult(options.folder, manifest, _videos(options.folder, manifest), advised, options.face)


def _plan(options: RecordOptions) -> tuple[RecordingManifest, tuple[Item, ...]]:
    """A new manifest, or that of an interrupted recording; and its items."""
    if options.resume:
        if options.overwrite or options.text is not None:
            raise UsageError("--resume goes on with the same text; leave out --overwrite and --text")
        manifest = place.open_interrupted(options.folder)
        if manifest.name != options.name:
            raise UsageError(f"{options.folder}: holds the recording {manifest.name!r}, not {options.name!r}")
        manifest.state = RECORDING
        return manifest, tuple(Item(**item) for item in manifest.script)
    script = _script(options)
    place.check_is_free(options.folder, options.name, overwrite=options.overwrite)
    items = [asdict(item) for item in script.items]
    return RecordingManifest(options.name, script.language, RECORDING, items, [], __version__), script.items


def _script(options: RecordOptions) -> Script:
    if options.text is not None:
        return read_script(options.text, options.seconds_of_silence)
    return load_script(options.language, options.seconds_of_silence)


def _film(options: RecordOptions, manifest: RecordingManifest, session: Session, tell: Tell) -> tuple[str, ...]:
    """Film one take; gives what was advised."""
    camera = open_camera(options.camera)
    source = open_source(options.input_device, recording_rate(options.input_device))
    with ExitStack() as stack:
        face_watch = stack.enter_context(FaceWatch(parse_face(options.face)))
        stack.callback(source.close)
        source.start()
        if isinstance(camera, FileCamera) and isinstance(source, SoundFile):
            camera.begins_s = source.clock.time_of(0)  # a video and its own sound are in time
        stack.callback(camera.close)
        camera.start()
        window = None
        if options.has_window:
            window = stack.enter_context(Window(f"hygiesync record {options.name}", camera.size, KEYS, mirror=True))
        place.make(options.folder)
        filming = Filming(options, manifest, session, camera, source, face_watch, window, tell)
        filming.run()
    return tuple(filming.advised)


def _cut_all(folder: Path, manifest: RecordingManifest) -> None:
    """Make the cuts that are needed; each is told of once it is whole."""
    for take in manifest.takes:
        spans = spans_to_leave_out([(one.start_s, one.end_s, one.is_superseded) for one in take.readings])
        if not spans or take.cut is not None or all(one.is_superseded for one in take.readings):
            continue
        name = place.cut_name(take.video)
        left_out = leave_out(folder / take.video, folder / name, spans)
        take.cut = name
        take.left_out = [[float(one.start_s), float(one.end_s), float(one.gone_s)] for one in left_out]
        manifest.write(folder)


def _videos(folder: Path, manifest: RecordingManifest) -> tuple[Path, ...]:
    """Videos long enough to train on."""
    return tuple(
        folder / take.training_video
        for take in manifest.takes
        if take.in_training_video(take.duration_s) >= MIN_VIDEO_S and not all(r.is_superseded for r in take.readings)
    )
