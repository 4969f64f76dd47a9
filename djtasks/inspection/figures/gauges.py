"""A few numbers for autoscalers and monitoring, cheap enough to read every few seconds."""

from dataclasses import dataclass, field

from djtasks.engine import Engine
from djtasks.inspection.status import fetches, queues_of, workers_of


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueGauges:
    """One queue. Counts stop at COUNT_LIMIT; `oldest_wait_seconds` is 0 when nothing is due."""

    name: str
    due: int
    delayed: int
    running: int
    oldest_wait_seconds: float
    workers: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """One TASKS alias. `workers` and `slots` are those of living children that fetch."""

    backend: str
    workers: int
    slots: int
    busy_slots: int
    queues: list[QueueGauges] = field(default_factory=list)


def gauges_of(engine: Engine) -> Gauges:
    """Return the numbers; a few index scans a queue, each stopping at COUNT_LIMIT."""
    workers = workers_of(engine)
    queues = queues_of(engine, workers)
    live = [worker for worker in workers if fetches(engine, worker)]
    return Gauges(
        backend=engine.alias,
        workers=len(live),
        slots=sum(worker.slots for worker in live),
        busy_slots=sum(queue.running for queue in queues),
        queues=[
            QueueGauges(
                name=queue.name,
                due=queue.due,
                delayed=queue.delayed,
                running=queue.running,
                oldest_wait_seconds=queue.oldest_wait.total_seconds() if queue.oldest_wait else 0.0,
                workers=queue.workers,
                paused=queue.paused is not None,
            )
            for queue in queues
        ],
    )
