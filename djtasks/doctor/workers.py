"""Workers and schedulers: is there one for each queue, of one version, and on time."""

from collections.abc import Iterator, Sequence

import djtasks
from djtasks import inspection
from djtasks.doctor.findings import Finding, Patient, bad, warn, well
from djtasks.formats.durations import in_words
from djtasks.inspection import QueueFacts, SchedulerFacts, WorkerFacts
from djtasks.store import workers as store


def look_at_workers(patient: Patient) -> Iterator[Finding]:
    """Ask the heartbeats, which may be a lease old."""
    engine = patient.engine
    workers = inspection.workers_of(engine)
    yield from _queues(patient, inspection.queues_of(engine, workers))
    live = [worker for worker in workers if worker.silent <= engine.options.lease]
    for worker in workers:
        if worker.silent > engine.options.lease:
            yield warn(
                "workers",
                "silent-worker",
                f"Worker {worker.host} {worker.pid} has been silent for {in_words(worker.silent)}.",
                "See whether its host is up. The next supervisor that looks gives its tasks back.",
            )
    yield from _versions(live)


def _queues(patient: Patient, queues: Sequence[QueueFacts]) -> Iterator[Finding]:
    for queue in queues:
        waits = f" {queue.due:,} tasks are due." if queue.due else ""
        if queue.paused:
            yield well("workers", f"Queue {queue.name!r} is paused {queue.paused}.{waits}")
        elif queue.workers:
            text = f"{queue.workers:,} live processes serve queue {queue.name!r}.{waits}"
            yield well("workers", text)
        else:
            yield bad(
                "workers",
                "no-worker",
                f"No live worker serves queue {queue.name!r}.{waits}",
                f"Start one: manage.py runworker --backend {patient.engine.alias} "
                f"--queues {queue.name}",
            )


def _versions(live: Sequence[WorkerFacts]) -> Iterator[Finding]:
    versions = sorted({worker.version for worker in live})
    if versions and versions != [djtasks.__version__]:
        yield warn(
            "workers",
            "versions",
            f"Workers run djtasks {', '.join(versions)}, this is {djtasks.__version__}.",
            "Restart the workers that were left out of the last deploy.",
        )


def look_at_scheduler(patient: Patient) -> Iterator[Finding]:
    """See that what is due by the clock is fired."""
    engine = patient.engine
    facts = inspection.scheduler_of(engine)
    for name, reason in facts.broken.items():
        yield bad(
            "scheduler",
            "broken-schedule",
            f"Schedule {name!r} does not fire: {reason}",
            "Correct it in the admin or in the code.",
        )
    holder = store.read_lease(engine.database, f"beat:{engine.alias}")
    yield _scheduler(patient, facts, is_held=holder is not None)


def _scheduler(patient: Patient, facts: SchedulerFacts, *, is_held: bool) -> Finding:
    remedy = (
        f"Start a worker without --no-beat, or: manage.py runbeat --backend {patient.engine.alias}"
    )
    if facts.is_missing:
        late = in_words(facts.late)
        return bad("scheduler", "no-scheduler", f"Schedules are late by {late}.", remedy)
    if facts.schedules and not is_held:
        text = f"Nobody fires the {facts.schedules:,} schedules."
        return bad("scheduler", "no-scheduler", text, remedy)
    return well("scheduler", f"{facts.schedules:,} schedules, none of them late.")
