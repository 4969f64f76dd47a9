"""What supervisor and child say to each other over their pipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from djtasks.protocol.records import Claim, Settlement

# Child to supervisor -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The child is up and wants to know its id."""

    pid: int


@dataclass(frozen=True, slots=True)
class RunningTasks:
    """What the child is running now, for the heartbeat."""

    tasks: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class HandOver:
    """A suspect record that must run alone; the child holds it until HandedOver comes."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Hung:
    """A task ignores its time limit: kill this child, then write the settlement."""

    settlement: Settlement
    task_path: str


@dataclass(frozen=True, slots=True)
class Recycle:
    """The child has done its share (`--max-tasks`) and drains of its own accord."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The child has settled everything and leaves."""


@dataclass(frozen=True, slots=True)
class Reassigned:
    """The lone child owns the suspect now (`taken`), or it was no longer to be had."""

    taken: bool


# Supervisor to child -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Go:
    """The row of this id is inserted: start fetching."""

    worker: UUID


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop fetching, go on living."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Fetch again."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Stop fetching, give back what has not started, finish what runs, leave."""


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Somebody cancelled this running record."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Reassign:
    """Take this record over from `previous`, then run it alone."""

    claim: Claim
    previous: UUID


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A suspect has left this child (`taken`), or must be given back by it."""

    claim: Claim
    taken: bool
