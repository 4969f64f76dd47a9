"""The housekeeping of a child: every heartbeat it audits its records and reports."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from djtasks.formats.json_values import encode
from djtasks.store import Store
from djtasks.store.escaping import escaped_json, write_each
from djtasks.worker.attempts.running import Running
from djtasks.worker.child.holdings import Holdings

logger = logging.getLogger("djtasks.worker")

_PROGRESS_SECONDS = 1.0


class Housekeeper:
    """Audits a child's records, and stores its progress and its list of running tasks."""

    def __init__(
        self,
        store: Store,
        worker: UUID,
        holdings: Holdings,
        *,
        running: Callable[[], Iterable[Running]],
        every: timedelta,
        report: Callable[[list[dict[str, Any]]], None],
    ) -> None:
        self._store = store
        self._worker = worker
        self._holdings = holdings
        self._running = running
        self._every = every.total_seconds()
        self._report = report
        self._audited_at = float("-inf")
        self._stored: dict[UUID, dict[str, Any]] = {}

    def tick(self) -> float:
        """Store new progress; once a heartbeat also audit and report."""
        running = list(self._running())
        self._store_progress(running)
        if time.monotonic() - self._audited_at >= self._every:
            self.audit()
            self._audited_at = time.monotonic()
            self._report([_facts(one) for one in running])
        return min(_PROGRESS_SECONDS, self._every)

    def audit(self) -> int:
        """Give back records that name this child although it does not hold them.

        They come from a claim whose answer was lost. The rows are read first and then compared with
        the holdings, while no claim is in flight. Giving back is a compare-and-set, so a record
        settled in between is not touched.
        """
        with self._holdings.claiming:
            unknown_claims = self._holdings.unknown_claims(self._store.owned_by(self._worker))
        if not unknown_claims:
            return 0
        # Usually the record was settled in between: then nothing is given back.
        count = self._store.give_back(unknown_claims, worker=self._worker)
        if count:
            logger.warning("Gave back records claimed without an answer count=%s", count)
        return count

    def _store_progress(self, running: list[Running]) -> None:
        news = [
            one
            for one in running
            if one.progress is not None and one.progress != self._stored.get(one.id)
        ]
        if news:
            texts = [(one.id, one.fence, encode(one.progress, "progress").decode()) for one in news]
            write_each(
                partial(self._store.report_progress, worker=self._worker),
                texts,
                escape=lambda one: (*one[:2], escaped_json(one[2])),
            )
        self._stored = {one.id: one.progress for one in running if one.progress is not None}


def _facts(running: Running) -> dict[str, Any]:
    return {
        "id": str(running.id),
        "path": running.task_path,
        "queue": running.claim.queue,
        "attempt": running.attempt,
        "started_at": running.started_at,
    }
