"""The indexer: pushes hints of due records that the broker does not have.

It is the only mechanism for delays, retries, lost hints, a flushed or full Redis, and producers
that died before their push.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from djtasks.brokers import Broker
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.protocol.hints import MAX_PRIORITY, Hint, score_of
from djtasks.store import Lane, Snapshot
from djtasks.store.base import DueRecord

logger = logging.getLogger("djtasks.worker")

FAST_SECONDS = 0.25
IDLE_SECONDS = 0.5
PAGE = 1_000
FULL_INDEX = 1_000_000
OLD_ENOUGH = timedelta(seconds=2)
REPUSH_SECONDS = 60.0
_PATIENCE = 20  # a scan may take a twentieth of the time
_LONGEST_REFILL_SECONDS = 2.0


class Indexer:
    """Scans the READY index in two ways, lane by lane.

    Four times a second, or twice while no record is READY, it pushes what fell due since the
    last scan. Every heartbeat, and at once when a queue runs empty or the broker comes back, it
    pushes the first page of records due for 2 s, and further pages while most of a page was
    missing. A lost hint gets into the first page by the time its turn comes, so a backlog of
    millions costs one page a scan.
    """

    def __init__(self, engine: Engine, broker: Broker) -> None:
        self._engine = engine
        self._broker = broker
        self._slow_seconds = engine.options.heartbeat.total_seconds()
        self._seen_until: datetime | None = None
        self._not_before = 0.0
        self._slow_at = float("-inf")
        self._depths: dict[str, int] = {}
        self._is_away = False
        self._recent = Recent()

    def tick(self) -> float:
        """Scan once if it is time; return the pause in seconds until the next scan."""
        now = time.monotonic()
        if now < self._not_before:
            return self._not_before - now
        snapshot = self._engine.store.scan()
        fell_due = self._fell_due(snapshot)
        cost = time.monotonic() - now
        try:
            self._push(fell_due, snapshot.now)
            if self._is_time_for_pages(snapshot, now):
                cost += self._index_pages(snapshot)
                self._slow_at = now
            self._is_away = False
        except BrokerUnavailable as error:
            if not self._is_away:
                logger.warning("Broker unavailable, nothing indexed error=%s", error)
            self._is_away = True
        self._seen_until = snapshot.now
        # Dead index entries behind a long transaction make scans slow: then scan less often.
        pause = max(FAST_SECONDS if snapshot.lanes else IDLE_SECONDS, cost * _PATIENCE)
        self._not_before = now + pause
        return pause

    def _fell_due(self, snapshot: Snapshot) -> list[DueRecord]:
        if self._seen_until is None or not snapshot.lanes:
            return []
        return self._engine.store.fell_due(
            snapshot.lanes, after=self._seen_until, until=snapshot.now, limit=PAGE
        )

    def _is_time_for_pages(self, snapshot: Snapshot, now: float) -> bool:
        queues = sorted({lane.queue for lane in snapshot.lanes})
        before, self._depths = self._depths, self._broker.depths(queues) if queues else {}
        if self._is_away:
            self._recent.forget()
        for queue in queues:
            if not self._depths[queue]:
                self._recent.forget(queue)
        ran_empty = any(before.get(queue) and not self._depths[queue] for queue in queues)
        return self._is_away or ran_empty or now - self._slow_at >= self._slow_seconds

    def _index_pages(self, snapshot: Snapshot) -> float:
        """Index the first page of every lane, and further ones where most was missing.

        Returns how many seconds the first pages took; later pages do not count as scanning.
        """
        started = time.monotonic()
        until = snapshot.now - OLD_ENOUGH
        cost = 0.0
        for lane in snapshot.lanes:
            before = time.monotonic()
            page = self._engine.store.due_page(lane, until=until, limit=PAGE)
            cost += time.monotonic() - before
            missing = self._push(page, snapshot.now)
            while 2 * missing > PAGE and self._may_go_on(lane, started):
                page = self._engine.store.due_page(lane, until=until, limit=PAGE, after=page[-1])
                missing = self._push(page, snapshot.now)
        return cost

    def _may_go_on(self, lane: Lane, started: float) -> bool:
        """Return whether to index another page of this lane; the first one needs no permission."""
        if time.monotonic() - started > _LONGEST_REFILL_SECONDS:
            return False
        if not self._broker.holds_once and self._depths.get(lane.queue, 0) >= PAGE:
            return False  # the broker may already hold the rest, and would keep it twice
        return self._broker.depths([lane.queue])[lane.queue] < FULL_INDEX

    def _push(self, records: Sequence[DueRecord], now: datetime) -> int:
        hints = [self._hint(record, now) for record in records]
        if not self._broker.holds_once:
            return self._push_once(self._recent.leave_out(hints))
        return self._broker.push(hints) if hints else 0

    def _push_once(self, hints: list[Hint]) -> int:
        """Push to a broker that keeps duplicates and may accept only some hints at a time."""
        started = time.monotonic()
        pushed = 0
        while pushed < len(hints) and time.monotonic() - started < _LONGEST_REFILL_SECONDS:
            new = self._broker.push(hints[pushed:])
            if not new:
                break
            self._recent.add(hints[pushed : pushed + new])
            pushed += new
        return pushed

    def _hint(self, record: DueRecord, now: datetime) -> Hint:
        longest = self._engine.options.max_wait
        starves = longest is not None and now - record.run_after > longest
        priority = MAX_PRIORITY if starves else record.lane.priority
        return Hint(record.id, record.lane.queue, score_of(priority, record.run_after))


class Recent:
    """The hints pushed within the last minute, for brokers that keep duplicates."""

    def __init__(self) -> None:
        self._pushed: dict[Hint, float] = {}

    def leave_out(self, hints: Sequence[Hint]) -> list[Hint]:
        """Return those of `hints` that were not pushed within the last minute."""
        now = time.monotonic()
        self._pushed = {h: at for h, at in self._pushed.items() if now - at < REPUSH_SECONDS}
        return [hint for hint in hints if hint not in self._pushed]

    def add(self, hints: Sequence[Hint]) -> None:
        """Remember hints that the broker has accepted."""
        self._pushed |= dict.fromkeys(hints, time.monotonic())

    def forget(self, queue: str | None = None) -> None:
        """Forget the hints of an empty queue, or all, so that lost ones can be pushed again."""
        self._pushed = {
            h: at for h, at in self._pushed.items() if queue is not None and h.queue != queue
        }
