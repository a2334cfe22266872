"""Conversations: each owns an engine, all share the avatars that are loaded."""
