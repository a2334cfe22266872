"""The commands, one a file: `add` describes a command's options, `run` calls the library and prints what came of it.

An argument's `dest` is the library's name of that parameter. Options are handed over by these names
(:func:`~hygiesync.apps.commands.common.chosen`), and messages that name a parameter are told with the option's name
(:func:`~hygiesync.apps.commands.common.option_names`). Only argparse is imported until a command is run, so that
``--help`` answers at once.
"""
