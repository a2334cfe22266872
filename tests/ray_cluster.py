"""A cluster of Ray on this machine: a head that does no jobs, and workers that each are a machine by themselves."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from present import present

PATIENCE_S = 90
"""After so long something hangs."""

# Who has used Ray before may have a token of theirs lying about. It is read when Ray is loaded, here and in all that is
# started from here.
os.environ["RAY_AUTH_MODE"] = "disabled"

# A machine that is gone is noticed within seconds; Ray's own settings would have the tests wait for half a minute. On a
# busy machine a start may take longer than the half minute that Ray gives it.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "6",
    "RAY_raylet_start_wait_time_s": str(PATIENCE_S),
}


_ADDRESS = re.compile(r"--address='([^']+)'")


class RayCluster:
    """Its machines are processes of this one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = ""
        self._machines: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start the head and both workers."""
        # port 0: Ray takes one that is free, and says which
        self._begin("head", "--head", "--port=0", "--num-cpus=0", "--include-dashboard=false")
        self.address = present(_ADDRESS.search(self._wait_for("head")))[1]
        # one after the other: two that start at once on one machine may give their sockets the same name
        for name in ("worker 1", "worker 2"):
            self.add(name)
            self._wait_for(name)

    def add(self, name: str) -> None:
        """Start a worker."""
        self._begin(name, f"--address={self.address}", "--num-cpus=1")

    def kill(self, name: str) -> None:
        """What a power cut does to a machine: all its processes get SIGKILL."""
        for process in self._family(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._machines[name].wait(PATIENCE_S)

    def has_begun_one(self, name: str, unfinished: Path) -> bool:
        """Whether a machine is in the middle of a job, where it then stands still.

        Parameters
        ----------
        name : str
        unfinished : Path
            Where the processes that are at a job have folders, each with its number in its name.
        """
        numbers = {process.pid for process in self._family(name)}
        for folder in unfinished.glob("*"):
            number = int(folder.name.rpartition("-")[2])
            if number in numbers:
                process = psutil.Process(number)
                process.suspend()
                if folder.exists():
                    return True
                process.resume()
        return False

    def stop(self) -> None:
        """End all machines."""
        for name in reversed(self._machines):
            self.kill(name)

    def _family(self, name: str) -> list[psutil.Process]:
        machine = self._machines[name]
        if machine.poll() is not None:
            return []
        parent = psutil.Process(machine.pid)
        return [parent, *parent.children(recursive=True)]

    def _begin(self, name: str, *options: str) -> None:
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--object-store-memory=80000000",
                   "--include-log-monitor=false", "--disable-usage-stats", *options]  # fmt: skip
        if name == "head":
            command.append(f"--temp-dir={self._folder}")
        with (self._folder / f"{name}.log").open("wb") as log:
            self._machines[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **_SETTINGS, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip

    def _wait_for(self, name: str) -> str:
        """What a machine says when it has started."""
        log, end_s = self._folder / f"{name}.log", time.monotonic() + PATIENCE_S
        while "Ray runtime started" not in (text := log.read_text(errors="replace")):
            assert self._machines[name].poll() is None, text
            assert time.monotonic() < end_s, text
            time.sleep(0.05)
        return text


@contextlib.contextmanager
def ray_cluster(folder: Path) -> Iterator[RayCluster]:
    """A cluster for as long as the context lasts; `folder` has a short name, for Ray's sockets are in it."""
    cluster = RayCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
