"""Cameras: real ones that are filmed with, and the virtual one that video calls see."""
