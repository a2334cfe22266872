"""``hygiesync record``: a webcam and a microphone make the five-minute video that training learns from."""
