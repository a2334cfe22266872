"""What the parts of the application find each other by."""

from __future__ import annotations

import weakref

from aiohttp import web

from hygiesync.server.avatars import AvatarShelf
from hygiesync.server.folder import ServerFolder
from hygiesync.server.jobs.manager import JobManager
from hygiesync.server.metrics import Metrics
from hygiesync.server.sessions.registry import SessionRegistry
from hygiesync.server.settings import ServerSettings
from hygiesync.server.uploads import Uploads
from hygiesync.server.webrtc.peer import Peer


class Peers(weakref.WeakSet[Peer]):
    """Those that are connected by WebRTC."""


class Sockets(weakref.WeakSet[web.WebSocketResponse]):
    """WebSockets that are open."""


SETTINGS = web.AppKey("settings", ServerSettings)
FOLDER = web.AppKey("folder", ServerFolder)
SHELF = web.AppKey("shelf", AvatarShelf)
UPLOADS = web.AppKey("uploads", Uploads)
JOBS = web.AppKey("jobs", JobManager)
METRICS = web.AppKey("metrics", Metrics)
SESSIONS = web.AppKey("sessions", SessionRegistry)
PEERS = web.AppKey("peers", Peers)
SOCKETS = web.AppKey("sockets", Sockets)
