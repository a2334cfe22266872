"""A value that may be missing in general, and is there in a test."""

from typing import TypeVar

Value = TypeVar("Value")


def present(value: Value | None) -> Value:
    """The value; the test ends here when there is none."""
    assert value is not None
    return value
