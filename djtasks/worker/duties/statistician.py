"""The statistician: folds statistics, counts the queues once a minute, deletes what is old."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from djtasks import inspection
from djtasks.engine import Engine
from djtasks.formats.durations import floor
from djtasks.inspection import QueueFacts, WorkerFacts
from djtasks.models import QueueSample
from djtasks.models.statistics import ALL_QUEUES
from djtasks.store import samples, statistics

logger = logging.getLogger("djtasks.worker")

FOLD_SECONDS = 10.0
SAMPLE_SECONDS = 60.0
_SHARE = 20


class Statistician:
    """Works every ten seconds; takes at most 5 % of the time that all duties share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fold_at = 0.0
        self._sample_at = 0.0

    def tick(self) -> float:
        """Do what is due; return the pause in seconds until the next."""
        started = time.monotonic()
        if started >= self._sample_at:
            self._sample_at = started + SAMPLE_SECONDS
            self.sample()
        elif started >= self._fold_at:
            is_done = self.fold()
            now = time.monotonic()
            pause = FOLD_SECONDS if is_done else 0.0
            self._fold_at = now + max(pause, _SHARE * (now - started))
        return max(min(self._fold_at, self._sample_at) - time.monotonic(), 0.0)

    def fold(self) -> bool:
        """Fold one page of what children wrote, then longer steps; return False if more is left."""
        database, alias = self._engine.database, self._engine.alias
        now = self._engine.store.now()
        if statistics.fold_children(database, alias, now) == statistics.ROWS_A_FOLD:
            return False
        statistics.fold_steps(database, alias, now)
        samples.fold(database, alias, now)
        return not (statistics.prune(database, alias, now) or samples.prune(database, alias, now))

    def sample(self) -> None:
        """Store a sample of every queue and one of all queues together."""
        engine = self._engine
        workers = inspection.workers_of(engine)
        queues = inspection.queues_of(engine, workers)
        minute = floor(engine.store.now(), timedelta(minutes=1))
        live = [worker for worker in workers if inspection.fetches(engine, worker)]
        rows = [_of_queue(engine, queue, minute, live) for queue in queues]
        rows.append(_of_all(engine, rows, minute, live))
        samples.insert(engine.database, rows)


def _of_queue(
    engine: Engine, facts: QueueFacts, minute: datetime, live: Sequence[WorkerFacts]
) -> QueueSample:
    serving = [w for w in live if not w.queues or facts.name in w.queues]
    return QueueSample(
        backend=engine.alias,
        step=60,
        at=minute,
        queue=facts.name,
        ready=facts.due,
        delayed=facts.delayed,
        running=facts.running,
        slots=sum(worker.slots for worker in serving),
        oldest_wait=facts.oldest_wait.total_seconds() if facts.oldest_wait else 0.0,
    )


def _of_all(
    engine: Engine, rows: Sequence[QueueSample], minute: datetime, live: Sequence[WorkerFacts]
) -> QueueSample:
    return QueueSample(
        backend=engine.alias,
        step=60,
        at=minute,
        queue=ALL_QUEUES,
        ready=sum(row.ready for row in rows),
        delayed=sum(row.delayed for row in rows),
        running=sum(row.running for row in rows),
        slots=sum(worker.slots for worker in live),
        oldest_wait=max((row.oldest_wait for row in rows), default=0.0),
    )
