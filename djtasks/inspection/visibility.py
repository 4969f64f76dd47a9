"""Who may see which columns of a record: the one rule for pages, exports and searches."""

from dataclasses import dataclass

# Only for users who may see arguments: what a task gets, returns and reports, and keys, which are
# made of arguments.
PRIVATE = frozenset({"args", "kwargs", "return_value", "progress", "metadata", "key", "unique_key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What one user may see of records.

    `arguments`: also results, progress, metadata and unique keys. What a user may not see, nobody
    may search for on their behalf either: the number of matches would tell it.
    """

    arguments: bool

    @property
    def hidden(self) -> frozenset[str]:
        """Return the columns that this user may neither see nor search by."""
        return frozenset() if self.arguments else PRIVATE


NOTHING_PRIVATE = Visibility(arguments=False)
