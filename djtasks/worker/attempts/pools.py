"""Slots: threads for plain functions, one event loop for coroutines."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from contextvars import Context
from functools import cached_property, partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from asgiref.sync import sync_to_async

from djtasks.protocol.records import Claim
from djtasks.store.sessions import (
    are_worn,
    check_before_task,
    close_after_task,
    refresh_connections,
)
from djtasks.worker.attempts import event_loops
from djtasks.worker.attempts.board import Board
from djtasks.worker.attempts.contexts import fresh_context
from djtasks.worker.attempts.lookahead import Lookahead
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.running import CoroutineGate, Running, ThreadGate, Work
from djtasks.worker.attempts.time_limits import Limits
from djtasks.worker.loops import ProgressCounter

logger = logging.getLogger("djtasks.worker")

_LOOP_PROGRESS_SECONDS = 0.5
_CONNECTION_ROUND_SECONDS = 5.0
_IDLE_SECONDS = 1.0


class ThreadPool:
    """Threads that take work from a queue, run it and pass on the outcome."""

    def __init__(
        self,
        slots: range,
        pipeline: Pipeline,
        limits: Limits,
        done: Callable[[Finished], None],
        *,
        board: Board,
    ) -> None:
        self.size = len(slots)
        self._first_slot = slots.start
        self._board = board
        self._pipeline = pipeline
        self._limits = limits
        self._done = done
        self._waiting: SimpleQueue[Work] = SimpleQueue()
        self._came = 0
        self._running: dict[int, Running] = {}
        self.lookahead = Lookahead(self.size)
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), name=f"slot-{number}", daemon=True)
            for number, slot in enumerate(slots, start=1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def room(self) -> int:
        return self.lookahead.room(self._waiting.qsize() + len(self._running))

    @property
    def running(self) -> Iterable[Running]:
        return list(self._running.values())

    def submit(self, work: Work) -> None:
        self._came += 1
        self._waiting.put(work)

    def take_back(self) -> list[Claim]:
        return [work.claim for work in _emptied(self._waiting)]

    def take_back_stuck(self) -> list[Claim]:
        failed = self.lookahead.has_failed(came=self._came, waiting=self._waiting.qsize())
        return self.take_back() if failed else []

    def _serve(self, slot: int) -> None:
        gate, context = ThreadGate(), fresh_context()
        while True:
            try:
                context.copy().run(self.run, self._waiting.get(), gate, slot)
            except BaseException:
                logger.exception("A slot failed and goes on")

    def run(self, work: Work, gate: ThreadGate, slot: int) -> None:
        """Run one claim in this thread."""
        self._board.show(slot, work.claim.id)
        _tidy(check_before_task)
        finished = self._pipeline.run(work, gate, partial(self._watch, slot))
        self._running.pop(slot, None)
        _tidy(close_after_task, went_well=finished.error is None, was_interrupted=gate.has_thrown)
        self._board.clear(slot)
        self.lookahead.learn(finished.seconds)
        self._done(finished)

    def _watch(self, slot: int, running: Running) -> None:
        self._running[slot] = running
        self._limits.watch(running)

    def run_waiting(self) -> int:
        """Run waiting work in this thread instead of in slots; for `--processes 0`."""
        gate = ThreadGate()
        waiting = _emptied(self._waiting)
        for work in waiting:
            self._context.copy().run(self.run, work, gate, self._first_slot)
        return len(waiting)

    @cached_property
    def _context(self) -> Context:
        return fresh_context()


class AsyncPool:
    """One event loop in its own thread, which starts coroutines directly."""

    def __init__(
        self,
        slots: range,
        pipeline: Pipeline,
        limits: Limits,
        done: Callable[[Finished], None],
        *,
        board: Board,
        counter: ProgressCounter | None = None,
    ) -> None:
        self.size = len(slots)
        self._free = list(slots)
        self._board = board
        self._pipeline = pipeline
        self._limits = limits
        self._done = done
        self._counter = counter
        self._running: dict[int, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._waiting: SimpleQueue[Work] = SimpleQueue()
        self._came = 0
        self._is_called = False
        self._is_stopping = False
        self._ended = 0
        self._ended_at = 0.0
        self._opened: Sequence[Any] | None = None
        self._is_refreshing = False
        self.lookahead = Lookahead(self.size)
        self._thread = threading.Thread(target=self._serve, name="asyncio", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cancel what runs, then close the loop and the connections of its coroutines."""
        self._is_stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)

    @property
    def room(self) -> int:
        return self.lookahead.room(self._waiting.qsize() + self.size - len(self._free))

    @property
    def running(self) -> Iterable[Running]:
        return list(self._running.values())

    def submit(self, work: Work) -> None:
        self._came += 1
        self._waiting.put(work)
        if not self._is_called:
            # Once for many items: each call writes to a socket to wake the loop.
            self._is_called = True
            self._loop.call_soon_threadsafe(self._launch)

    def take_back(self) -> list[Claim]:
        return [work.claim for work in _emptied(self._waiting)]

    def take_back_stuck(self) -> list[Claim]:
        failed = self.lookahead.has_failed(came=self._came, waiting=self._waiting.qsize())
        return self.take_back() if failed else []

    def _launch(self) -> None:
        """Start waiting work while slots are free."""
        self._is_called = False
        with suppress(Empty):
            while self._free:
                work = self._waiting.get_nowait()
                if self._opened and monotonic() - self._ended_at > _IDLE_SECONDS:
                    self._refresh_soon()
                self._start(self._run(work, self._free.pop()))

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, work: Work, slot: int) -> None:
        self._board.show(slot, work.claim.id)
        finished = await self._pipeline.run_async(work, partial(self._watch, slot))
        running = self._running.pop(slot, None)
        if running is not None:
            running.gate = None
        self._board.clear(slot)
        self._free.append(slot)
        self._ended += 1
        self._ended_at = monotonic()
        self.lookahead.learn(finished.seconds)
        if finished.error is not None or self._opened is None or are_worn(self._opened):
            self._refresh_soon()
        self._launch()
        self._done(finished)

    def _watch(self, slot: int, running: Running) -> None:
        current: Any = asyncio.current_task()
        running.gate = CoroutineGate(self._loop, current)
        self._running[slot] = running
        self._limits.watch(running)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.create_task(self._move_counter())
        self._loop.create_task(self._check_connections())
        while not self._is_stopping:
            # Comes back if a task stops the loop, or if something that a task has started on it
            # raises SystemExit or KeyboardInterrupt; what waits in the loop is still there.
            try:
                self._loop.run_forever()
            except BaseException:
                logger.exception("A coroutine tried to end the process, the event loop goes on")
        event_loops.end(self._loop, has_connections=bool(self._opened))

    async def _move_counter(self) -> None:
        while True:
            if self._counter is not None:
                self._counter.move()
            await asyncio.sleep(_LOOP_PROGRESS_SECONDS)

    async def _check_connections(self) -> None:
        """Close broken or old connections of the thread that all coroutines share."""
        seen = 0
        while True:
            await asyncio.sleep(_CONNECTION_ROUND_SECONDS)
            if self._ended != seen:
                seen = self._ended
                self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Check the shared connections before the first query of a coroutine that starts later."""
        if not self._is_refreshing:
            self._is_refreshing = True
            self._start(self._refresh())

    async def _refresh(self) -> None:
        try:
            self._opened = await sync_to_async(refresh_connections)()
        finally:
            self._is_refreshing = False


def _tidy(step: Callable[..., None], **how: bool) -> None:
    """Look after this thread's connections. An error there must not cost a task or a slot."""
    try:
        step(**how)
    except BaseException:
        logger.exception("The connections of a slot could not be checked or closed")


def _emptied(waiting: "SimpleQueue[Work]") -> list[Work]:
    """Remove and return everything in a queue."""
    taken: list[Work] = []
    with suppress(Empty):
        while True:
            taken.append(waiting.get_nowait())
    return taken
