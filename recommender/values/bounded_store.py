"""Values that are stored to be found again, of which there are never more than a few thousand."""

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def store_bounded(stored: dict[Key, Value], key: Key, value: Value, most: int) -> Value:
    """Stores and returns a value; where `most` are stored already, all of them are removed first.

    Examples
    --------
    >>> stored = {"a": 1, "b": 2}
    >>> store_bounded(stored, "c", 3, most=2)
    3
    >>> stored
    {'c': 3}
    """
    if len(stored) >= most:
        stored.clear()
    stored[key] = value
    return value
