"""How many conversations a server bears: clients of WebRTC that talk and look, in a process of their own.

    hygiesync serve AVATAR --json server.json &
    python docs/experiments/server_load.py server.json AVATAR SESSIONS SECONDS PID

Prints how many pictures each session showed and missed, how many came, the latency, the cores that the server and the
clients took, and the server's memory, threads and descriptors. The clients take packets and put pictures together, and
don't decode them, which is another machine's work.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, rtcrtpreceiver
from aiortc.codecs.base import Decoder
from av import AudioFrame

from hygiesync.tts.voices import open_voice

_RATE, _BLOCK = 48_000, 960
_VIDEO = "video"


class Uncoded(Decoder):
    """Counts what comes."""

    n_pictures = 0

    def __init__(self, kind: str) -> None:
        self._is_video = kind == _VIDEO

    def decode(self, encoded_frame: Any) -> list[Any]:
        """Nothing."""
        Uncoded.n_pictures += self._is_video
        return []


class Talker(MediaStreamTrack):
    """A microphone into which somebody reads, again and again."""

    kind = "audio"

    def __init__(self, samples: Any) -> None:
        super().__init__()
        self._samples, self._n = samples, 0
        self._start_s = asyncio.get_running_loop().time()

    async def recv(self) -> AudioFrame:
        """The next 20 ms, when they are due."""
        await asyncio.sleep(max(0.0, self._start_s + self._n / _RATE - asyncio.get_running_loop().time()))
        begin = self._n % (len(self._samples) - _BLOCK)
        frame = AudioFrame.from_ndarray(self._samples[None, begin : begin + _BLOCK], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = _RATE, Fraction(1, _RATE), self._n
        self._n += _BLOCK
        return frame


async def look(server: dict[str, str], avatar: str, samples: Any, seconds: float) -> dict[str, Any]:
    """One conversation; what the server measured of it."""
    base = server["url"].partition("/#")[0]
    async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {server['token']}"}) as client:
        session = await (await client.post("/sessions", json={"avatar": avatar})).json()
        if "id" not in session:
            return dict(session)
        path = f"/sessions/{session['id']}"
        connection = RTCPeerConnection()
        connection.addTrack(Talker(samples))
        connection.addTransceiver("video", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        offer = {"type": "offer", "sdp": connection.localDescription.sdp}
        answer = await (await client.post(f"{path}/offer", json=offer)).json()
        await connection.setRemoteDescription(RTCSessionDescription(**answer))
        tracks = [receiver.track for receiver in connection.getReceivers()]
        draining = [asyncio.create_task(_drain(track)) for track in tracks]
        await asyncio.sleep(min(5.0, seconds / 2))
        before = await (await client.get(path)).json()
        await asyncio.sleep(seconds - min(5.0, seconds / 2))
        after: dict[str, Any] = await (await client.get(path)).json()
        for name in ("pictures_shown", "pictures_missed"):
            after[name] -= before[name]
        for task in draining:
            task.cancel()
        await connection.close()
        await client.delete(path)
        return after


async def _drain(track: MediaStreamTrack) -> None:
    while True:
        await track.recv()


def speech() -> Any:
    """Half a minute of a voice, as 16-bit samples."""
    spoken = np.concatenate([chunk.samples for chunk in open_voice().speak("Papa may buy more maple pie for us. " * 8)])
    return np.repeat((spoken * 32767).astype(np.int16), 2)[: 30 * _RATE]


def resources(pid: int) -> str:
    """What the server takes now."""
    process = psutil.Process(pid)
    return (
        f"{process.memory_info().rss / 2**20:.0f} MiB, {process.num_threads()} threads, {process.num_fds()} descriptors"
    )


def processor_s(pid: int) -> float:
    """Processor time that the server and its processes have taken, with those that have ended, seconds."""
    process = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:4]) for one in (process, *process.children(recursive=True)))


async def main() -> None:
    """Measure, and print."""
    server, avatar = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    n_sessions, seconds, pid = int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    samples = speech()
    rtcrtpreceiver.get_decoder = lambda codec: Uncoded(codec.mimeType.partition("/")[0])  # type: ignore[attr-defined]
    await look(server, avatar, samples, 4)
    print(f"before: {resources(pid)}")
    busy_s, own_s, Uncoded.n_pictures = processor_s(pid), time.process_time(), 0
    for told in await asyncio.gather(*(look(server, avatar, samples, seconds) for _ in range(n_sessions))):
        if "error" in told:
            print(f"refused: {told['error']}")
            continue
        share = 100 * told["pictures_missed"] / max(1, told["pictures_shown"] + told["pictures_missed"])
        print(f"{told['width']} px: {told['pictures_shown']} shown, {told['pictures_missed']} missed ({share:.2f} %),"
              f" latency {told['latency_ms']}, parts {told['latency_parts_ms']}")  # fmt: skip
    taken, own = (processor_s(pid) - busy_s) / seconds, (time.process_time() - own_s) / seconds
    print(f"cores: server {taken:.2f}, clients {own:.2f}; {Uncoded.n_pictures} pictures came; {resources(pid)}")


if __name__ == "__main__":
    asyncio.run(main())
