"""Push the hints of committed rows to the broker, without waiting and without raising.

The row is already the task. A hint that is lost here costs time, not work: the indexer finds the
row.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, transaction

from djtasks.brokers import Broker
from djtasks.errors import BrokerUnavailable
from djtasks.protocol.hints import Hint

logger = logging.getLogger("djtasks.outbox")

BREAKER_SECONDS = 1.0
MUTE_SECONDS = 1.0
FULL_INDEX = 1_000_000
HINTS_A_TRANSACTION = 10_000
_HINTS_BETWEEN_COUNTS = 1_000
_PROMPT_SECONDS = 0.05  # a slower broker gets no second request


class Outbox:
    """Publishes the hints of one TASKS alias once their transaction has committed.

    If `broker` is None, workers fetch from the database. On PostgreSQL, a NOTIFY on `channel()`
    wakes them after the commit (inside, it would serialise commits: 6,300 -> 3,100 a second).
    """

    def __init__(self, database: str, broker: Broker | None, channel: Callable[[], str]) -> None:
        self.database = database
        self.broker = broker
        self._channel = channel
        self._closed_until = 0.0
        self._muted_until: dict[str, float] = {}
        self._uncounted = 0

    def publish(self, hints: Sequence[Hint], *, awaited: Sequence[UUID] = ()) -> None:
        """Push `hints` when the caller's transaction commits; at once if there is none.

        `awaited` are the ids of records, due or not, whose results the caller holds: see
        `Gather.holds`. Rolling back a savepoint drops its hints. In manual transaction
        management, where Django has no on-commit hook, nothing is pushed.
        """
        connection = connections[self.database]
        if not connection.in_atomic_block:
            if connection.get_autocommit():
                self._send(hints)
            return
        self._gather(connection).add(hints, awaited)

    def withdraw(self, queue: str, ids: Sequence[UUID]) -> None:
        """Remove hints of one queue from the broker, when `publish` would push them.

        A record that is READY again by then waits for the indexer.
        """
        if self.broker is None or not ids:
            return
        discard = partial(self._discard, self.broker, queue, list(ids))
        connection = connections[self.database]
        if connection.in_atomic_block:
            transaction.on_commit(discard, using=self.database, robust=True)
        elif connection.get_autocommit():
            discard()

    def _gather(self, connection: Any) -> "Gather":
        """Return the buffer that commits or rolls back with what this transaction writes now."""
        active = set(connection.savepoint_ids)
        newest = next(
            (
                callback
                for _savepoints, callback, *_ in reversed(connection.run_on_commit)
                if isinstance(callback, Gather) and callback.outbox is self
            ),
            None,
        )
        if newest is not None and newest.depends_on(active) == active:
            return newest
        older = newest.merged(active) if newest is not None else None
        gather = Gather(self, active, older)
        transaction.on_commit(gather, using=self.database, robust=True)
        return gather

    def _send(self, hints: Sequence[Hint]) -> None:
        if not hints:
            return
        try:
            if self.broker is None:
                self._notify({hint.queue for hint in hints})
            else:
                self._push(self.broker, hints)
        except Exception:
            # Whatever it is, the caller's work is committed and must not be told otherwise.
            logger.exception("Hints not pushed count=%s", len(hints))

    def _push(self, broker: Broker, hints: Sequence[Hint]) -> None:
        now = time.monotonic()
        if now < self._closed_until:
            return
        wanted = [hint for hint in hints if self._muted_until.get(hint.queue, 0.0) <= now]
        if not wanted:
            return
        if self._closed_until:
            # It failed last time: one caller tries, the others need not wait with it.
            self._closed_until = now + BREAKER_SECONDS
        try:
            broker.push(wanted)
            self._uncounted += len(wanted)
            is_prompt = time.monotonic() - now < _PROMPT_SECONDS
            if self._uncounted >= _HINTS_BETWEEN_COUNTS and is_prompt:
                self._mute_full_queues(broker, sorted({hint.queue for hint in wanted}))
            self._closed_until = 0.0
        except BrokerUnavailable as error:
            self._open_breaker(error)

    def _discard(self, broker: Broker, queue: str, ids: Sequence[UUID]) -> None:
        if time.monotonic() < self._closed_until:
            return
        try:
            broker.discard(queue, ids)
        except BrokerUnavailable as error:
            self._open_breaker(error)
        except Exception:
            logger.exception("Hints not removed count=%s", len(ids))

    def _open_breaker(self, error: BrokerUnavailable) -> None:
        self._closed_until = time.monotonic() + BREAKER_SECONDS
        logger.warning("Broker unavailable, workers fetch from the database error=%s", error)

    def _mute_full_queues(self, broker: Broker, queues: Sequence[str]) -> None:
        self._uncounted = 0
        until = time.monotonic() + MUTE_SECONDS
        for queue, depth in broker.depths(queues).items():
            if depth >= FULL_INDEX:
                self._muted_until[queue] = until

    def _notify(self, queues: set[str]) -> None:
        connection = connections[self.database]
        if connection.vendor != "postgresql":
            return
        try:
            with connection.cursor() as cursor:
                for queue in sorted(queues):
                    cursor.execute("SELECT pg_notify(%s, %s)", (self._channel(), queue))
        except DatabaseError as error:
            logger.warning("Workers not notified, they poll error=%s", error)


class Gather:
    """The hints of one set of savepoints, and the on-commit callback that sends them.

    It is looked up in `connection.run_on_commit`, never by a flag: when a savepoint is rolled
    back, Django drops the callback, and the hints with it. A transaction pushes at most 10,000
    hints; the indexer adds the rest.
    """

    def __init__(self, outbox: Outbox, savepoints: set[str], older: "Gather | None") -> None:
        self.outbox = outbox
        self.savepoints = savepoints
        self.older = older
        self.room: int = older.room if older is not None else HINTS_A_TRANSACTION
        self.hints: list[Hint] = []
        self.awaited: set[UUID] = set()

    def depends_on(self, active: set[str]) -> set[str]:
        """Return the active savepoints whose rollback still drops this buffer.

        The others have been released; a rollback would have dropped this buffer.
        """
        return self.savepoints & active

    def merged(self, active: set[str]) -> "Gather":
        """Move the hints to the older buffer if it lives as long; return the buffer that has them.

        So a loop over blocks with one savepoint each ends in two pushes, not one per block.
        """
        older = self.older
        if older is None or older.depends_on(active) != self.depends_on(active):
            return self
        older.hints += self.hints
        older.room = self.room
        self.hints = []
        return older

    def add(self, hints: Sequence[Hint], awaited: Sequence[UUID]) -> None:
        kept = hints[: self.room]
        self.room -= len(kept)
        self.hints.extend(kept)
        self.awaited.update(awaited)

    def __call__(self) -> None:
        self.outbox._send(self.hints)  # noqa: SLF001 - two halves of one thing

    def holds(self, id_: UUID) -> bool:
        """Return whether the transaction that is still open enqueued this record."""
        return id_ in self.awaited or any(hint.id == id_ for hint in self.hints)
