"""The live avatar: a microphone in, pictures out, at a steady pace.

Three threads, each with one task, and nothing unbounded between them::

    sound card --> callback --> ring --> worker: engine --> playout --> main: window, keys
                                             |
                                             '--> recorder: mp4
"""
