"""Live speech without a window: a worker that draws, due times for its pictures, recording, listening, statistics."""
