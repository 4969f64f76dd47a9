"""Facts about queues and workers, and what follows from them alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePause:
    """The pause of a queue: by whom, since when, why, and until when (None: until resumed)."""

    by: str
    since: datetime
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """One queue. `oldest_wait` None: nothing is due; `indexed` None: no broker, or it is down;
    `paused`: by whom and why, in words; `pause`: the same as facts; both None: not paused;
    `workers`: children that fetch from it now; `draining`: those that are draining."""

    name: str
    due: int
    delayed: int
    running: int
    oldest_wait: timedelta | None
    indexed: int | None
    paused: str | None
    workers: int
    pause: QueuePause | None = None
    draining: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """One child. `silent` is the time since its last heartbeat by the database's clock.

    `threads`: how many of its slots are for plain functions; None if that is not known.
    """

    id: UUID
    host: str
    pid: int
    version: str
    queues: list[str]
    slots: int
    tasks: list[dict[str, Any]]
    silent: timedelta
    started_at: datetime
    rss: int | None
    draining: bool
    alone: bool
    threads: int | None = None

    def slots_for(self, *, coroutine: bool | None) -> int:
        """Return its slots for coroutines or for plain functions; None means all of them."""
        if coroutine is None or self.threads is None:
            return self.slots
        return self.slots - self.threads if coroutine else self.threads


class Service(StrEnum):
    """Whether workers take tasks from a queue.

    PAUSED: they must not. SERVED: they do. DRAINING: they do not, but draining children still end
    what they run. NONE: no worker serves it.
    """

    PAUSED = "paused"
    SERVED = "served"
    DRAINING = "draining"
    NONE = "none"


def service_of(*, is_paused: bool, fetching: int, draining: int) -> Service:
    """Return the service of a queue, given how many children fetch from it or drain.

    A pause comes first: a paused queue needs no worker.
    """
    if is_paused:
        return Service.PAUSED
    if fetching:
        return Service.SERVED
    return Service.DRAINING if draining else Service.NONE


def is_silent(worker: WorkerFacts, lease: timedelta) -> bool:
    """Return whether a child has missed its lease, so that it seems to have died."""
    return worker.silent > lease


def takes_tasks(worker: WorkerFacts, lease: timedelta) -> bool:
    """Return whether a child is alive and fetches from its queues; one that isolates does not."""
    return not (worker.alone or worker.draining or is_silent(worker, lease))


def drains(worker: WorkerFacts, lease: timedelta) -> bool:
    """Return whether a child is alive, and ends what it runs without taking more."""
    return worker.draining and not worker.alone and not is_silent(worker, lease)


def serves(worker: WorkerFacts, queue: str) -> bool:
    """Return whether a child is configured for a queue; it may not take tasks now."""
    return not worker.queues or queue in worker.queues
