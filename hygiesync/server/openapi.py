"""The API's description, OpenAPI 3.1: one table of what can be asked, written out.

References
----------
OpenAPI Initiative, *OpenAPI Specification* 3.1.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hygiesync.version import __version__

_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "number"}, {"type": "boolean"}

_VOICE = {"language": _TEXT, "voice": _TEXT, "words_per_minute": _NUMBER, "pitch": _NUMBER}

_SESSION = {"avatar": _TEXT, "lookahead_ms": _NUMBER, "mark": _FLAG}

_ANY_FILE = "application/octet-stream"


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked.

    Attributes
    ----------
    method, path, summary : str
    answers : int
        Status when all is well.
    content : str
        Media type of the answer.
    query, body : dict
        Fields of the query and of the JSON body; those that end with ``!`` are required.
    upload : str
        What the body is, where it is a file.
    """

    method: str
    path: str
    summary: str
    answers: int = 200
    content: str = "application/json"
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    upload: str = ""


OPERATIONS = (
    Operation("get", "/healthz", "Whether there is a server; needs no token"),
    Operation("get", "/metrics", "What is counted, for Prometheus", content="text/plain"),
    Operation("get", "/state", "Sessions and jobs that run, and how many sessions there may be"),
    Operation("get", "/openapi.json", "This description"),
    Operation("get", "/avatars", "All avatars"),
    Operation("get", "/avatars/{name}", "One avatar"),
    Operation("get", "/avatars/{name}/picture", "How it looks", content="image/jpeg"),
    Operation("get", "/avatars/{name}/report", "The page that its training ended with", content="text/html"),
    Operation(
        "post", "/photo", "A picture becomes an avatar", 202,
        query={"name": _TEXT, "consent!": _FLAG, "max_side": _NUMBER}, upload="the picture: PNG, JPEG, HEIC, AVIF ...",
    ),
    Operation("post", "/uploads", "Begin an upload in pieces", 201, body={"size!": _NUMBER}),
    Operation("get", "/uploads/{id}", "How much of it came"),
    Operation("put", "/uploads/{id}", "Its next piece", query={"offset!": _NUMBER}, upload="the piece"),
    Operation("delete", "/uploads/{id}", "Give it up"),
    Operation(
        "post", "/train", "An uploaded video becomes an avatar", 202,
        body={"upload!": _TEXT, "name": _TEXT, "consent!": _FLAG, "preset": {"enum": ["fast", "balanced", "best"]}},
    ),
    Operation(
        "post", "/render", "An avatar says a sound file, as an mp4", 202,
        query={"avatar!": _TEXT, "expressiveness": _NUMBER}, upload="the sound: wav, mp3, mp4 and others",
    ),
    Operation(
        "post", "/say", "An avatar says a text, as an mp4", 202,
        body={"avatar!": _TEXT, "text!": _TEXT, "expressiveness": _NUMBER, **_VOICE},
    ),
    Operation("get", "/jobs", "All jobs, the newest first"),
    Operation("get", "/jobs/{id}", "How far a job is"),
    Operation("delete", "/jobs/{id}", "End a job, and forget it"),
    Operation("get", "/jobs/{id}/file", "The video that it made", content="video/mp4"),
    Operation("get", "/jobs/{id}/events", "How far it is, as server-sent events", content="text/event-stream"),
    Operation("get", "/sessions", "All sessions"),
    Operation("post", "/sessions", "Begin a session", 201, body={**_SESSION, "avatar!": _TEXT}),
    Operation("get", "/sessions/{id}", "How a session is doing"),
    Operation("delete", "/sessions/{id}", "End a session"),
    Operation(
        "post", "/sessions/{id}/offer", "Connect to it by WebRTC",
        body={"sdp!": _TEXT, "type!": {"const": "offer"}, "sound": _FLAG},
    ),
    Operation("post", "/sessions/{id}/say", "A text to be said in it", 202, body={"text!": _TEXT, **_VOICE}),
    Operation("post", "/sessions/{id}/interrupt", "Let it fall silent"),
    Operation(
        "get", "/speak", "A WebSocket to stream sound into, to a session of its own or one that runs", 101,
        query={
            "session": _TEXT, **_SESSION, "sample_rate": _NUMBER, "feed": {"enum": ["queue", "live"]},
            "pictures": {"enum": ["none", "jpeg"]}, "sound": {"enum": ["none", "pcm"]},
        },
    ),
)  # fmt: skip


def description() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _written(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hygiesync", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}},
        },
        "paths": paths,
    }


def _written(operation: Operation) -> dict[str, Any]:
    in_path = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in in_path]
    parameters += [
        {"name": name.rstrip("!"), "in": "query", "required": name.endswith("!"), "schema": schema}
        for name, schema in operation.query.items()
    ]
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    written: dict[str, Any] = {
        "summary": operation.summary,
        "responses": {
            str(operation.answers): {"description": "Done", "content": {operation.content: {}}},
            "4XX": {"description": "Refused, and why", "content": error},
        },
    }
    if operation.path == "/healthz":
        written["security"] = []
    if parameters:
        written["parameters"] = parameters
    body = _body(operation)
    if body:
        written["requestBody"] = {"required": True, **body}
    return written


def _body(operation: Operation) -> dict[str, Any]:
    if operation.upload:
        return {"description": operation.upload, "content": {_ANY_FILE: {}}}
    if not operation.body:
        return {}
    schema = {
        "type": "object",
        "properties": {name.rstrip("!"): schema for name, schema in operation.body.items()},
        "required": [name[:-1] for name in operation.body if name.endswith("!")],
        "additionalProperties": False,
    }
    return {"content": {"application/json": {"schema": schema}}}
