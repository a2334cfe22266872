"""What is heard: mel spectrograms, voice activity, and speech made from text."""
