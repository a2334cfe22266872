"""Conversations: each owns an engine, in a process of its own."""
