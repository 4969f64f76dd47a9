"""Statistics of a child's attempts: gathered in memory, written every five seconds.

They stay off the settle path: the settler only passes whole batches on, and a separate thread
writes them in its own transactions. A killed child loses at most five seconds of statistics.
"""

import logging
import time
from collections.abc import Sequence
from queue import Empty, Queue
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.engine import Engine
from djtasks.formats.histograms import bucket_of
from djtasks.formats.json_values import decode
from djtasks.models import TaskStatistics
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import State
from djtasks.store import statistics
from djtasks.store.statistics import AttemptFailure, Sums
from djtasks.worker.attempts.pipeline import Finished
from djtasks.worker.loops import close_quietly

logger = logging.getLogger("djtasks.worker")

FLUSH_SECONDS = 5.0
_COLUMNS = {
    State.SUCCESSFUL: "successful",
    State.FAILED: "failed",
    State.READY: "retried",
    State.CANCELLED: "cancelled",
    State.EXPIRED: "expired",
}
# Before Python 3.12, each access to an enum member calls Python code.
_READY, _SUCCESSFUL = State.READY, State.SUCCESSFUL
_MOST_KINDS = 10_000


class Statistics:
    """Gathers and writes the statistics of one child."""

    def __init__(self, engine: Engine, worker: UUID) -> None:
        self._engine = engine
        self._worker = worker
        # A queue that counts what was taken out but is not yet in the sums.
        self._inbox: Queue[Sequence[Finished]] = Queue()
        self._sums: dict[tuple[str, str], Sums] = {}
        self._failures: dict[str, AttemptFailure] = {}
        self._rows: list[TaskStatistics] = []
        self._flush_at = time.monotonic() + FLUSH_SECONDS

    def settled(self, batch: Sequence[Finished]) -> None:
        """Record attempts whose verdicts have just been written."""
        self._inbox.put(batch)

    @property
    def is_idle(self) -> bool:
        """Whether everything has been written."""
        is_gathered = not self._inbox.unfinished_tasks
        return is_gathered and not (self._sums or self._rows or self._failures)

    def hurry(self) -> None:
        """Write what was gathered at once, not in a few seconds."""
        self._flush_at = 0.0
        self._inbox.put(())

    def tick(self) -> float:
        """Gather batches; write them once it is time."""
        try:
            patience = max(self._flush_at - time.monotonic(), 0.0)
            batch = self._inbox.get(timeout=patience)
            while True:
                self._gather(batch)
                self._inbox.task_done()
                batch = self._inbox.get_nowait()
        except Empty:
            pass
        if time.monotonic() >= self._flush_at:
            self.flush()
        return 0.0

    def flush(self) -> None:
        """Write what was gathered; after a database error, the rest is written next time."""
        self._flush_at = time.monotonic() + FLUSH_SECONDS
        if not (self._sums or self._rows or self._failures):
            return
        engine = self._engine
        now = engine.store.now()
        made = [
            statistics.new_row(engine.alias, now, what, sums, worker=self._worker)
            for what, sums in self._sums.items()
        ]
        self._rows += made
        self._sums = {}
        # Rows keep their ids, so that repeating after a lost answer does not add them twice.
        statistics.insert(engine.database, self._rows)
        self._rows = []
        for fingerprint in sorted(self._failures):
            failure = self._failures[fingerprint]
            statistics.count_failure(engine.database, engine.alias, failure, now)
            del self._failures[fingerprint]

    def _gather(self, batch: Sequence[Finished]) -> None:
        for finished in batch:
            settlement, claim = finished.settlement, finished.claim
            state = settlement.state
            if state is _READY and not settlement.spent:
                continue
            what = (claim.task_path, claim.queue)
            sums = self._sums.get(what)
            if sums is None:
                sums = self._sums[what] = Sums()
            if state is _SUCCESSFUL:
                sums.successful += 1
            else:
                name = _COLUMNS[state]
                setattr(sums, name, getattr(sums, name) + 1)
            if finished.began is not None:
                _note_times(sums, claim.waited, finished.seconds)
            if settlement.fingerprint is not None:
                self._note_failure(settlement)

    def _note_failure(self, settlement: Settlement) -> None:
        before = self._failures.get(settlement.fingerprint or "")
        if before is None and len(self._failures) >= _MOST_KINDS:
            return
        failure = failure_of(settlement, before)
        if failure is not None:
            self._failures[failure.fingerprint] = failure


def _note_times(sums: Sums, waited: float, ran: float) -> None:
    sums.wait_sum += waited
    sums.run_sum += ran
    bucket = bucket_of(waited)
    sums.waits[bucket] = sums.waits.get(bucket, 0) + 1
    bucket = bucket_of(ran)
    sums.runs[bucket] = sums.runs.get(bucket, 0) + 1


def failure_of(
    settlement: Settlement, before: AttemptFailure | None = None
) -> AttemptFailure | None:
    """Return a settled failure, added to `before` of the same kind; None if it is no failure."""
    if settlement.fingerprint is None or settlement.error is None:
        return None
    entry = decode(settlement.error)
    is_final = settlement.state is State.FAILED
    return AttemptFailure(
        fingerprint=settlement.fingerprint,
        task_path=settlement.task_path,
        exception=entry["class"],
        message=entry["message"],
        place=settlement.place,
        record=settlement.id,
        failed=is_final + (before.failed if before else 0),
        retried=(not is_final) + (before.retried if before else 0),
    )


def count_failures(engine: Engine, settlements: Sequence[Settlement]) -> None:
    """Count failures that a supervisor settled for an exited child; never raises."""
    failures = [failure for one in settlements if (failure := failure_of(one)) is not None]
    if not failures:
        return
    try:
        now = engine.store.now()
        for failure in failures:
            statistics.count_failure(engine.database, engine.alias, failure, now)
        failed = {one.record: (one.task_path, bool(one.failed)) for one in failures}
        statistics.insert_failed(engine.database, engine.alias, failed, now)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Failures not counted count=%s error=%s", len(failures), error)
        close_quietly(engine.database)
