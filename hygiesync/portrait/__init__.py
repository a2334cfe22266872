"""One still picture of a face, made to move: its layers, its mesh, and how another face's motion is carried to it."""
