"""What is plugged in: microphones and loudspeakers, the window, cameras. One room each; none knows of avatars."""
