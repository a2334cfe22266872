"""Whether a server grows: one conversation that lasts, and beside it many, one after another.

    hygiesync serve AVATAR --max-sessions 2 --json server.json &
    PYTHONPATH=docs/experiments python docs/experiments/server_growth.py server.json AVATAR MINUTES PID

Prints the memory, threads, descriptors and processes of the server, and the memory of the long conversation's process,
thirty times.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import psutil
from aiortc import rtcrtpreceiver
from server_load import Uncoded, look, resources, speech

_ROWS = 30
_SHORT_S = 3.0


def row(pid: int, n_sessions: int, start_s: float) -> str:
    """What is in use now."""
    server = psutil.Process(pid)
    processes = server.children(recursive=True)
    oldest = max((one.memory_info().rss for one in processes if time.time() - one.create_time() > 60), default=0)
    return (
        f"{(time.monotonic() - start_s) / 60:5.1f} min, {n_sessions:4d} sessions: {resources(pid)},"
        f" {len(processes)} processes, the largest old one {oldest / 2**20:.0f} MiB"
    )


async def main() -> None:
    """Watch, and print."""
    server, avatar = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    lasting_s, pid = 60 * float(sys.argv[3]), int(sys.argv[4])
    rtcrtpreceiver.get_decoder = lambda codec: Uncoded(codec.mimeType.partition("/")[0])  # type: ignore[attr-defined]
    samples, start_s, n_sessions = speech(), time.monotonic(), 0
    print(f"at first: {resources(pid)}", flush=True)
    lasting = asyncio.create_task(look(server, avatar, samples, lasting_s))
    for number in range(_ROWS):
        while time.monotonic() - start_s < lasting_s * (number + 0.9) / _ROWS:
            await look(server, avatar, samples, _SHORT_S)
            n_sessions += 1
        print(row(pid, n_sessions, start_s), flush=True)
    told = await lasting
    print(f"the long one: {told['pictures_shown']} shown, {told['pictures_missed']} missed")


if __name__ == "__main__":
    asyncio.run(main())
