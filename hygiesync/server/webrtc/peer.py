"""A browser that is connected to a session by WebRTC."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.jitterbuffer import JitterBuffer
from numpy.typing import NDArray

from hygiesync.server.faults import LOG, RefusedError
from hygiesync.server.sessions.remote import RemoteSession
from hygiesync.server.sessions.session import ENDED
from hygiesync.server.webrtc.encoding import SizedH264Encoder, SizedVp8Encoder, bitrate_for, set_encoder
from hygiesync.server.webrtc.tracks import PictureTrack, SoundTrack, hear_track

_MAX_SECTIONS = 4
"""Media sections that an offer may have; the page's has two."""

_JITTER_CAPACITY, _JITTER_PREFETCH = 16, 0
"""aiortc waits for four packets more before it hands out a microphone's, 80 ms. The session's own timeline bears what
comes late (:mod:`hygiesync.server.sessions.feed`), so a packet is taken as soon as the next one shows that it is
whole."""

_CONNECT_S = 30.0
"""Time that a browser has to connect after its offer (seconds)."""


class Peer:
    """One connection; a viewer of its session.

    Parameters
    ----------
    session : RemoteSession
    ice_servers : tuple of str
    has_sound : bool
        Whether the sound comes with the pictures, or pictures alone, for whoever hears himself speak.
    """

    def __init__(self, session: RemoteSession, ice_servers: tuple[str, ...], *, has_sound: bool) -> None:
        self._session = session
        servers = [RTCIceServer(urls=url) for url in ice_servers]
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._pictures, self._sound = PictureTrack(), SoundTrack()
        self._encoder: SizedVp8Encoder | SizedH264Encoder | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._video_sender = self._connection.addTrack(self._pictures)
        if has_sound:
            # browsers keep sound and pictures together if both are of one stream, and aiortc makes one for each track
            self._connection.addTrack(self._sound)._stream_id = self._video_sender._stream_id
        self._connection.on("track", self._hear)
        self._connection.on("connectionstatechange", self._changed)

    async def answer(self, sdp: str) -> str:
        """Answer an offer.

        Parameters
        ----------
        sdp : str
            The browser's session description.

        Returns
        -------
        str
            Ours.

        Raises
        ------
        RefusedError
            400 where the offer can't be read, or is none.
        """
        if sdp.count("\nm=") > _MAX_SECTIONS:
            raise RefusedError(400, f"sdp: expected at most {_MAX_SECTIONS} media sections")
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            self._encoder = self._encoder_of(sdp)
            set_encoder(self._video_sender, self._encoder)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # aiortc raises whatever its parser stumbles over
            LOG.info("an offer was refused: %s", type(error).__name__)
            await self.close()
            raise RefusedError(
                400, "sdp: expected the offer of a browser, with audio and video that it can receive"
            ) from None
        self._session.add_viewer(self)
        self._tasks.append(asyncio.create_task(self._give_up()))
        return self._connection.localDescription.sdp

    @property
    def bitrate(self) -> int:
        """Bits a second that pictures are encoded at; 0 before the first."""
        return 0 if self._encoder is None else self._encoder.bitrate

    def _encoder_of(self, sdp: str) -> SizedVp8Encoder | SizedH264Encoder:
        """The encoder of the codec that both know, with VP8 before H.264; sound is Opus."""
        fps = self._session.fps
        bitrate = bitrate_for(self._session.size, fps)
        has_vp8 = "VP8/90000" in sdp
        wanted = {"video": ("video/VP8" if has_vp8 else "video/H264", "video/rtx"), "audio": ("audio/opus",)}
        for transceiver in self._connection.getTransceivers():
            kind = transceiver.kind
            known = RTCRtpSender.getCapabilities(kind).codecs
            transceiver.setCodecPreferences([one for one in known if one.mimeType in wanted[kind]])
        return SizedVp8Encoder(bitrate, fps) if has_vp8 else SizedH264Encoder(bitrate, fps)

    def _hear(self, track: Any) -> None:
        if track.kind != "audio":
            return
        for transceiver in self._connection.getTransceivers():
            receiver = transceiver.receiver
            if receiver.track is track:
                assert hasattr(receiver, "_RTCRtpReceiver__jitter_buffer")
                receiver._RTCRtpReceiver__jitter_buffer = JitterBuffer(_JITTER_CAPACITY, _JITTER_PREFETCH)
        self._tasks.append(asyncio.create_task(hear_track(track, self._session)))

    async def _changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            await self.close()

    async def _give_up(self) -> None:
        await asyncio.sleep(_CONNECT_S)
        if self._connection.connectionState != "connected":
            await self.close()

    async def close(self) -> None:
        """End it; again does nothing."""
        self._session.remove_viewer(self)
        self._pictures.stop()
        self._sound.stop()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks.clear()
        await self._connection.close()

    def show(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        self._pictures.put(picture, time_s)

    def play(self, samples: NDArray[np.float32], first_sample: int) -> None:
        """See :class:`hygiesync.server.sessions.session.Viewer`."""
        self._sound.put(samples, first_sample)

    def tell(self, event: Mapping[str, Any]) -> None:
        """Events go over a WebSocket; that a session ended, its tracks tell."""
        if event["type"] == ENDED:
            self._pictures.stop()
            self._sound.stop()
