"""Which selections an index serves, so that a search need not stop at the newest tasks."""

from typing import Any

from djtasks.protocol.states import State

_INDEXED = frozenset({"pk", "pk__gte", "pk__lte", "node", "target", "schedule", "fingerprint"})


def is_indexed(selection: dict[str, Any]) -> bool:
    """Return whether an index leads to all that a selection finds."""
    if not selection or any(value is None for value in selection.values()):
        return False
    if set(selection) in ({"any"}, {"all"}):
        return all(is_indexed(one) for several in selection.values() for one in several)
    names = set(selection)
    if not names <= _INDEXED | {"state"} or names == {"state"}:
        return False
    # The index on fingerprints holds FAILED records only.
    return names & _INDEXED != {"fingerprint"} or selection.get("state") == State.FAILED
