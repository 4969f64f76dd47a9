"""What somebody must do something about, and what to press."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from djtasks.engine import Engine
from djtasks.inspection.schedules import unfired_since
from djtasks.inspection.status import QueueFacts, WorkerFacts

BAD, WARN = "bad", "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One banner. `level` is bad or warn.

    `kind`: no_worker, scheduler, silent_worker, broker or versions.
    `text` is what is wrong, `meaning` what that means, `remedy` what to do; `queue` and
    `worker` are what it is about, where it is about one.
    """

    kind: str
    level: str
    text: str
    meaning: str = ""
    remedy: str = ""
    since: datetime | None = None
    queue: str | None = None
    worker: WorkerFacts | None = None


def alerts_of(
    engine: Engine, queues: Sequence[QueueFacts], workers: Sequence[WorkerFacts], now: datetime
) -> list[Alert]:
    """Return what must be done, worst first."""
    found = [
        *_without_worker(engine, queues, now),
        *_scheduler(engine, now),
        *_broker(engine),
        *_silent(engine, workers, now),
        *_versions(engine, workers),
    ]
    return sorted(found, key=lambda alert: alert.level != BAD)


def _without_worker(engine: Engine, queues: Sequence[QueueFacts], now: datetime) -> Iterable[Alert]:
    for queue in queues:
        if queue.due and not queue.workers and not queue.paused:
            waits = queue.oldest_wait or timedelta(0)
            yield Alert(
                kind="no_worker",
                level=BAD,
                text=f"Queue {queue.name} has {queue.due:,} ready tasks and no live worker.",
                meaning="Nothing is lost: they run as soon as a worker serves it.",
                remedy=f"manage.py runworker --backend {engine.alias} --queues {queue.name}",
                since=now - waits,
                queue=queue.name,
            )


def _scheduler(engine: Engine, now: datetime) -> Iterable[Alert]:
    since = unfired_since(engine, now)
    if since is not None:
        yield Alert(
            kind="scheduler",
            level=BAD,
            text="Schedules are due and nobody fires them.",
            meaning="Each fires as soon as somebody does, as its rule for missed runs says.",
            remedy=f"manage.py runbeat --backend {engine.alias}",
            since=since,
        )


def _broker(engine: Engine) -> Iterable[Alert]:
    if engine.broker is None:
        return
    for problem in engine.broker.diagnose():
        yield Alert(
            kind="broker",
            level=BAD,
            text=problem.message,
            meaning="Nothing is lost: while it is away, workers ask the database.",
            remedy=problem.remedy,
        )


def _silent(engine: Engine, workers: Sequence[WorkerFacts], now: datetime) -> Iterable[Alert]:
    for worker in workers:
        if worker.silent > engine.options.lease:
            yield Alert(
                kind="silent_worker",
                level=WARN,
                text=f"Worker {worker.host}:{worker.pid} is silent.",
                meaning="Its tasks are given back by the next supervisor that looks.",
                remedy=f"manage.py runworker --backend {engine.alias}",
                since=now - worker.silent,
                worker=worker,
            )


def _versions(engine: Engine, workers: Sequence[WorkerFacts]) -> Iterable[Alert]:
    live = [worker for worker in workers if worker.silent <= engine.options.lease]
    versions = sorted({worker.version for worker in live if not worker.draining})
    if len(versions) > 1:
        newest = max(live, key=lambda worker: worker.started_at)
        yield Alert(
            kind="versions",
            level=WARN,
            text=f"Workers run {len(versions)} versions: {', '.join(versions)}.",
            meaning="Tasks may meet a worker that does not know them yet.",
            remedy="Restart the workers that were left out of the last deploy.",
            since=newest.started_at,
        )
