"""Sessions: begun, connected to by WebRTC or a WebSocket, told what to say."""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction

from aiohttp import web

from hygiesync.devices.sound.resampler import BlockResampler
from hygiesync.server.access import SUBPROTOCOL
from hygiesync.server.faults import RefusedError
from hygiesync.server.fields import Fields, read_fields
from hygiesync.server.keys import PEERS, SESSIONS, SETTINGS, SOCKETS
from hygiesync.server.messages import MAX_SOUND_BYTES
from hygiesync.server.routes.jobs import voice_fields
from hygiesync.server.sessions.feed import FEED_RATE
from hygiesync.server.sessions.remote import RemoteSession
from hygiesync.server.settings import MAX_JSON_BYTES, MAX_LOOKAHEAD_MS, MAX_TEXT_LENGTH
from hygiesync.server.speaking_socket import SocketSettings, SpeakingSocket
from hygiesync.server.webrtc.peer import Peer
from hygiesync.tts.voices import open_voice

_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

_HEARTBEAT_S = 20.0

MAX_PEERS = 4
"""Connections to one session."""

ROUTES = web.RouteTableDef()


def _session(request: web.Request) -> RemoteSession:
    return request.app[SESSIONS].get(request.match_info["id"])


async def _begin(request: web.Request, fields: Fields) -> RemoteSession:
    name = fields.text("avatar", max_length=100)
    has_lookahead = fields.has("lookahead_ms")
    lookahead_ms = fields.number("lookahead_ms", 0, MAX_LOOKAHEAD_MS) if has_lookahead else None
    is_marked = fields.flag("mark", True)
    fields.finish()
    sessions = request.app[SESSIONS]
    return await asyncio.to_thread(lambda: sessions.begin(name, lookahead_ms, is_marked=is_marked))


@ROUTES.get("/sessions")
async def all_sessions(request: web.Request) -> web.Response:
    """All that run."""
    return web.json_response({"sessions": [session.to_dict() for session in request.app[SESSIONS].all()]})


@ROUTES.post("/sessions")
async def begin(request: web.Request) -> web.Response:
    """Begin one."""
    session = await _begin(request, await read_fields(request))
    ice = [{"urls": url} for url in request.app[SETTINGS].ice_servers]
    return web.json_response({**session.to_dict(), "ice_servers": ice}, status=201)


@ROUTES.get("/sessions/{id}")
async def one_session(request: web.Request) -> web.Response:
    """How one is doing."""
    return web.json_response(_session(request).to_dict())


@ROUTES.delete("/sessions/{id}")
async def end(request: web.Request) -> web.Response:
    """End one."""
    await asyncio.to_thread(request.app[SESSIONS].end, _session(request))
    return web.json_response({})


@ROUTES.post("/sessions/{id}/offer")
async def offer(request: web.Request) -> web.Response:
    """Connect by WebRTC."""
    session = _session(request)
    fields = await read_fields(request)
    sdp = fields.text("sdp", max_length=MAX_JSON_BYTES)
    fields.choice("type", ("offer",))
    has_sound = fields.flag("sound", True)
    fields.finish()
    if session.n_viewers >= MAX_PEERS:
        raise RefusedError(429, f"session: {MAX_PEERS} are connected already")
    peer = Peer(session, request.app[SETTINGS].ice_servers, has_sound=has_sound)
    answer = await peer.answer(sdp)
    request.app[PEERS].add(peer)
    return web.json_response({"type": "answer", "sdp": answer})


@ROUTES.post("/sessions/{id}/say")
async def say(request: web.Request) -> web.Response:
    """A text to be said in a session."""
    session = _session(request)
    fields = await read_fields(request)
    voice = voice_fields(fields)
    text = fields.text("text", max_length=MAX_TEXT_LENGTH)
    fields.finish()
    duration_s = await asyncio.to_thread(_speak, session, text, voice)
    return web.json_response({"duration_s": duration_s}, status=202)


def _speak(session: RemoteSession, text: str, voice: dict[str, object]) -> float:
    """Let a session say a text, a sentence as soon as it is read."""
    name, language = voice["voice"] or None, voice["language"]
    words_per_minute, pitch = voice["words_per_minute"], voice["pitch"]
    assert name is None or isinstance(name, str)
    assert isinstance(language, str) and isinstance(words_per_minute, int) and isinstance(pitch, int)
    n_said, resampler = 0, None
    for chunk in open_voice(name, language, words_per_minute, pitch).speak(text):
        resampler = resampler or BlockResampler(chunk.sample_rate, FEED_RATE)
        samples = resampler.push(chunk.samples)
        n_said += len(samples)
        if not session.say(samples):
            raise RefusedError(429, "session: too much waits to be said already; interrupt it, or wait")
    session.flush()
    return round(float(Fraction(n_said, FEED_RATE)), 3)


@ROUTES.post("/sessions/{id}/interrupt")
async def interrupt(request: web.Request) -> web.Response:
    """Let one fall silent."""
    session = _session(request)
    session.interrupt()
    return web.json_response({"said_s": round(session.said_s, 3)})


@ROUTES.get("/speak")
async def speak(request: web.Request) -> web.StreamResponse:
    """A WebSocket to stream sound into, to a session of its own or to one that runs."""
    fields = Fields(request.query)
    socket_settings = SocketSettings(
        sample_rate=int(fields.choice("sample_rate", [str(rate) for rate in _RATES], str(FEED_RATE))),
        is_live=fields.choice("feed", ("queue", "live"), "queue") == "live",
        sends_pictures=fields.choice("pictures", ("none", "jpeg"), "none") == "jpeg",
        sends_sound=fields.choice("sound", ("none", "pcm"), "none") == "pcm",
    )
    socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,), heartbeat=_HEARTBEAT_S, max_msg_size=MAX_SOUND_BYTES)
    if not socket.can_prepare(request):
        raise RefusedError(426, "this is a WebSocket; connect to it as one")
    sessions = request.app[SESSIONS]
    is_own = not fields.has("session")
    if is_own:
        session = await _begin(request, fields)
    else:
        session = sessions.get(fields.text("session", max_length=40))
        fields.finish()
        if session.n_viewers >= MAX_PEERS:
            raise RefusedError(429, f"session: {MAX_PEERS} are connected already")
    sockets = request.app[SOCKETS]
    sockets.add(socket)
    try:
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "started", "sample_rate": FEED_RATE, **session.to_dict()}))
        await SpeakingSocket(socket, session, socket_settings).run()
    finally:
        sockets.discard(socket)
        if is_own:
            await asyncio.to_thread(sessions.end, session)
    return socket
