"""WebRTC by aiortc: a microphone's sound up, pictures and their sound down."""
