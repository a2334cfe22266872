"""The commands: each one's options, and beside them what it does: call the library, show progress, print results.

Only argparse is imported until a command is run, so that ``--help`` answers at once.
"""
