"""The avatar in a browser: HTTP, WebSockets and WebRTC over the engine and live sessions.

It knows no pixels and no networks: pictures and sound pass through it as they are handed over.
"""
