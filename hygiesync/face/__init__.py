"""What is seen: landmarks, head pose and the shape of the lower face."""
