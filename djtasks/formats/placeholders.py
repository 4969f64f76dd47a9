"""The words that stand for values which nobody may read."""

from typing import Any


class Hidden(str):
    """The placeholder for a hidden value. JSON and templates treat it as plain text.

    It cannot be enqueued: whatever it stands for would be lost.
    """

    __slots__ = ()


HIDDEN = Hidden("[hidden]")
ENCRYPTED = Hidden("[encrypted]")
_WORDS = frozenset({str(HIDDEN), str(ENCRYPTED)})


def placeholder_in(value: Any) -> str | None:
    """Return the placeholder that a value is, or has inside, be it as plain text; or None."""
    # Not by recursion: what is typed may be nested so deeply that another step refuses it.
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one
        elif isinstance(one, str) and one in _WORDS:
            return str(one)
    return None


def has_placeholder(value: Any) -> bool:
    """Return whether a value is a placeholder, or has one inside."""
    return placeholder_in(value) is not None
