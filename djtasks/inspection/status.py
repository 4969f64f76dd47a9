"""Status: states, queues, workers and problems of one TASKS alias."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from djtasks.engine import Engine, our_aliases
from djtasks.errors import BrokerUnavailable
from djtasks.formats.foreign import objects_in, texts_in
from djtasks.inspection.diagnosis.alerts import alerts_of
from djtasks.inspection.diagnosis.facts import (
    QueueFacts,
    QueuePause,
    WorkerFacts,
    drains,
    serves,
    takes_tasks,
)
from djtasks.inspection.figures.batch_counts import COUNT_LIMIT, counts_of, first_moments
from djtasks.inspection.schedules import SchedulerFacts, scheduler_of
from djtasks.models import QueueControl, TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from djtasks.store import Snapshot
from djtasks.store.promotion import Sweep

_FEW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything about one TASKS alias.

    Counts stop at COUNT_LIMIT. `at_least` names those that did, such as "states.successful" or
    "queues.mail.due": there may be more.
    """

    backend: str
    database: str
    broker: str
    states: dict[str, int]
    queues: list[QueueFacts] = field(default_factory=list)
    workers: list[WorkerFacts] = field(default_factory=list)
    scheduler: SchedulerFacts = field(default_factory=SchedulerFacts)
    problems: list[str] = field(default_factory=list)
    at_least: list[str] = field(default_factory=list)


def status_of(engine: Engine) -> Status:
    """Return the status of one TASKS alias."""
    snapshot = engine.store.scan()
    workers = workers_of(engine, snapshot.now)
    queues = queues_of(engine, workers, snapshot)
    scheduler = scheduler_of(engine, snapshot.now)
    alerts = alerts_of(engine, queues, workers, snapshot.now, scheduler=scheduler)
    states = state_counts(engine)
    return Status(
        backend=engine.alias,
        database=engine.database,
        broker=engine.options.broker,
        states=states,
        queues=queues,
        workers=workers,
        scheduler=scheduler,
        problems=[f"{alert.statement} {alert.remedy}" for alert in alerts],
        at_least=_capped(states, queues),
    )


def _capped(states: dict[str, int], queues: Sequence[QueueFacts]) -> list[str]:
    counts = {f"states.{state}": count for state, count in states.items()}
    for queue in queues:
        counts[f"queues.{queue.name}.due"] = queue.due
        counts[f"queues.{queue.name}.delayed"] = queue.delayed
    return [name for name, count in counts.items() if count >= COUNT_LIMIT]


def records_of(engine: Engine) -> Any:
    """Return the records of one TASKS alias."""
    return TaskRecord.objects.using(engine.database).filter(backend=engine.alias)


def records_to_count(engine: Engine) -> tuple[Any, int]:
    """Return the records of this alias for large counts, and how far to count.

    No index has the alias of a record. With a single alias, indexes alone can count a hundred
    thousand records quickly; the counts then include records of aliases that no longer exist.
    """
    if our_aliases() == [engine.alias]:
        return TaskRecord.objects.using(engine.database), COUNT_LIMIT
    return records_of(engine), _FEW


def is_idle(engine: Engine, queues: Sequence[str] | None) -> bool:
    """Return whether nothing is due or running in these queues (None: any of the alias).

    Nor must a workflow be about to move.
    """
    records = records_of(engine)
    if queues is not None:
        records = records.filter(queue__in=queues)
    due = records.filter(state=State.READY, run_after__lte=engine.store.now())
    owned = records.filter(worker__isnull=False)
    sweep = Sweep(engine.store)
    before = sweep.mark()
    # Those that may move first and last: a record may be claimed, given back or promoted between
    # two of these queries. If no node has moved meanwhile, no workflow has gone on, either.
    is_moving = (
        sweep.everything() or due.exists() or owned.exists() or due.exists() or sweep.everything()
    )
    return not is_moving and sweep.mark() == before


def state_counts(engine: Engine) -> dict[str, int]:
    """Return how many records are in each state, each count stopping at 100,000."""
    states = sorted(State)
    counts = counts_of(engine, [records_of(engine).filter(state=state) for state in states])
    return {state.name.lower(): count for state, count in zip(states, counts, strict=True)}


def workers_of(engine: Engine, now: datetime | None = None) -> list[WorkerFacts]:
    """Return the registered children, including those that died less than a lease ago.

    `now` is the database's time; without it, it is read.
    """
    now = engine.store.now() if now is None else now
    rows = WorkerRecord.objects.using(engine.database).filter(backend=engine.alias)
    return [
        WorkerFacts(
            id=row.pk,
            host=row.host,
            pid=row.pid,
            version=row.version,
            queues=texts_in(row.queues),
            slots=row.slots,
            tasks=objects_in(row.tasks),
            silent=max(now - row.heartbeat_at, timedelta(0)),
            started_at=row.started_at,
            rss=row.rss,
            draining=row.draining,
            alone=row.alone,
            threads=row.threads,
        )
        for row in rows.order_by("host", "pid")
    ]


def queues_of(
    engine: Engine, workers: list[WorkerFacts], snapshot: Snapshot | None = None
) -> list[QueueFacts]:
    """Return every queue that is configured or has live records; scan unless given `snapshot`."""
    snapshot = engine.store.scan() if snapshot is None else snapshot
    owned = records_of(engine).filter(worker__isnull=False)
    running = dict(owned.values_list("queue").annotate(count=Count("pk")).order_by())
    names = sorted({*engine.queues, *running, *(lane.queue for lane in snapshot.lanes)})
    depths = _depths(engine, names)
    pauses = pauses_of(engine, snapshot.now)
    lease = engine.options.lease
    waiting = _waiting(engine, snapshot, names)
    found = []
    for name in names:
        due, delayed, oldest_wait = waiting[name]
        facts = QueueFacts(
            name=name,
            due=due,
            delayed=delayed,
            running=running.get(name, 0),
            oldest_wait=oldest_wait,
            indexed=depths.get(name),
            paused=_in_words(pauses.get(name)),
            pause=pauses.get(name),
            workers=sum(serves(one, name) and takes_tasks(one, lease) for one in workers),
            draining=sum(serves(one, name) and drains(one, lease) for one in workers),
        )
        # The snapshot includes the queues of other aliases.
        if name in engine.queues or facts.due or facts.delayed or facts.running:
            found.append(facts)
    return found


def _waiting(
    engine: Engine, snapshot: Snapshot, names: list[str]
) -> dict[str, tuple[int, int, timedelta | None]]:
    """Return how many tasks of each queue are due or delayed, and how long the first has waited."""
    ready = records_of(engine).filter(state=State.READY)
    queues = {name: ready.filter(queue=name) for name in {lane.queue for lane in snapshot.lanes}}
    due = {name: rows.filter(run_after__lte=snapshot.now) for name, rows in queues.items()}
    later = [rows.filter(run_after__gt=snapshot.now) for rows in queues.values()]
    counts = counts_of(engine, [*due.values(), *later])
    firsts = first_moments(
        engine,
        [
            due[lane.queue].filter(priority=lane.priority).order_by("run_after").values("run_after")
            for lane in snapshot.lanes
        ],
    )
    waits: dict[str, timedelta] = {}
    for lane, first in zip(snapshot.lanes, firsts, strict=True):
        if first is not None:
            waits[lane.queue] = max(snapshot.now - first, waits.get(lane.queue, timedelta(0)))
    found = dict(
        zip(queues, zip(counts[: len(queues)], counts[len(queues) :], strict=True), strict=True)
    )
    return {name: (*found.get(name, (0, 0)), waits.get(name)) for name in names}


def fetches(engine: Engine, worker: WorkerFacts) -> bool:
    """Return whether a child is alive and takes tasks from the queues."""
    return takes_tasks(worker, engine.options.lease)


def _depths(engine: Engine, names: list[str]) -> dict[str, int]:
    if engine.broker is None or not names:
        return {}
    try:
        return engine.broker.depths(names)
    except BrokerUnavailable:
        return {}


def pauses_of(engine: Engine, now: datetime) -> dict[str, QueuePause]:
    """Return the pauses of this alias that have not ended, by queue."""
    controls = QueueControl.objects.using(engine.database).filter(backend=engine.alias, paused=True)
    return {
        c.queue: QueuePause(by=c.paused_by, since=c.paused_at, reason=c.reason, until=c.until)
        for c in controls
        if c.until is None or c.until > now
    }


def _in_words(pause: QueuePause | None) -> str | None:
    if pause is None:
        return None
    by = _("by %(name)s") % {"name": pause.by or _("somebody")}
    return f"{by}: {pause.reason}" if pause.reason else by
