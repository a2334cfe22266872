"""Speech from text: voices, and the mouth that goes with each phoneme."""
