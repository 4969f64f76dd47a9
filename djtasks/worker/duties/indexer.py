"""The indexer: what is due and not in the broker goes there. The one mechanism for delays,
retries, lost hints, a flushed or full Redis, and producers that died before their push.
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
_PATIENCE = 20  # a look may take a twentieth of the time
_LONGEST_REFILL_SECONDS = 2.0


class Indexer:
    """Two looks at the READY index, lane by lane.

    Four times a second, and twice while no record is READY: what fell due since the last look.
    Every few seconds, and at once when a queue runs empty or the broker comes back: the first
    page of what has been due for 2 s, and the next page as long as most of a page was missing.
    Whatever is lost is in the first page by the time its turn comes, so a backlog of millions
    costs one page a look.
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
        """Look once if it is time; return the pause in seconds until the next look."""
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
        # Dead index entries behind a long transaction make looks slow: then look less often.
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
        """Index the first page of every lane, and more where most was missing.

        Returns what the first pages cost in seconds; the rest is work, not looking.
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
        """Whether to refill further: the first page goes in always, so priorities hold."""
        if time.monotonic() - started > _LONGEST_REFILL_SECONDS:
            return False
        if not self._broker.holds_once and self._depths.get(lane.queue, 0) >= PAGE:
            return False  # it may hold the rest already, and would hold it twice
        return self._broker.depths([lane.queue])[lane.queue] < FULL_INDEX

    def _push(self, records: Sequence[DueRecord], now: datetime) -> int:
        hints = [self._hint(record, now) for record in records]
        if not self._broker.holds_once:
            return self._push_once(self._recent.leave_out(hints))
        return self._broker.push(hints) if hints else 0

    def _push_once(self, hints: list[Hint]) -> int:
        """Push to a broker that would keep duplicates, and may take some at a time only."""
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
    """What went within the last minute to a broker that would keep it twice."""

    def __init__(self) -> None:
        self._pushed: dict[Hint, float] = {}

    def leave_out(self, hints: Sequence[Hint]) -> list[Hint]:
        """Return the others of `hints`."""
        now = time.monotonic()
        self._pushed = {h: at for h, at in self._pushed.items() if now - at < REPUSH_SECONDS}
        return [hint for hint in hints if hint not in self._pushed]

    def add(self, hints: Sequence[Hint]) -> None:
        """Remember what has arrived."""
        self._pushed |= dict.fromkeys(hints, time.monotonic())

    def forget(self, queue: str | None = None) -> None:
        """Forget a queue that is empty, so that what was lost may go there again; or all."""
        self._pushed = {
            h: at for h, at in self._pushed.items() if queue is not None and h.queue != queue
        }
