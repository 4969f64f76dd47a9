"""Write outcomes to rows: one statement for everything that has collected.

A batch stays in memory until a definite answer and may be sent any number of times: a row is only
written if (id, fence, worker) owns it, and for a row that is not returned nothing is left to do.
"""

import logging
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from msgspec import structs

from djtasks.errors import UnstorableResult
from djtasks.formats.json_values import encode
from djtasks.formats.tracebacks import describe
from djtasks.protocol.records import Notes, Settlement
from djtasks.store import Store
from djtasks.store.errors import DatabaseFailure, classify
from djtasks.store.escaping import escaped_json
from djtasks.worker.attempts.pipeline import Finished
from djtasks.worker.child.holdings import Holdings

logger = logging.getLogger("djtasks.worker")

ROWS_A_BATCH = 500
FULL_BUFFER = 2_000
_IDLE_SECONDS = 1.0
_LOCKED_PAUSE = 1.0


class Settler:
    """The settle loop of one child: writes at once when idle, in batches when busy."""

    def __init__(
        self,
        store: Store,
        worker: UUID,
        holdings: Holdings,
        *,
        on_settled: Sequence[Callable[[Sequence[Finished]], None]],
        on_put: Callable[[], None] = lambda: None,
    ) -> None:
        self.inbox: SimpleQueue[Finished | None] = SimpleQueue()
        self._store = store
        self._worker = worker
        self._holdings = holdings
        self._on_settled = on_settled
        self._on_put = on_put
        self._batch: list[Finished] = []
        self._locked: list[Finished] = []
        self._retry_locked_at = 0.0

    @property
    def is_full(self) -> bool:
        """Whether too many results wait to start more tasks."""
        return self.inbox.qsize() + len(self._batch) + len(self._locked) >= FULL_BUFFER

    @property
    def is_empty(self) -> bool:
        return not (self._batch or self._locked) and self.inbox.empty()

    def put(self, finished: Finished) -> None:
        """Queue a finished attempt; its slot is free for the next one."""
        self.inbox.put(finished)
        self._on_put()

    def wake(self) -> None:
        """End the current wait for results."""
        self.inbox.put(None)

    def tick(self) -> float:
        """Write all collected results; wait up to a second for the first."""
        if not self._batch:
            self._collect()
        while self._batch:
            # Written results leave the batch; the rest survives a lost connection in it.
            self._write(self._batch[:ROWS_A_BATCH])
            del self._batch[:ROWS_A_BATCH]
        return 0.0

    def _collect(self) -> None:
        if self._locked and time.monotonic() >= self._retry_locked_at:
            self._batch, self._locked = self._locked, []
        try:
            first = self.inbox.get(timeout=0 if self._batch else _IDLE_SECONDS)
            while len(self._batch) < ROWS_A_BATCH:
                if first is not None:
                    self._batch.append(first)
                first = self.inbox.get_nowait()
            self.inbox.put(first)
        except Empty:
            pass

    def _write(self, batch: list[Finished]) -> None:
        try:
            written = self._store.settle([f.settlement for f in batch], worker=self._worker)
        except BaseException as error:  # noqa: BLE001 - also of a value that no driver takes
            self._after_failure(batch, error)
            return
        for finished in batch:
            self._holdings.remove(finished.claim)
        if len(written) < len(batch):
            batch = [f for f in batch if f.claim.id in written or f.is_completed]
        for hear in self._on_settled:
            try:
                hear(batch)
            except BaseException:
                logger.exception("Settled tasks are not announced or counted")

    def _after_failure(self, batch: list[Finished], error: BaseException) -> None:
        failure = _kind_of(error)
        if failure is DatabaseFailure.AWAY:
            raise error  # keep the batch: the loop reconnects and tries again
        if len(batch) > 1:
            middle = len(batch) // 2
            self._write(batch[:middle])
            self._write(batch[middle:])
        elif failure is DatabaseFailure.LOCKED:
            self._set_aside(batch)
        else:
            self._write_refused(batch[0], error)

    def _write_refused(self, finished: Finished, error: BaseException) -> None:
        """Escape the notes of an attempt that the database refuses, or fail its task.

        If even that cannot be written, it is set aside and tried again.
        """
        plain = _escaped(finished)
        if plain is not None:
            self._write([plain])
            return
        logger.error("Result refused by the database id=%s error=%s", finished.claim.id, error)
        reason = UnstorableResult(f"The database refused what the task returned: {error}")
        entry = encode(describe(reason, worker=str(self._worker)), "error").decode()
        failed = Settlement.failed(finished.claim, Notes(error=escaped_json(entry)))
        try:
            self._store.settle([failed], worker=self._worker)
        except BaseException as again:
            if _kind_of(again) is DatabaseFailure.AWAY:
                raise
            logger.exception("Result set aside for now id=%s", finished.claim.id)
            self._set_aside([finished])
            return
        self._holdings.remove(finished.claim)

    def _set_aside(self, batch: list[Finished]) -> None:
        self._locked += batch
        self._retry_locked_at = time.monotonic() + _LOCKED_PAUSE


def _escaped(finished: Finished) -> Finished | None:
    """Return the attempt with escaped notes; None if there is nothing to escape."""
    settlement = finished.settlement
    notes = {
        name: escaped_json(text)
        for name in ("error", "progress", "metadata")
        if (text := getattr(settlement, name)) and not text.isascii()
    }
    if not notes:
        return None
    return structs.replace(finished, settlement=structs.replace(settlement, **notes))


def _kind_of(error: BaseException) -> DatabaseFailure:
    """Return what kind of failure an error of a settle is.

    What is neither the database's nor an outage is about a value: the driver, or we, cannot put
    it into a statement, however often it is tried.
    """
    if isinstance(error, DatabaseError):
        return classify(error)
    is_outage = isinstance(error, InterfaceError | OSError | MemoryError)
    return DatabaseFailure.AWAY if is_outage else DatabaseFailure.REFUSED
