"""The idle loop as a browser's decoder takes it: the video's own packets, one after another, without a container.

`HTMLVideoElement` shows some frame or other; `VideoDecoder` (WebCodecs) gives each frame that is asked for, and a mouth
has to be put on just that one.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from hygiesync.errors import InputError
from hygiesync.media.container import open_input
from hygiesync.media.streams import (
    find_video_stream,
)

_H264 = "h264"


def read_packets(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A video's packets, and what a decoder has to know.

    Returns
    -------
    content : bytes
    description : dict
        `codec` (RFC 6381), `description` (the decoder's configuration, base64), `width`, `height`, and `packets` in the
        order of decoding: `bytes`, `shown` (place in the order of showing), `is_key`.

    Raises
    ------
    InputError
        When it is no H.264, as every avatar's loop is.
    """
    with open_input(path) as container:
        stream = find_video_stream(container)
        configuration = stream.codec_context.extradata if stream is not None else None
        if stream is None or stream.codec_context.name != _H264 or not configuration:
            raise InputError(f"{path}: expected an H.264 video, got something else; train the avatar again")
        packets = [packet for packet in container.demux(stream) if packet.size]
        width, height = stream.codec_context.width, stream.codec_context.height
    order = sorted(range(len(packets)), key=lambda number: packets[number].pts or 0)
    shown = {number: place for place, number in enumerate(order)}
    return b"".join(bytes(packet) for packet in packets), {
        "codec": f"avc1.{configuration[1:4].hex()}",
        "description": base64.b64encode(configuration).decode("ascii"),
        "width": width,
        "height": height,
        "packets": [
            {"bytes": packet.size, "shown": shown[number], "is_key": bool(packet.is_keyframe)}
            for number, packet in enumerate(packets)
        ],
    }
