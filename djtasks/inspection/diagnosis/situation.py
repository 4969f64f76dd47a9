"""The situation of one TASKS alias at a moment, and conditions that tell what is wrong.

Each condition is pure. `findings` has the words, and explains the decisions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from djtasks.brokers import Problem
from djtasks.inspection.diagnosis.facts import (
    QueueFacts,
    Service,
    WorkerFacts,
    is_silent,
    service_of,
)
from djtasks.inspection.schedules import SchedulerFacts
from djtasks.inspection.skipped import MOST_SKIPPED

# A few skipped runs are what `overlap="skip"` is for.
MANY_SKIPPED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The facts about one TASKS alias, as of `now`, by the database's clock.

    `version`: that of this process. `has_scheduler`: one holds the lease; None: not asked.
    """

    now: datetime
    backend: str
    lease: timedelta
    version: str = ""
    queues: Sequence[QueueFacts] = ()
    workers: Sequence[WorkerFacts] = ()
    scheduler: SchedulerFacts = field(default_factory=SchedulerFacts)
    has_scheduler: bool | None = None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule is true of: `values` for its words, for how long, and which queue or worker."""

    values: Mapping[str, Any] = field(default_factory=dict)
    lasted: timedelta | None = None
    queue: str | None = None
    worker: WorkerFacts | None = None


def unserved(service: Service, *, is_due: bool) -> Callable[[Situation], Iterator[Subject]]:
    """Return the condition that a queue has this `service`, and tasks that are due or not."""

    def condition(situation: Situation) -> Iterator[Subject]:
        for queue in situation.queues:
            serving = service_of(
                is_paused=queue.paused is not None,
                fetching=queue.workers,
                draining=queue.draining,
            )
            if serving is service and bool(queue.due) is is_due:
                yield Subject(
                    values={"queue": queue.name, "due": queue.due, "count": f"{queue.due:,}"},
                    lasted=queue.oldest_wait,
                    queue=queue.name,
                )

    return condition


def unfired(situation: Situation) -> Iterator[Subject]:
    """Yield how long due schedules have waited, if no scheduler fires them."""
    if situation.scheduler.is_missing:
        yield Subject(lasted=situation.scheduler.late)


def without_scheduler(situation: Situation) -> Iterator[Subject]:
    """Yield how many schedules have no scheduler, if none of them is late yet."""
    facts = situation.scheduler
    if facts.firing and not facts.is_missing and situation.has_scheduler is False:
        yield Subject(values={"schedules": facts.firing, "count": f"{facts.firing:,}"})


def broken(situation: Situation) -> Iterator[Subject]:
    """Yield the schedules whose rules are not valid."""
    for name, reason in situation.scheduler.broken.items():
        yield Subject(values={"schedule": name, "reason": reason})


def skipping(situation: Situation) -> Iterator[Subject]:
    """Yield the schedules that have skipped many runs, since their last one is not over."""
    for name, count in situation.scheduler.skipping.items():
        if count >= MANY_SKIPPED:
            shown = f"{count}+" if count >= MOST_SKIPPED else str(count)
            yield Subject(values={"schedule": name, "count": shown})


def silent(*, are_all: bool) -> Callable[[Situation], Iterator[Subject]]:
    """Return the condition that children have missed their lease: all of them, or only some."""

    def condition(situation: Situation) -> Iterator[Subject]:
        found = [one for one in situation.workers if is_silent(one, situation.lease)]
        if (len(found) == len(situation.workers)) is are_all:
            for worker in found:
                values = {"host": worker.host, "pid": worker.pid}
                yield Subject(values=values, lasted=worker.silent, worker=worker)

    return condition


def versions(situation: Situation) -> Iterator[Subject]:
    """Yield the versions that run, unless all are the version of this process."""
    staying = [
        worker
        for worker in situation.workers
        if not worker.draining and not is_silent(worker, situation.lease)
    ]
    running = sorted({worker.version for worker in staying})
    if running and running != [situation.version]:
        newest = max(worker.started_at for worker in staying)
        yield Subject(
            values={"versions": ", ".join(running), "own": situation.version},
            lasted=max(situation.now - newest, timedelta(0)),
        )
