"""Sources of claims: the broker's index, or the database if there is no broker."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.errors import BrokerUnavailable
from djtasks.store import Lane
from djtasks.store.listener import Listener
from djtasks.store.workers import paused_queues
from djtasks.worker.attempts.running import Work
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.config import WorkerConfig
from djtasks.worker.promoter import Promoter

logger = logging.getLogger("djtasks.worker")

BLOCK = timedelta(seconds=1)
PROBE_SECONDS = 1.0
SHORTEST_POLL = 0.05
LONGEST_POLL = 1.0
_PAUSED_SECONDS = 2.0
_NAMES_SECONDS = 5.0
_NAMES_KEPT_SECONDS = 3600.0
_OLDEST_EVERY = 8
# A look leaves as many dead ids in the index as it claims tasks, unless the broker can remove
# them. With several dead pops to each look, they become fewer.
_DEAD_POPS_A_LOOK = 4


class Queues:
    """Decides which queues to fetch from, and in which order."""

    def __init__(self, engine: Engine, asked: Sequence[str] | None) -> None:
        self._engine = engine
        self._strict = asked is not None
        self._fixed = list(asked if asked is not None else engine.queues)
        self._learnt: dict[str, float] = {}
        self._learnt_at = self._paused_at = float("-inf")
        self._paused: set[str] = set()

    @property
    def only(self) -> list[str] | None:
        """The queues a claim may come from; None if any name is allowed."""
        return self._fixed or None

    def now(self) -> list[str]:
        """Return the queues that are not paused, in strict order if configured, else shuffled.

        Reads paused queues from the database every 2 s, so as not to pop their ids; a claim looks
        for itself. If QUEUES is empty, the names are those of the registered tasks and those in
        use, read every 5 s and kept for an hour.
        """
        open_ones = [name for name in self._names() if name not in self._paused_now()]
        if not self._strict:
            random.shuffle(open_ones)
        return open_ones

    def arrange(self, lanes: Sequence[Lane]) -> list[Lane]:
        """Return the lanes to fetch from, best first."""
        paused = self._paused_now()
        names = self._fixed or sorted({lane.queue for lane in lanes})
        if not self._strict:
            names = random.sample(names, len(names))
        rank = {name: place for place, name in enumerate(names)}
        ours = [lane for lane in lanes if lane.queue in rank and lane.queue not in paused]
        return sorted(ours, key=lambda lane: (rank[lane.queue], -lane.priority))

    def look_for_pauses(self) -> None:
        """Read paused queues when they are needed next: the database refused to claim."""
        self._paused_at = float("-inf")

    def _names(self) -> list[str]:
        if self._fixed:
            return self._fixed
        now = time.monotonic()
        if now - self._learnt_at >= _NAMES_SECONDS:
            self._learn(now)
            self._learnt_at = now
        return sorted(self._learnt)

    def _learn(self, now: float) -> None:
        """Note names in use. A queue without waiting tasks is where the next hint may arrive."""
        used = {lane.queue for lane in self._engine.store.scan().lanes}
        tasks = (task for task in registry.all_tasks() if task.backend == self._engine.alias)
        used |= {self._engine.with_policy(task).queue_name for task in tasks}
        oldest = now - _NAMES_KEPT_SECONDS
        kept = {name: seen for name, seen in self._learnt.items() if seen > oldest}
        self._learnt = kept | dict.fromkeys(used, now)

    def _paused_now(self) -> set[str]:
        now = time.monotonic()
        if now - self._paused_at >= _PAUSED_SECONDS:
            self._paused = paused_queues(self._engine.database, self._engine.alias)
            self._paused_at = now
        return self._paused


class BrokerSource:
    """Pops ids and claims them. Falls back to the database while the broker is unavailable.

    It also polls the database if the index was empty for two heartbeats: a Redis that is full
    answers every pop but rejects pushes, so nothing else would reveal that tasks wait. And it
    claims from the database after every few pops of ids that are mostly dead, such as those of
    deleted tasks: whatever their number, they delay no task.
    """

    def __init__(
        self,
        engine: Engine,
        queues: Queues,
        holdings: Holdings,
        *,
        worker: UUID,
        fallback: "DatabaseSource",
        burst: bool = False,
        unclaimed: Callable[[Sequence[UUID]], None] = lambda _ids: None,
    ) -> None:
        assert engine.broker is not None
        self._broker = engine.broker
        self._store = engine.store
        self._find = engine.find
        self._queues = queues
        self._worker = worker
        self._holdings = holdings
        self._fallback = fallback
        self._burst = burst
        self._tell_unclaimed = unclaimed
        self._away_until = 0.0
        self._is_away = self._is_dry = False
        self._poll_interval = 2 * engine.options.heartbeat.total_seconds()
        self._next_poll = time.monotonic() + self._poll_interval
        self._unclaimed: list[UUID] = []
        self._dead_pops = 0

    def fetch(self, room: int) -> list[Work]:
        """Return up to `room` claims; wait up to a second for the first."""
        if self._is_away and time.monotonic() < self._away_until:
            return self._fallback.fetch(room)
        if self._dead_pops >= _DEAD_POPS_A_LOOK and (batch := self._look_past_dead(room)):
            return batch
        if not self._unclaimed and not self._pop(room):
            return self._fallback.fetch(room) if self._is_away or self._burst else self._look(room)
        self._is_dry = False
        self._next_poll = time.monotonic() + self._poll_interval
        popped = len(self._unclaimed)
        batch = self._claim()
        self._dead_pops = self._dead_pops + 1 if 2 * len(batch) < popped else 0
        return batch

    def _look_past_dead(self, room: int) -> list[Work]:
        """Return due claims from the database, and remove their hints from the index."""
        self._dead_pops = 0
        batch = self._fallback.fetch(room, waits=False)
        try:
            for queue in {work.claim.queue for work in batch}:
                ids = [work.claim.id for work in batch if work.claim.queue == queue]
                self._broker.discard(queue, ids)
        except BrokerUnavailable as error:
            logger.warning("Hints not removed from the index count=%s error=%s", len(batch), error)
        except BaseException:
            # Whatever it is, these tasks are claimed and must run.
            logger.exception("Hints not removed from the index count=%s", len(batch))
        return batch

    def _look(self, room: int) -> list[Work]:
        """Return due claims from the database if it is time to poll it."""
        now = time.monotonic()
        if not self._is_dry and now < self._next_poll:
            return []
        self._next_poll = now + self._poll_interval
        batch = self._fallback.fetch(room, waits=False)
        if batch and not self._is_dry:
            logger.warning("Index empty while tasks are due, fetching from the database too")
        self._is_dry = bool(batch)
        return batch

    def _pop(self, room: int) -> bool:
        names = self._queues.now()
        if not names:
            time.sleep(SHORTEST_POLL)
            return False
        probing = self._is_away or self._is_dry or self._burst
        try:
            self._unclaimed = self._broker.pop(
                names, limit=room, wait=timedelta(0) if probing else BLOCK
            )
        except BrokerUnavailable as error:
            if not self._is_away:
                logger.warning("Broker unavailable, fetching from the database error=%s", error)
            self._is_away = True
            self._away_until = time.monotonic() + PROBE_SECONDS
            return False
        if self._is_away:
            logger.warning("Broker is back")
        self._is_away = False
        return bool(self._unclaimed)

    def _claim(self) -> list[Work]:
        with self._holdings.claiming:
            wanted = [id_ for id_ in dict.fromkeys(self._unclaimed) if id_ not in self._holdings]
            # If a claim raises, these ids are claimed again once the database answers, and
            # no more are popped. Else an outage would empty the index.
            claims = self._store.claim(wanted, worker=self._worker, queues=self._queues.only)
            for claim in claims:
                self._holdings.add(claim)
        self._unclaimed = []
        if len(claims) < len(wanted):
            self._queues.look_for_pauses()
            claimed = {claim.id for claim in claims}
            self._tell_unclaimed([id_ for id_ in wanted if id_ not in claimed])
        return [Work.of(claim, self._find) for claim in claims]


class DatabaseSource:
    """Claims due records straight from the database, polled or woken by a NOTIFY."""

    def __init__(
        self,
        engine: Engine,
        queues: Queues,
        holdings: Holdings,
        *,
        worker: UUID,
        listener: Listener | None = None,
        wait: Callable[[float], object] = time.sleep,
        on_empty: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = engine.store
        self._find = engine.find
        self._queues = queues
        self._worker = worker
        self._holdings = holdings
        self._listener = listener
        self._wait = wait
        self._on_empty = on_empty
        self._poll = SHORTEST_POLL
        self._fetches = 0

    def fetch(self, room: int, *, waits: bool = True) -> list[Work]:
        """Return up to `room` claims; if there are none, wait a little, longer each time.

        With `waits=False`, do not wait.
        """
        lanes = self._queues.arrange(self._store.scan().lanes)
        batch = self._claim(lanes, room) if lanes else []
        if len(batch) < room:
            self._on_empty()
        if batch:
            self._poll = SHORTEST_POLL
        elif not waits:
            return []
        elif self._listener is not None:
            self._listener.wait(LONGEST_POLL)
        else:
            self._wait(self._poll)
            self._poll = min(self._poll * 1.5, LONGEST_POLL)
        return batch

    def _claim(self, lanes: Sequence[Lane], room: int) -> list[Work]:
        self._fetches += 1
        with self._holdings.claiming:
            claims = self._store.claim_due(
                lanes,
                worker=self._worker,
                limit=room,
                # Keeps low priorities from starving, as no index ranks by age here.
                oldest_first=self._fetches % _OLDEST_EVERY == 0,
            )
            for claim in claims:
                self._holdings.add(claim)
        return [Work.of(claim, self._find) for claim in claims]


def source_for(
    engine: Engine, asks: WorkerConfig, holdings: Holdings, *, worker: UUID, promoter: Promoter
) -> BrokerSource | DatabaseSource:
    """Return the source of a child's claims: the database itself only if there is no broker."""
    queues = Queues(engine, asks.queues)
    listener = None
    if engine.broker is None and Listener.is_possible(engine.database):
        listener = Listener(engine.database, engine.channel)
    parts = (engine, queues, holdings)
    database = DatabaseSource(*parts, worker=worker, listener=listener, on_empty=promoter.ask)
    if engine.broker is None:
        return database
    return BrokerSource(
        *parts,
        worker=worker,
        fallback=database,
        burst=asks.burst,
        unclaimed=promoter.unclaimed,
    )
