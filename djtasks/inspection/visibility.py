"""Who may see which columns of a record: the one rule for pages, exports and searches."""

from dataclasses import dataclass

from djtasks.engine import Engine
from djtasks.formats.placeholders import HIDDEN

# Only for users who may see arguments: what a task gets, returns and reports, and keys, which are
# made of arguments.
PRIVATE = frozenset({"args", "kwargs", "return_value", "progress", "metadata", "key", "unique_key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What one user may see of records.

    `arguments`: also results, progress, metadata and unique keys. `errors`: messages and
    tracebacks; everybody sees the classes of exceptions. What a user may not see, nobody may
    search for on their behalf either: the number of matches would tell it.
    """

    arguments: bool
    errors: bool = True

    @property
    def hidden(self) -> frozenset[str]:
        """Return the columns that this user may neither see nor search by."""
        hidden = frozenset() if self.arguments else PRIVATE
        return hidden if self.errors else hidden | {"errors"}

    def message(self, text: str) -> str:
        """Return the message of an error as this user may see it; an empty one stays empty."""
        return text if self.errors or not text else HIDDEN


def visibility_if(engine: Engine, *, may_see: bool) -> Visibility:
    """Return what somebody may see who may, or may not, see arguments."""
    return Visibility(arguments=may_see, errors=may_see or not engine.options.private_errors)


NOTHING_PRIVATE = Visibility(arguments=False, errors=False)
