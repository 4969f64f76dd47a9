"""Check workers and schedulers: each queue is served, versions agree, schedules fire on time."""

from collections.abc import Iterator, Sequence

import djtasks
from djtasks import inspection
from djtasks.doctor.findings import Examination, Finding, ok
from djtasks.inspection import QueueFacts
from djtasks.inspection.diagnosis.findings import findings_of
from djtasks.inspection.diagnosis.situation import Situation
from djtasks.store import workers as store


def check_workers(examination: Examination) -> Iterator[Finding]:
    """Check the workers by their heartbeats, which may be up to a lease old."""
    engine = examination.engine
    now = engine.store.now()
    workers = inspection.workers_of(engine, now)
    queues = inspection.queues_of(engine, workers)
    yield from _well(queues)
    yield from findings_of(
        Situation(
            now=now,
            backend=engine.alias,
            lease=engine.options.lease,
            version=djtasks.__version__,
            queues=queues,
            workers=workers,
        )
    )


def _well(queues: Sequence[QueueFacts]) -> Iterator[Finding]:
    for queue in queues:
        waits = f" {queue.due:,} tasks are due." if queue.due else ""
        if queue.paused:
            yield ok("workers", f"Queue {queue.name!r} is paused {queue.paused}.{waits}")
        elif queue.workers:
            text = f"{queue.workers:,} live processes serve queue {queue.name!r}.{waits}"
            yield ok("workers", text)


def check_scheduler(examination: Examination) -> Iterator[Finding]:
    """Check that a scheduler fires what is due."""
    engine = examination.engine
    now = engine.store.now()
    facts = inspection.scheduler_of(engine, now)
    found = findings_of(
        Situation(
            now=now,
            backend=engine.alias,
            lease=engine.options.lease,
            scheduler=facts,
            has_scheduler=store.read_lease(engine.database, f"beat:{engine.alias}") is not None,
        )
    )
    if not any(finding.code == "no-scheduler" for finding in found):
        yield ok("scheduler", f"{facts.schedules:,} schedules, none of them late.")
    yield from found
