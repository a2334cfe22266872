"""Sound in and out in real time: microphones, files played as if spoken, loudspeakers, and the clocks they keep."""
