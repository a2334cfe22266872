"""For assistants' frameworks: a client of the server, and thin plug-ins that put an avatar in front of a voice."""
