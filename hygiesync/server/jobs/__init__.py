"""Work that takes long, each in a process of its own: renderings, and avatars that are made."""
