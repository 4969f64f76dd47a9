"""Queues and workers as facts: what was read about them, and what follows from that alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePause:
    """That a queue is paused: by whom, since when, why, and until when (None: until resumed)."""

    by: str
    since: datetime
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """One queue. `oldest_wait` None: nothing is due; `indexed` None: no broker, or it is away;
    `paused`: by whom and why, in words, `pause` the same as facts, both None: open; `workers`:
    children that fetch from it now; `draining`: those that did until they began to drain."""

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
    """One child. `silent` is the time since its last heartbeat by the database's clock."""

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


class Service(StrEnum):
    """Who takes tasks from a queue.

    PAUSED: nobody may. SERVED: somebody does. DRAINING: nobody, but children that served it still
    end what they run. NONE: nobody at all.
    """

    PAUSED = "paused"
    SERVED = "served"
    DRAINING = "draining"
    NONE = "none"


def service_of(*, is_paused: bool, fetching: int, draining: int) -> Service:
    """Return who takes tasks from a queue, told by how many children fetch from it or drain.

    A pause hides the rest: while it lasts, nobody is missed.
    """
    if is_paused:
        return Service.PAUSED
    if fetching:
        return Service.SERVED
    return Service.DRAINING if draining else Service.NONE


def is_silent(worker: WorkerFacts, lease: timedelta) -> bool:
    """Return whether a child has missed its lease, and has died as far as others can see."""
    return worker.silent > lease


def takes_tasks(worker: WorkerFacts, lease: timedelta) -> bool:
    """Return whether a child lives and fetches from its queues; one that isolates does not."""
    return not (worker.alone or worker.draining or is_silent(worker, lease))


def drains(worker: WorkerFacts, lease: timedelta) -> bool:
    """Return whether a child lives, and ends what it runs without taking more."""
    return worker.draining and not worker.alone and not is_silent(worker, lease)


def serves(worker: WorkerFacts, queue: str) -> bool:
    """Return whether a queue is one of a child's; it may be unable to take anything now."""
    return not worker.queues or queue in worker.queues
