"""The messages that supervisor and child send each other over their pipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from djtasks.protocol.records import Claim, Settlement

# Child to supervisor -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The child has started and waits for Go."""

    pid: int


@dataclass(frozen=True, slots=True)
class CannotStart:
    """The child exits before it was ready; `reason` is a traceback."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunningTasks:
    """The tasks that the child runs now, for the heartbeat."""

    tasks: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The child claimed a suspect, which must run alone; it holds it until HandedOver."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Hung:
    """A task ignores its time limit: kill this child, then write the settlement."""

    settlement: Settlement
    task_path: str


@dataclass(frozen=True, slots=True)
class Recycle:
    """The child has run its number of tasks (`--max-tasks`) and drains by itself."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The child has settled everything and exits."""


@dataclass(frozen=True, slots=True)
class Reassigned:
    """The lone child owns the suspect now (`taken`), or could not get it."""

    taken: bool


# Supervisor to child -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Go:
    """The child's row is inserted: start fetching."""

    worker: UUID


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop fetching, but keep running."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Start fetching again."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Stop fetching, give back what has not started, finish what runs, exit."""


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Cancel this running record."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Reassign:
    """Take this record over from the child `previous`, then run it alone."""

    claim: Claim
    previous: UUID


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Another child has taken the suspect (`taken`), or this child must give it back."""

    claim: Claim
    taken: bool
