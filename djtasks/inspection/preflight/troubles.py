"""What this code would make of tasks and schedules, in groups: few, however many records."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MOST_GROUPS = 500
MOST_EXAMPLES = 3
_LONGEST_REASON = 600

# Each kind with its words.
KINDS = {
    "backend": "TASKS alias that djtasks does not serve",
    "task": "unknown task",
    "arguments": "arguments that do not fit",
    "queue": "queue that nobody serves",
    "schedule-broken": "schedule that cannot run",
    "schedule-added": "schedule that starts",
    "schedule-removed": "schedule that stops",
    "schedule-changed": "schedule that changes",
}
_OTHERS = "(others)"


@dataclass(slots=True, kw_only=True)
class Trouble:
    """Records of one task, or one schedule, with which this code has the same trouble.

    `subject` is the path of the task, or the name of the schedule. `examples` are ids of records.
    """

    kind: str
    backend: str
    subject: str
    reason: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


class Troubles:
    """Troubles by kind, task and reason. From the 500th group on, those of a kind are one group."""

    def __init__(self, ignored: frozenset[str] = frozenset()) -> None:
        self._ignored = ignored
        self._groups: dict[tuple[str, ...], Trouble] = {}

    def add(
        self, kind: str, backend: str, subject: str, reason: str, *, example: Any = None
    ) -> None:
        """Count one trouble; `example` is the id of its record."""
        if kind in self._ignored:
            return
        reason = reason[:_LONGEST_REASON]
        key: tuple[str, ...] = (kind, backend, subject, reason)
        if key not in self._groups and len(self._groups) >= MOST_GROUPS:
            subject, key = _OTHERS, (kind, backend)
        group = self._groups.get(key)
        if group is None:
            group = Trouble(kind=kind, backend=backend, subject=subject, reason=reason)
            self._groups[key] = group
        group.count += 1
        if example is not None and len(group.examples) < MOST_EXAMPLES:
            group.examples.append(str(example))

    def __iter__(self) -> Iterator[Trouble]:
        """Yield the groups by kind, the largest first."""
        places = {kind: place for place, kind in enumerate(KINDS)}
        groups = self._groups.values()
        yield from sorted(groups, key=lambda one: (places[one.kind], -one.count, one.subject))
