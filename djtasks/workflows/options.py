"""Check the options of workflows and nodes, and number the names that nobody gave."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from djtasks.errors import InvalidWorkflow
from djtasks.formats.suggestions import did_you_mean
from djtasks.protocol.workflows import When

LONGEST_NAME = 255
LONGEST_KEY = 512


def shape_when(when: str) -> When:
    """Return the condition; raise InvalidWorkflow, naming the others, for a wrong one."""
    if when in set(When):
        return When(when)
    raise InvalidWorkflow(
        f"'when' must be {', '.join(map(repr, map(str, When)))}, got {when!r}. "
        f"{did_you_mean(str(when), list(map(str, When)))}".rstrip()
    )


def shape_may_fail(*, value: bool) -> bool:
    """Return the flag; raise InvalidWorkflow for anything but True and False."""
    if isinstance(value, bool):
        return value
    raise InvalidWorkflow(f"'may_fail' must be True or False, got {value!r}.")


def shape_tolerate(tolerate: int | str) -> str:
    """Return how many members may fail, as the row holds it; "" for none.

    A float is refused: 1 and 1.0 must not mean one member and all of them.
    """
    if isinstance(tolerate, int) and not isinstance(tolerate, bool) and tolerate >= 0:
        return str(tolerate) if tolerate else ""
    if isinstance(tolerate, str) and _is_percentage(tolerate):
        return tolerate
    raise InvalidWorkflow(
        f"'tolerate' must be a number of members such as 5, or a text such as '1%', got "
        f"{tolerate!r}."
    )


def _is_percentage(text: str) -> bool:
    number = text.removesuffix("%")
    whole, _, part = number.partition(".")
    is_number = whole.isdecimal() and (part.isdecimal() or "." not in number) and text.isascii()
    return text.endswith("%") and is_number and len(text) <= 16 and float(number) <= 100


def require_text(what: str, value: Any, longest: int) -> str:
    """Return a printable text of 1 to `longest` characters; raise InvalidWorkflow otherwise."""
    if isinstance(value, str) and 1 <= len(value) <= longest and value.isprintable():
        return value
    raise InvalidWorkflow(
        f"{what} must be a printable text of 1 to {longest} characters, got {value!r}."
    )


@dataclass(slots=True)
class NodeNames:
    """The names of a workflow's nodes; each is used once."""

    taken: set[str] = field(default_factory=set)
    _numbers: Counter[str] = field(default_factory=Counter)

    def take(self, name: str | None, default: str) -> str:
        """Return `name`, or `default` with a number behind it where that is taken.

        Raises InvalidWorkflow if `name` is taken.
        """
        if name is None:
            chosen = self._numbered(default[: LONGEST_NAME - 8])
        else:
            chosen = require_text("The name of a node", name, LONGEST_NAME)
            if chosen in self.taken:
                raise InvalidWorkflow(f"A node of this workflow is named {chosen!r} already.")
        self.taken.add(chosen)
        return chosen

    def _numbered(self, default: str) -> str:
        while True:
            self._numbers[default] += 1
            number = self._numbers[default]
            name = default if number == 1 else f"{default}-{number}"
            if name not in self.taken:
                return name
