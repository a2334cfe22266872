"""The errors that hygiesync raises on purpose; each carries the exit code that the command line ends with.

Messages name what was expected, what came and what to do, in one line. They name parameters in backquotes, as `fps`;
whoever shows a message to somebody puts its own word there (:func:`hygiesync.plain_text.with_parameters_as`): the
command line its options, a server its fields.
"""


class HygieSyncError(Exception):
    """Root of every error raised on purpose; by itself it means a fault of hygiesync's own."""

    exit_code = 1


class UsageError(HygieSyncError):
    """The caller asked for something impossible: a bad option, a name already taken."""

    exit_code = 2


class InputError(HygieSyncError):
    """A file or an array that was handed in can't be used: missing, truncated, silent, without a face."""

    exit_code = 3


class MissingDependencyError(HygieSyncError):
    """A device, a system library or an optional package is not there."""

    exit_code = 4
