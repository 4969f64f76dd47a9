"""The protocol in one process and one thread of control: real parts, invented faults.

Store (on SQLite in memory), broker, claims, holdings, self-audit, settler, heartbeat, reaper,
`judge` and `judge_release` are those of a worker. Processes, the network and time are not:
whoever drives this says when a request arrives, an answer is lost, a process dies or stands.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections

from djtasks.brokers.memory import MemoryBroker
from djtasks.definitions import registry
from djtasks.formats.ids import new_id
from djtasks.models import WorkerRecord
from djtasks.options import parse_options
from djtasks.protocol.records import Claim
from djtasks.protocol.recovery import Departure
from djtasks.store import Store, workers
from djtasks.store.portable import PortableStore
from djtasks.store.workers import ChildStatus, NewWorker
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import Running, ThreadGate, Work
from djtasks.worker.child.giving_back import give_back
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.housekeeper import Housekeeper
from djtasks.worker.child.settler import Settler
from djtasks.worker.child.sources import BrokerSource, DatabaseSource, Queues
from djtasks.worker.supervisor.departures import publish

FATES = ("arrives", "answer lost", "request lost", "arrives late")
SLOW = "slow fetch"
_ROOM = 2
_WRITES = {"claim", "claim_due", "settle", "give_back"}


class Wire:
    """What lies between one process and the store: `fate` strikes its next write."""

    def __init__(self, store: Any, late: list[Callable[[], Any]]) -> None:
        self._store = store
        self._late = late
        self.fate = "arrives"
        self.applied: threading.Event | None = None
        self.may_answer = threading.Event()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        return self._sent(real) if name in _WRITES else real

    def _sent(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def send(*args: Any, **kwargs: Any) -> Any:
            fate, self.fate = self.fate, "arrives"
            if fate == "arrives late":
                self._late.append(lambda: real(*args, **kwargs))
            answer = real(*args, **kwargs) if fate in ("arrives", "answer lost") else None
            if fate != "arrives":
                raise OperationalError(f"{real.__name__}: {fate}")
            if self.applied is not None and threading.current_thread().name == SLOW:
                self.applied.set()
                self.may_answer.wait(60)
            return answer

        return send


class Installation:
    """Database, broker and everything that is on its way to them."""

    def __init__(self, alias: str, store: Store | None = None) -> None:
        self.alias = alias
        self.late: list[Callable[[], Any]] = []
        self.options = parse_options({"broker": "memory", "heartbeat": timedelta(hours=1)})
        self.broker = MemoryBroker("default", self.options, lambda: "machine")
        self.store = store or PortableStore(alias, "default")

    def engine(self, store: Any) -> Any:
        """Return the parts of a process that reaches the store by `store`."""
        return SimpleNamespace(
            alias="default",
            database=self.alias,
            queues=("default",),
            options=self.options,
            broker=self.broker,
            store=store,
            now=store.now,
            find=registry.find,
        )

    def census(self) -> dict[UUID, int | None]:
        return workers.census(self.alias)


class Child:
    """One process of a worker; `is_alive` and `is_stopped` are what the system did to it."""

    def __init__(self, site: Installation) -> None:
        self.site = site
        self.id = new_id()
        self.is_alive = True
        self.is_stopped = False
        self.wire = Wire(site.store, site.late)
        self.holdings = Holdings()
        self.pipeline = Pipeline(self.wire, self.id)
        self.index, self.database = self._sources()
        self.settler = Settler(self.wire, self.id, self.holdings, on_settled=())
        self.housekeeper = Housekeeper(
            self.wire,
            self.id,
            self.holdings,
            running=list,
            every=timedelta(hours=1),
            report=lambda _facts: None,
        )
        self.queued: list[Claim] = []
        self.running: dict[UUID, Running] = {}
        self.waiting_fetch: threading.Thread | None = None
        workers.register(site.alias, self._row())

    def _sources(self) -> tuple[BrokerSource, DatabaseSource]:
        engine = self.site.engine(self.wire)
        nothing: Any = SimpleNamespace(fetch=lambda _room, **_options: [])
        parts = (engine, Queues(engine, ["default"]), self.holdings)
        return (
            BrokerSource(*parts, worker=self.id, fallback=nothing, burst=True),
            DatabaseSource(*parts, worker=self.id, wait=lambda _seconds: None),
        )

    def _row(self) -> NewWorker:
        return NewWorker(
            id=self.id,
            supervisor=self.id,
            backend="default",
            host="here",
            pid=0,
            version="0",
            queues=["default"],
            slots=_ROOM,
        )

    @property
    def acts(self) -> bool:
        return self.is_alive and not self.is_stopped

    @property
    def has_row(self) -> bool:
        return WorkerRecord.objects.filter(pk=self.id).exists()

    def fetch(self, fate: str, *, index: bool = True) -> None:
        """Claim what the index names, or what is due; a fetch that fails is repeated by the next.

        Without its index it asks the database what is due, as while Redis is away.
        """
        self.wire.fate = fate
        try:
            batch = (self.index if index else self.database).fetch(_ROOM)
            self.queued += [work.claim for work in batch]
        except OperationalError:
            pass
        finally:
            self.wire.fate = "arrives"

    def fetch_slowly(self) -> None:
        """Pop and claim, and wait for an answer that takes its time: see `answer`."""
        self.wire.applied, self.wire.may_answer = threading.Event(), threading.Event()
        applied = self.wire.applied

        def fetch() -> None:
            try:
                batch = self.index.fetch(_ROOM)
                if self.is_alive:
                    self.queued += [work.claim for work in batch]
            finally:
                applied.set()
                connections.close_all()

        self.waiting_fetch = threading.Thread(target=fetch, name=SLOW, daemon=True)
        self.waiting_fetch.start()
        assert applied.wait(60)

    def answer(self) -> None:
        """Let the slow answer come."""
        if self.waiting_fetch is not None:
            self.wire.may_answer.set()
            self.waiting_fetch.join(60)
            self.waiting_fetch, self.wire.applied = None, None

    def start(self) -> Running:
        """Start what was claimed first."""
        work = Work.of(self.queued.pop(0))
        refused = self.pipeline.refuse(work)
        assert refused is None
        running = self.running[work.claim.id] = self.pipeline.begin(work)
        return running

    def give_back(self, fate: str) -> None:
        """Return what was claimed ahead, as when it has waited too long for a slot."""
        claims, self.queued = self.queued, []
        self.wire.fate = fate
        give_back(self.site.engine(self.wire), self.holdings, claims, worker=self.id)
        self.wire.fate = "arrives"

    def finish(self, id_: UUID) -> None:
        """Let the task function come to its end."""
        running = self.running.pop(id_)
        work = Work(running.claim, running.task)
        outcome = self.pipeline.call(running, ThreadGate())
        settlement = self.pipeline.judge(work, outcome, running)
        self.settler.put(self.pipeline.settle(work, outcome, settlement, running))

    def settle(self, fate: str) -> None:
        """Send what has collected; what fails stays and is sent again."""
        if self.settler.is_empty:
            return
        self.wire.fate = fate
        try:
            self.settler.tick()
        except OperationalError:
            pass
        finally:
            self.wire.fate = "arrives"

    def audit(self, fate: str) -> None:
        """Compare with the database, unless a claim is in the air, for which it waits."""
        if self.holdings.claiming.locked():
            return
        self.wire.fate = fate
        try:
            self.housekeeper.audit()
        except OperationalError:
            pass
        finally:
            self.wire.fate = "arrives"

    def heartbeat(self) -> None:
        """Show that it lives; one whose row is gone leaves at once."""
        reply = workers.heartbeat(
            self.site.alias, {self.id: ChildStatus(rss=None, draining=False, tasks=())}
        )
        if reply.gone:
            self.die()

    def die(self) -> None:
        """End, with everything that was in memory."""
        self.is_alive = False
        self.answer()
        self.queued.clear()
        self.running.clear()

    def leave(self) -> None:
        """Let its supervisor move what it left."""
        assert not self.is_alive
        publish(
            self.site.engine(self.site.store),
            workers.leave(self.site.alias, self.id, Departure(crashed=True)),
        )


def acts(child: Child) -> bool:
    return child.acts


def can_fetch(child: Child) -> bool:
    return child.acts and child.waiting_fetch is None


def is_kept_waiting(child: Child) -> bool:
    return child.acts and child.waiting_fetch is not None


def can_start(child: Child) -> bool:
    return child.acts and bool(child.queued)


def can_give_back(child: Child) -> bool:
    return can_start(child) and can_fetch(child)


def can_finish(child: Child) -> bool:
    return child.acts and bool(child.running)


def can_settle(child: Child) -> bool:
    return child.acts and not child.settler.is_empty
