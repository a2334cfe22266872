"""Leaving parts of an mp4 out without encoding anything again.

Pictures can only be cut before keyframes, and sound only between the packets of its codec, which last about 20 ms.
Were each stream cut where it can be, they would part by some milliseconds at every cut. So the sound decides: whole
packets of it are left out, all those that lie entirely in the span to be left out, and the pictures after them move by
exactly as much. Sound stays on its grid, pictures stay on the sound, and a cut lasts up to two packets too long::

    sound      |--a--|--b--|--c--|--d--|--e--|--f--|--g--|
    leave out            [====================]              c, d and e lie in it, all of them
    result     |--a--|--b--|--f--|--g--|                     so all after them moves by three packets
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from hygiesync.errors import InputError, UsageError
from hygiesync.media.container import PathLike, open_input
from hygiesync.media.replacing import replaced
from hygiesync.media.streams import (
    find_audio_stream,
    find_video_stream,
)

TOLERANCE_S = Fraction(1, 1000)
"""A keyframe this much before the time given still counts as the one that is meant."""

Span = tuple[Fraction, Fraction]
"""From, to, in seconds on the file's clock."""


@dataclass(frozen=True)
class LeftOut:
    """One span that a cut left out.

    Attributes
    ----------
    start_s, end_s : Fraction
        The first picture that is gone, and the first that stays, on the source's clock.
    gone_s : Fraction
        How much earlier what follows is for it.
    """

    start_s: Fraction
    end_s: Fraction
    gone_s: Fraction


def leave_out(
    source: PathLike, target: PathLike, spans: Sequence[tuple[Fraction | float, Fraction | float]]
) -> list[LeftOut]:
    """Copy an mp4 without some of its parts; pictures and sound stay as they are, and in sync.

    Parameters
    ----------
    source : str or os.PathLike
        An mp4 with pictures in order (no B-frames) and sound, as :class:`VideoWriter` writes it with
        ``tune="zerolatency"``.
    target : str or os.PathLike
        The mp4 to write; it appears when it is whole.
    spans : sequence of (start_s, end_s)
        What to leave out, in order and apart. A keyframe must lie at each end, except at the end of the file.

    Returns
    -------
    list of LeftOut
        What was left out indeed; spans without a picture are not among it.

    Raises
    ------
    UsageError
        When the spans are out of order, or nothing remains.
    InputError
        When `source` can't be read, a span does not end at a keyframe, or `target` can't be written.
    """
    exact = [(Fraction(start_s), Fraction(end_s)) for start_s, end_s in spans]
    _check_order(exact)
    try:
        plan = _plan(source, exact)
        with replaced(Path(target)) as beside:
            _copy(source, beside, plan)
    except (FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{target}: can't be written ({reason}); free disk space, then run it again") from error
    return plan.left_out


def _check_order(spans: Sequence[Span]) -> None:
    edges = [edge for span in spans for edge in span]
    if any(later < earlier for earlier, later in pairwise(edges)):
        raise UsageError(f"spans to leave out: expected them in order and apart, got edges {[*map(float, edges)]}")


class _Plan:
    """What is left out, and how much earlier the rest is for it.

    Its edges are where pictures begin (:func:`_edges`), so that the picture before a cut lasts as long as it did.
    """

    def __init__(self, edges: Sequence[Span], pictures: Sequence[Span], sound: Sequence[Span]) -> None:
        self.left_out = [
            LeftOut(*span, sum((end - start for start, end in sound if _covers(span, start, end)), Fraction(0)))
            for span in edges
            if span[0] < span[1]
        ]
        self.n_pictures = sum(not self.leaves_out_picture(start) for start, _ in pictures)

    def leaves_out_sound(self, start_s: Fraction, end_s: Fraction) -> bool:
        """Whether a packet of sound lies in a span, all of it."""
        return any(_covers((one.start_s, one.end_s), start_s, end_s) for one in self.left_out)

    def leaves_out_picture(self, start_s: Fraction) -> bool:
        """Whether a picture begins in a span."""
        return any(one.start_s <= start_s < one.end_s for one in self.left_out)

    def earlier_by(self, start_s: Fraction) -> Fraction:
        """Seconds by which what stays, and begins at `start_s`, moves."""
        # a packet of sound that reaches over a span's end begins within it
        return sum((one.gone_s for one in self.left_out if one.start_s <= start_s), Fraction(0))


def _first_from(times: Sequence[Fraction], time_s: Fraction, otherwise: Fraction) -> Fraction:
    """The first of sorted times that does not lie before `time_s`."""
    index = bisect_left(times, time_s)
    return times[index] if index < len(times) else otherwise


def _edges(source: PathLike, span: Span, begins: Sequence[Fraction], keyframes: Sequence[Fraction]) -> Span:
    """When the first picture begins that a span leaves out, and when the first that it leaves.

    At the end, a picture that begins just before the time given is only meant when it is a keyframe: the one that was
    asked for "from here on" may well follow another picture of half a millisecond earlier.
    """
    start_s, end_s = span
    after_all = max(begins[-1] + 3600, end_s)  # also after all sound
    first = _first_from(begins, start_s - TOLERANCE_S, after_all)
    keyframe = _first_from(keyframes, end_s - TOLERANCE_S, after_all)
    picture = _first_from(begins, end_s, after_all)
    if first < picture < keyframe:
        raise InputError(f"{source}: can't be cut at {float(picture):.3f} s, where no keyframe is")
    return first, keyframe


def _covers(span: Span, start_s: Fraction, end_s: Fraction) -> bool:
    return span[0] <= start_s and end_s <= span[1]


def _copy(source: PathLike, target: Path, plan: _Plan) -> None:
    with open_input(source) as reader:
        streams = _streams(reader, source)
        scale = max(stream.time_base.denominator for stream in streams if stream.time_base is not None)
        options = {"movflags": "+faststart", "movie_timescale": str(scale)}
        with av.open(f"file:{target.absolute()}", mode="w", format="mp4", container_options=options) as writer:
            writer.metadata.update(reader.metadata)
            copies: dict[int, Stream] = {s.index: writer.add_stream_from_template(s) for s in streams}
            for packet in reader.demux(*streams):
                if packet.dts is None:
                    continue
                start_s, end_s = _span(packet)
                if packet.stream.type == "video":
                    if plan.leaves_out_picture(start_s):
                        continue
                elif plan.leaves_out_sound(start_s, end_s):
                    continue
                _move(packet, plan.earlier_by(start_s))
                packet.stream = copies[packet.stream.index]
                writer.mux(packet)


def _plan(source: PathLike, spans: Sequence[Span]) -> _Plan:
    """What to leave out of a file; every packet's time is looked at first."""
    with open_input(source) as reader:
        video, audio = _streams(reader, source)
        found: dict[str, list[Span]] = {"video": [], "audio": []}
        keyframes: list[Fraction] = []
        for packet in reader.demux(video, audio):
            if packet.dts is None:
                continue
            found[packet.stream.type].append(_span(packet))
            if packet.stream.type == "video" and packet.is_keyframe:
                keyframes.append(found["video"][-1][0])
    begins = sorted(start for start, _ in found["video"])
    edges = [_edges(source, span, begins, keyframes) for span in spans]
    plan = _Plan(edges, found["video"], found["audio"])
    if plan.n_pictures == 0:
        raise UsageError(f"spans to leave out: nothing of {source} would remain")
    return plan


def _streams(reader: InputContainer, source: PathLike) -> tuple[VideoStream, AudioStream]:
    video, audio = find_video_stream(reader), find_audio_stream(reader)
    if video is None or audio is None:
        raise InputError(f"{source}: expected pictures and sound, got one without the other")
    return video, audio


def _span(packet: Packet[Any]) -> Span:
    assert packet.pts is not None and packet.time_base is not None
    start_s = packet.pts * packet.time_base
    return start_s, start_s + (packet.duration or 0) * packet.time_base


def _move(packet: Packet[Any], earlier_s: Fraction) -> None:
    assert packet.time_base is not None and packet.pts is not None and packet.dts is not None
    ticks = round(earlier_s / packet.time_base)
    packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
