"""A process that runs tasks: its parts, its loops, and how it stops."""

import logging
import time
from collections.abc import Callable, MutableSequence
from functools import partial
from threading import Event
from typing import Any, NoReturn
from uuid import UUID

from djtasks import middleware
from djtasks.engine import Engine
from djtasks.protocol.records import Claim
from djtasks.worker import messages
from djtasks.worker.attempts.board import Board
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.pools import AsyncPool, ThreadPool
from djtasks.worker.attempts.running import Running, Work
from djtasks.worker.attempts.time_limits import Limits
from djtasks.worker.child import hooks
from djtasks.worker.child.announcer import Announcer
from djtasks.worker.child.fetcher import Fetcher
from djtasks.worker.child.giving_back import give_back, reassign, release_claims
from djtasks.worker.child.holdings import Holdings
from djtasks.worker.child.housekeeper import Housekeeper
from djtasks.worker.child.settler import Settler
from djtasks.worker.child.sources import source_for
from djtasks.worker.child.statistics import Statistics
from djtasks.worker.config import ChildConfig
from djtasks.worker.exits import leave
from djtasks.worker.loops import Loop, ProgressCounter
from djtasks.worker.promoter import Promoter

logger = logging.getLogger("djtasks.worker")

PROGRESS_COUNTERS = ("fetch", "settle", "asyncio")
_NEWS_SECONDS = 2.0
_DRAIN_POLL = 0.02

Send = Callable[[Any], None]


def progress_counters(counters: MutableSequence[int]) -> list[ProgressCounter]:
    """Return a counter for each of PROGRESS_COUNTERS, in their order."""
    return [ProgressCounter(counters, place) for place in range(len(PROGRESS_COUNTERS))]


class Child:
    """Everything between the database and the task functions, in one process.

    `send` sends the supervisor a message. `counters` has a place for each of PROGRESS_COUNTERS,
    `board` one for each slot: threads first, then coroutines. `is_stopping` returns whether this
    process was asked to stop; None: whether the supervisor has said so.
    """

    def __init__(
        self,
        engine: Engine,
        config: ChildConfig,
        worker: UUID,
        *,
        send: Send,
        counters: MutableSequence[int],
        board: Board,
        sender: type,
        is_stopping: Callable[[], bool] | None = None,
    ) -> None:
        self.engine = engine
        self.config = config
        self.worker, self.send = worker, send
        self._hung: set[UUID] = set()
        # Not the same: a process that isolates a suspect drains, and its task is to go on.
        self._draining, self._stopping, self.holdings = Event(), Event(), Holdings()
        self.announcer = Announcer(sender, worker, engine.alias)
        self.statistics = Statistics(engine, worker)
        self.promoter = Promoter(engine, self.announcer.ended)
        self.pipeline = self._pipeline(is_stopping or self._stopping.is_set)
        self.limits = Limits(self._on_hung)
        fetching, settling, asyncio = progress_counters(counters)
        self.settler = self._settler()
        self.threads, self.coroutines = self._pools(board, asyncio)
        self.fetcher = self._fetcher()
        self.fetcher.limit_to(config.worker.max_tasks, self._on_max_tasks)
        self.fetch_loop = self._loop("fetch", self.fetcher.tick, fetching)
        self._background = self._background_loops(settling)

    def _pipeline(self, is_stopping: Callable[[], bool]) -> Pipeline:
        return Pipeline(
            self.engine.store,
            self.worker,
            middleware=middleware.load(self.engine.options.middleware),
            max_result=self.engine.options.max_result,
            max_metadata=self.engine.options.max_arguments,
            on_started=self.announcer.started,
            is_stopping=is_stopping,
        )

    def _settler(self) -> Settler:
        return Settler(
            self.engine.store,
            self.worker,
            self.holdings,
            on_settled=(self.promoter.settled, self.announcer.settled, self.statistics.settled),
            on_put=self._wake_fetching,
        )

    def _pools(self, board: Board, counter: ProgressCounter) -> tuple[ThreadPool, AsyncPool]:
        asks = self.config.worker
        threads = range(asks.threads)
        coroutines = range(asks.threads, asks.slots)
        parts = (self.pipeline, self.limits, self.settler.put)
        return (
            ThreadPool(threads, *parts, board=board),
            AsyncPool(coroutines, *parts, board=board, counter=counter),
        )

    def _fetcher(self) -> Fetcher:
        return Fetcher(
            source_for(
                self.engine,
                self.config.worker,
                self.holdings,
                worker=self.worker,
                promoter=self.promoter,
            ),
            self.pipeline,
            threads=self.threads,
            coroutines=self.coroutines,
            done=self.settler.put,
            hand_over=lambda claim: self.send(messages.HandOver(claim)),
            give_back=partial(give_back, self.engine, self.holdings, worker=self.worker),
            is_held_up=lambda: self.settler.is_full or self.announcer.is_full,
        )

    def _housekeeper(self) -> Housekeeper:
        return Housekeeper(
            self.engine.store,
            self.worker,
            self.holdings,
            running=self.running,
            every=self.engine.options.heartbeat,
            report=lambda tasks: self.send(messages.RunningTasks(tasks)),
        )

    def _background_loops(self, settling: ProgressCounter) -> tuple[Loop, ...]:
        return (
            self._loop("settle", self.settler.tick, settling),
            self._loop("housekeeper", self._housekeeper().tick),
            self._loop("promote", self.promoter.tick),
            self._loop("statistics", self.statistics.tick),
            Loop("announce", self.announcer.tick),
        )

    def _loop(
        self, name: str, tick: Callable[[], float], counter: ProgressCounter | None = None
    ) -> Loop:
        return Loop(name, tick, database=self.engine.database, counter=counter)

    def start(self) -> None:
        """Start all loops and slots; a child for a suspect does not fetch."""
        self.limits.start()
        self.threads.start()
        self.coroutines.start()
        for loop in self._background:
            loop.start()
        if not self.config.alone:
            self.fetch_loop.start()

    def start_inline(self) -> None:
        """Start everything but the thread slots: the caller runs their work itself."""
        self.limits.start()
        self.coroutines.start()
        for loop in (*self._background, self.fetch_loop):
            loop.start()

    def running(self) -> list[Running]:
        """Return the attempts that run now."""
        return [*self.threads.running, *self.coroutines.running]

    def _wake_fetching(self) -> None:
        """Wake the fetch loop if it only waits for room."""
        if self.fetch_loop.is_waiting and self.fetcher.room() > 0:
            self.fetch_loop.wake()

    def _on_max_tasks(self) -> None:
        self.send(messages.Recycle())
        self.drain_soon()

    def _on_hung(self, running: Running) -> None:
        """Tell the supervisor, which ends this process, that a task ignores its limit."""
        logger.error(
            "Task ignores its time limit path=%s id=%s limit=%s s: this process drains and ends",
            running.task_path,
            running.id,
            running.claim.timeout,
        )
        finished = self.pipeline.overdue(running)
        self._hung.add(running.id)
        self.send(messages.Hung(finished.settlement, running.task_path))
        self.drain_soon()

    def obey(self, message: Any) -> None:
        """Obey a message of the supervisor."""
        match message:
            case messages.Pause():
                self.fetcher.is_paused = True
            case messages.Resume():
                self.fetcher.is_paused = False
            case messages.Drain():
                self.drain_soon()
            case messages.CancelTask(id=id_):
                self._cancel(id_)
            case messages.Reassign(claim=claim, previous=previous):
                self._reassign(claim, previous)
            case messages.HandedOver(claim=claim, taken=taken):
                self._after_hand_over(claim, taken=taken)
            case unexpected:
                logger.error("Unknown order %r", unexpected)

    def _cancel(self, id_: UUID) -> None:
        for running in self.running():
            if running.id == id_:
                running.cancel()

    def _reassign(self, claim: Claim, previous: UUID) -> None:
        """Take a suspect over and run it, then exit; this process runs nothing else."""
        taken = reassign(
            self.engine, self.holdings, claim, new_owner=self.worker, previous=previous
        )
        self.send(messages.Reassigned(taken))
        if taken:
            self.fetcher.submit(Work.of(claim, self.engine.find))
        self.drain_soon(give_back=False)

    def _after_hand_over(self, claim: Claim, *, taken: bool) -> None:
        release_claims(self.engine, self.holdings, claim, worker=self.worker, taken=taken)

    def drain_soon(self, *, give_back: bool = True) -> None:
        """Start to drain in a new thread; only the first call does."""
        if give_back:
            self._stopping.set()
        if not self._draining.is_set():
            self._draining.set()
            # A loop, since a process whose drain has failed would neither fetch nor end.
            self._loop("drain", partial(self._drain, give_back=give_back)).start()

    def _drain(self, *, give_back: bool) -> NoReturn:
        self.drain(give_back=give_back)
        self.send(messages.Drained())
        hooks.end_like_a_program(self.engine.alias)
        leave(0)

    def drain(self, *, give_back: bool = True) -> None:
        """Stop fetching, give back what has not started, and wait for the rest to be settled.

        It does not wait for attempts that ignore their time limit. Needs an engine connection.
        """
        self.fetch_loop.stop()
        self.fetch_loop.join()
        if give_back:
            self.fetcher.give_back_waiting()
        while self.holdings.hold_others_than(self._hung):
            self.settler.wake()
            time.sleep(_DRAIN_POLL)
        deadline = time.monotonic() + _NEWS_SECONDS
        while not self.is_flushed() and time.monotonic() < deadline:
            self.statistics.hurry()
            time.sleep(_DRAIN_POLL)

    def stop(self, seconds: float) -> None:
        """Stop all threads after a drain, and wait for them; for `--processes 0`.

        A thread that has not ended after `seconds` is left behind.
        """
        for loop in self._background:
            loop.stop()
        self.settler.wake()
        self.promoter.wake()
        self.announcer.wake()
        self.statistics.hurry()
        self.limits.stop()
        self.coroutines.stop()
        deadline = time.monotonic() + seconds
        joins: list[Callable[[float], object]] = [loop.join for loop in self._background]
        for join in (*joins, self.limits.join, self.coroutines.join):
            join(max(deadline - time.monotonic(), 0.0))

    def is_flushed(self) -> bool:
        """Whether all that follows from settled attempts has been done."""
        has_settled = self.settler.is_empty and self.promoter.is_idle
        return has_settled and self.announcer.is_idle and self.statistics.is_idle
