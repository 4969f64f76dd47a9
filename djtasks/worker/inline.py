"""`runworker --processes 0`: everything in this process, tasks in its main thread.

Use it with a debugger. If a task crashes, this worker dies; the next worker takes its tasks over.
"""

import logging
import time
from typing import Any

from django.db import DatabaseError, InterfaceError

from djtasks.backend import DjtasksBackend
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.protocol.recovery import Departure
from djtasks.store import workers
from djtasks.store.sessions import engine_connection
from djtasks.store.workers import ChildStatus, HeartbeatReply
from djtasks.worker import messages
from djtasks.worker.attempts.board import Board
from djtasks.worker.attempts.running import Work
from djtasks.worker.burst import Burst
from djtasks.worker.child import hooks
from djtasks.worker.child.child import PROGRESS_COUNTERS, Child
from djtasks.worker.config import ChildConfig, WorkerConfig
from djtasks.worker.duties.coordinator import Coordinator
from djtasks.worker.loops import Loop
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.supervisor.heartbeat import Heartbeat
from djtasks.worker.supervisor.lifecycle import this_host
from djtasks.worker.supervisor.scheduling import SchedulerThread
from djtasks.worker.sweeper import Sweeper

logger = logging.getLogger("djtasks.worker")

_IDLE_PAUSE = 0.01
_WAITING_PAUSE = 0.25
_JOIN_SECONDS = 5.0


class InlineWorker:
    """A child and its supervisor's duties in one process."""

    def __init__(self, engine: Engine, config: WorkerConfig, wakeup: Wakeup) -> None:
        self.id = new_id()
        self._engine = engine
        self._config = config
        self._wakeup = wakeup
        self._child = Child(
            engine,
            ChildConfig(worker=config, supervisor=self.id),
            self.id,
            send=self._read_messages,
            counters=[0] * len(PROGRESS_COUNTERS),
            board=Board(bytearray(Board.size(config.slots))),
            sender=DjtasksBackend,
            is_stopping=lambda: bool(wakeup.stops),
        )
        self._heartbeat = Heartbeat(engine, statuses=self._statuses, on_reply=self._on_reply)
        self._coordinator = Coordinator(engine, self.id)
        self._sweeper = Sweeper(engine, lambda: self._coordinator.is_leading)
        self._scheduler_thread = SchedulerThread(engine, self.id, is_on=config.beat)
        self._burst = Burst(engine, config)

    def run(self) -> int:
        """Run until asked to stop; return the exit code."""
        if not self._register():
            return 0
        loops = [
            Loop("heartbeat", self._heartbeat.tick, database=self._engine.database).start(),
            Loop("coordinator", self._coordinator.tick, database=self._engine.database).start(),
            Loop("sweep", self._sweeper.tick, database=self._engine.database).start(),
        ]
        self._scheduler_thread.start()
        hooks.announce_start(self._engine.alias)
        self._child.start_inline()
        while not self._wakeup.stops:
            if not self._child.threads.run_waiting():
                if self._config.burst and self._burst.is_due and self._is_over():
                    self._wakeup.stop()
                time.sleep(_IDLE_PAUSE)
        self._stop(loops)
        return 0

    def _is_over(self) -> bool:
        with engine_connection(self._engine.database):
            return self._scheduler_thread.first_scan_done and self._burst.is_over()

    def _stop(self, loops: list[Loop]) -> None:
        with engine_connection(self._engine.database):
            self._scheduler_thread.stop()
            self._child.drain()
        hooks.announce_end(self._engine.alias)
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(_JOIN_SECONDS)
        self._child.stop(_JOIN_SECONDS)
        self._sign_off()

    def _sign_off(self) -> None:
        try:
            with engine_connection(self._engine.database):
                self._coordinator.drop_lease()
                workers.leave(self._engine.database, self.id, Departure(crashed=False))
        except (DatabaseError, InterfaceError):
            logger.warning("Not signed off, the reaper of another worker will do it")

    def _register(self) -> bool:
        """Insert this worker's row once the database answers; False if asked to stop before."""
        row = self._row()
        is_waiting = False
        while not self._wakeup.stops:
            try:
                with engine_connection(self._engine.database):
                    workers.register(self._engine.database, row)
            except (DatabaseError, InterfaceError) as error:
                if not is_waiting:
                    logger.warning("Worker waits for the database error=%s", error)
                is_waiting = True
                time.sleep(_WAITING_PAUSE)
            else:
                return True
        return False

    def _row(self) -> workers.NewWorker:
        host, pid, version = this_host()
        return workers.NewWorker(
            id=self.id,
            supervisor=self.id,
            backend=self._engine.alias,
            host=host,
            pid=pid,
            version=version,
            queues=self._config.queues or self._engine.queues,
            slots=1,
        )

    def _statuses(self) -> dict[Any, ChildStatus]:
        return {self.id: ChildStatus(rss=None, draining=bool(self._wakeup.stops), tasks=())}

    def _on_reply(self, reply: HeartbeatReply) -> None:
        for _worker, record in reply.cancelled:
            self._child.obey(messages.CancelTask(record))
        if reply.gone or "stop" in reply.orders.values():
            self._wakeup.stop()

    def _read_messages(self, message: Any) -> None:
        match message:
            case messages.HandOver(claim=claim):
                # No other process runs tasks here, so no other task would suffer from its crash.
                self._child.fetcher.submit(Work.of(claim, self._engine.find))
            case messages.Hung() | messages.Recycle():
                self._wakeup.stop()
