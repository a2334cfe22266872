"""What is answered, a file for each kind of thing. A handler reads fields, asks the part that does it, and answers."""

from hygiesync.server.routes import avatars, jobs, sessions, state, uploads

ALL = (avatars.ROUTES, jobs.ROUTES, sessions.ROUTES, state.ROUTES, uploads.ROUTES)
"""Every route that wants the token, and ``/healthz``."""
