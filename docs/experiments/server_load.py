"""How many conversations a server bears: clients of WebRTC that talk and look, in a process of their own.

    hygiesync serve AVATAR --json server.json &
    python docs/experiments/server_load.py server.json AVATAR SESSIONS SECONDS PID

Prints how many pictures each session showed and missed, the latency, and the server's memory, threads and descriptors.
Then it begins and ends forty sessions, one after another: memory, threads and descriptors must be what they were.
"""

from __future__ import annotations

import asyncio
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame

from hygiesync.tts.voices import open_voice

_RATE, _BLOCK = 48_000, 960
_ROUNDS = 40


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


def resources(pid: int) -> str:
    """What the server takes now."""
    process = psutil.Process(pid)
    return (
        f"{process.memory_info().rss / 2**20:.0f} MiB, {process.num_threads()} threads, {process.num_fds()} descriptors"
    )


async def main() -> None:
    """Measure, and print."""
    server, avatar = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    n_sessions, seconds, pid = int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    spoken = np.concatenate([chunk.samples for chunk in open_voice().speak("Papa may buy more maple pie for us. " * 8)])
    samples = np.repeat((spoken * 32767).astype(np.int16), 2)[: 30 * _RATE]
    await look(server, avatar, samples, 4)
    print(f"before: {resources(pid)}")
    busy_s = sum(psutil.Process(pid).cpu_times()[:2])
    for told in await asyncio.gather(*(look(server, avatar, samples, seconds) for _ in range(n_sessions))):
        if "error" in told:
            print(f"refused: {told['error']}")
            continue
        share = 100 * told["pictures_missed"] / max(1, told["pictures_shown"] + told["pictures_missed"])
        print(f"{told['width']} px: {told['pictures_shown']} shown, {told['pictures_missed']} missed ({share:.2f} %),"
              f" latency {told['latency_ms']}, parts {told['latency_parts_ms']}")  # fmt: skip
    print(f"cores used: {(sum(psutil.Process(pid).cpu_times()[:2]) - busy_s) / seconds:.2f}; {resources(pid)}")
    for number in range(_ROUNDS):
        await look(server, avatar, samples, 1)
        if number % 10 == 9:
            print(f"after {number + 1} more sessions: {resources(pid)}")


if __name__ == "__main__":
    asyncio.run(main())
