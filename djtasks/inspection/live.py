"""The figures at the top of the pages: what waits, runs and fails now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from djtasks.engine import Engine
from djtasks.inspection.diagnosis.facts import QueueFacts, WorkerFacts
from djtasks.inspection.figures.batch_counts import counts_of
from djtasks.inspection.figures.figures import done_lately
from djtasks.inspection.figures.series import Series
from djtasks.inspection.status import fetches, queues_of, records_of, workers_of
from djtasks.protocol.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCounts:
    """Counts as of now; each stops at COUNT_LIMIT.

    `ready`: due. `retrying`: not due yet, after an attempt. `scheduled`: not due yet, never
    tried. `failed_last_hour` counts records that became FAILED in it. `done_per_minute`: final
    in the last five minutes. `workers`: live children; `slots` are theirs.
    """

    ready: int
    running: int
    slots: int
    failed_last_hour: int
    oldest_wait: timedelta | None
    retrying: int
    scheduled: int
    workers: int
    done_per_minute: float


def live_counts(
    engine: Engine,
    queues: Sequence[QueueFacts] | None = None,
    workers: Sequence[WorkerFacts] | None = None,
    now: datetime | None = None,
    *,
    hour: Series | None = None,
) -> LiveCounts:
    """Return the counts; read what you do not pass, and of `hour` only what is needed."""
    workers = workers_of(engine) if workers is None else workers
    queues = queues_of(engine, list(workers)) if queues is None else queues
    now = engine.store.now() if now is None else now
    live = [worker for worker in workers if fetches(engine, worker)]
    failed = records_of(engine).filter(state=State.FAILED, finished_at__gt=now - timedelta(hours=1))
    later = records_of(engine).filter(state=State.READY, run_after__gt=now)
    delayed = sum(queue.delayed for queue in queues)
    failures, tried = counts_of(engine, [failed, later.filter(attempt__gt=0)])
    retrying = min(tried, delayed)
    return LiveCounts(
        ready=sum(queue.due for queue in queues),
        running=sum(queue.running for queue in queues),
        slots=sum(worker.slots for worker in live),
        failed_last_hour=failures,
        oldest_wait=max((q.oldest_wait for q in queues if q.oldest_wait), default=None),
        retrying=retrying,
        scheduled=delayed - retrying,
        workers=len(live),
        done_per_minute=done_lately(engine, now, hour=hour),
    )
