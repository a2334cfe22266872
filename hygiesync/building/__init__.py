"""Making a bundle, from videos or from one picture. What a bundle *is* stands in :mod:`hygiesync.avatar`."""
