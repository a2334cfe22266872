"""A PulseAudio of a test's own: a null sink to play into, whose monitor is the microphone.

The sink's samples are 32-bit floats at 16 kHz in one channel, as the program asks for them, so the server passes on
exactly what is played. Nobody else's sound server is touched: socket, cookie and state lie in a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest
import soundfile

SAMPLE_RATE = 16_000
DEVICE = "pulse"
"""PortAudio's name for the server's default microphone and loudspeaker."""

START_TIMEOUT_S = 30.0

needs_sound_server = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("pulseaudio", "pactl", "pacat")),
    reason="needs PulseAudio: apt-get install pulseaudio",
)


class SoundServer:
    """Context manager: a sound server that runs, may be killed, and started again.

    Attributes
    ----------
    env : dict of str to str
        A process's environment in which this is *the* sound server.
    folder : Path
        Temporary; sockets' names must be short, so it isn't pytest's.
    """

    def __init__(self, sample_rate: int = SAMPLE_RATE) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hygiesync-sound-"))
        self._sample_rate = sample_rate
        self._server: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []
        own = {
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "PULSE_RUNTIME_PATH": str(self.folder),
            "PULSE_STATE_PATH": str(self.folder),
            "PULSE_SERVER": f"unix:{self.folder / 'socket'}",
        }
        self.client_variables = {name: own[name] for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH")}
        self.env = {**os.environ, **self.client_variables}
        self._server_env = {**os.environ, **own}

    def __enter__(self) -> SoundServer:
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_players()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def use_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it the sound server of this very process."""
        from hygiesync.devices.sound import portaudio

        for name, value in self.client_variables.items():
            monkeypatch.setenv(name, value)
        portaudio.refresh()

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._server is not None:
            self._server.send_signal(signal.SIGKILL)
            self._server.wait()
            self._server = None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._server is not None, "it does not run"
        return self._server.pid

    def restart(self) -> None:
        """End the server if it runs, and start another."""
        self.kill()
        self.start()

    def start(self) -> None:
        """Start the server if it doesn't run, and wait until it answers."""
        if self._server is not None:
            return
        (self.folder / "socket").unlink(missing_ok=True)
        # without `norewinds` a null sink works two seconds ahead, and its monitor begins that late
        sink = (
            f"module-null-sink sink_name=null norewinds=1 format=float32le rate={self._sample_rate} channels=1"
            " channel_map=mono"
        )
        command = [
            "pulseaudio", "--daemonize=no", "-n", "--use-pid-file=no", "--disallow-exit", "--exit-idle-time=-1",
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={self.folder / 'socket'}", f"--load={sink}",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                command, env=self._server_env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        give_up_s = time.perf_counter() + START_TIMEOUT_S
        while subprocess.run(["pactl", "info"], env=self.env, capture_output=True, check=False).returncode != 0:
            if time.perf_counter() > give_up_s or self._server.poll() is not None:
                raise RuntimeError(f"PulseAudio did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def hush(self) -> None:
        """End all playing and recording, and wait until nothing of it is left in the sink."""
        self._end_players()
        give_up_s = time.perf_counter() + START_TIMEOUT_S
        while self._server is not None and self._pactl("list", "short", "sink-inputs"):
            if time.perf_counter() > give_up_s:
                raise RuntimeError("PulseAudio goes on playing what has ended")
            time.sleep(0.02)

    def play(self, sound: Path | np.ndarray) -> subprocess.Popen[bytes]:
        """Begin to play a sound file, or samples at the sink's rate, shape (n,), float32; don't wait for its end."""
        if isinstance(sound, Path):
            path = sound
        else:
            path = self.folder / f"sound {len(self._players)}.wav"
            soundfile.write(path, sound, self._sample_rate, subtype="FLOAT")
        # a second is buffered: a player that waits for the processor must not leave holes
        player = subprocess.Popen(
            ["paplay", "--latency-msec=1000", str(path)],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._players.append(player)
        return player

    def record(self) -> subprocess.Popen[bytes]:
        """Begin to record what the sink plays: bare 32-bit floats at the sink's rate, on the process's stdout."""
        command = [
            "parec", "--device=null.monitor", "--format=float32le", f"--rate={self._sample_rate}", "--channels=1",
            "--latency-msec=10", "--raw",
        ]  # fmt: skip
        recorder = subprocess.Popen(
            command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._players.append(recorder)
        return recorder

    def _end_players(self) -> None:
        for player in self._players:
            player.kill()
            player.wait()
        self._players.clear()

    def _pactl(self, *arguments: str) -> str:
        return subprocess.run(
            ["pactl", *arguments], env=self.env, capture_output=True, check=True, text=True, stdin=subprocess.DEVNULL
        ).stdout.strip()
