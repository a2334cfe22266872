"""The world in and out: videos and sound, read and written on exact clocks."""
