"""The supervisor: starts, watches and ends children, and releases the records they leave.

It runs no task code. This file is its main thread; heartbeat and coordinator have their own.
"""

import logging
import time
from multiprocessing import connection as pipes
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.store import workers
from djtasks.store.workers import HeartbeatReply
from djtasks.worker import messages
from djtasks.worker.burst import Burst
from djtasks.worker.config import WorkerConfig
from djtasks.worker.duties.coordinator import Coordinator
from djtasks.worker.exits import EXIT_CANNOT_START
from djtasks.worker.loops import Loop, close_quietly
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.probes import Probes
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.heartbeat import Heartbeat
from djtasks.worker.supervisor.isolation import Isolation
from djtasks.worker.supervisor.launchers import Launcher
from djtasks.worker.supervisor.lifecycle import Children
from djtasks.worker.supervisor.scheduling import SchedulerThread
from djtasks.worker.supervisor.watchdog import Watchdog
from djtasks.worker.supervisor.witnesses import SupervisorWitness
from djtasks.worker.sweeper import Sweeper

logger = logging.getLogger("djtasks.worker")

_ROUND_SECONDS = 0.25
_LAST_MOVES_SECONDS = 5.0


class Supervisor:
    """The supervisor of one `runworker`. `run()` returns the exit code."""

    def __init__(
        self, engine: Engine, config: WorkerConfig, wakeup: Wakeup, *, launcher: Launcher
    ) -> None:
        self.id = new_id()
        self._engine = engine
        self._config = config
        self._wakeup = wakeup
        self._children = Children(engine, config, self.id, launcher=launcher)
        self._isolation = Isolation(self._children)
        self._orders: SimpleQueue[tuple[UUID, str]] = SimpleQueue()
        self._unregistered: list[ChildHandle] = []
        self._stopping = 0
        self._burst = Burst(engine, config)
        self._heartbeat = Heartbeat(
            engine, statuses=self._children.statuses, on_reply=self._on_reply
        )
        self._heartbeat_loop = Loop("heartbeat", self._heartbeat.tick, database=engine.database)
        self._watchdog = Watchdog(engine, config, self._heartbeat)
        coordinator = Coordinator(engine, self.id)
        self._coordinator = coordinator
        self._scheduler_thread = SchedulerThread(engine, self.id, is_on=config.beat)
        self._coordinator_loop = Loop("coordinator", coordinator.tick, database=engine.database)
        sweeper = Sweeper(engine, lambda: coordinator.is_leading)
        self._sweep_loop = Loop("sweep", sweeper.tick, database=engine.database)
        self._witness = SupervisorWitness(engine, self._heartbeat, lambda: self._children.handles)
        self.probes = Probes(engine, config.probes, self._witness)

    def run(self) -> int:
        """Run until asked to stop or, with `burst`, until there is nothing to do."""
        self._heartbeat_loop.start()
        self._coordinator_loop.start()
        self._sweep_loop.start()
        self._scheduler_thread.start()
        self.probes.start()
        while not self._is_over():
            self._witness.turned()
            if not self._stopping:
                self._children.fill()
                self._isolation.proceed()
            self._wait()
            self._read_all()
            self._reap_dead()
            self._register_waiting()
            self._obey_orders()
            self._check_children()
            self._stop_if_asked()
            self._children.departures.settle()
        return self._close()

    def _is_over(self) -> bool:
        return bool(self._stopping) and not self._children.handles

    def _close(self) -> int:
        deadline = time.monotonic() + _LAST_MOVES_SECONDS
        departures = self._children.departures
        while departures.are_pending and time.monotonic() < deadline:
            departures.settle()
            time.sleep(_ROUND_SECONDS)
        loops = (self._sweep_loop, self._coordinator_loop, self._heartbeat_loop)
        for loop in loops:
            loop.stop()
        self._scheduler_thread.stop()
        self.probes.stop()
        for loop in loops:
            loop.join(_LAST_MOVES_SECONDS)
        try:
            self._coordinator.drop_lease()
        except (DatabaseError, InterfaceError):
            logger.warning("Lease not given up, it runs out by itself")
        return EXIT_CANNOT_START if self._children.starts.are_hopeless else 0

    def _wait(self) -> None:
        """Wait for a message, the exit of a child or a signal, at most one round."""
        children = self._children.handles
        objects: list[Any] = [self._wakeup.reader]
        objects += [child.connection for child in children if not child.is_mute]
        objects += [child.process.sentinel for child in children]
        pipes.wait(objects, _ROUND_SECONDS)
        self._wakeup.clear()

    def _read_all(self) -> None:
        for child in list(self._children.handles):
            try:
                while child.connection.poll():
                    self._read_messages(child, child.connection.recv())
            except (EOFError, OSError):
                child.is_mute = True  # its sentinel reports its exit

    def _read_messages(self, child: ChildHandle, message: Any) -> None:
        match message:
            case messages.Ready() | messages.CannotStart():
                self._on_start(child, message)
            case messages.RunningTasks(tasks=tasks):
                child.tasks = tuple(dict(task) for task in tasks)
            case messages.HandOver(claim=claim):
                self._isolation.accept(claim, child)
                if self._stopping:
                    self._isolation.refuse_all()
            case messages.Reassigned():
                self._isolation.on_reassigned(child, message)
            case messages.Hung(settlement=settlement):
                child.hung.append(settlement)
                self._drain(child)
            case messages.Recycle() | messages.Drained():
                child.draining = True
            case unexpected:
                logger.error("Unknown message %r", unexpected)

    def _on_start(self, child: ChildHandle, message: Any) -> None:
        if isinstance(message, messages.CannotStart):
            self._children.starts.report(message.reason)
            return
        self._children.on_ready(child)
        self._unregistered.append(child)

    def _reap_dead(self) -> None:
        for child in list(self._children.handles):
            if not child.process.is_alive():
                self._read_final_messages(child)
                self._children.reap(child)
                self._isolation.on_gone(child)

    def _read_final_messages(self, child: ChildHandle) -> None:
        """Read the messages sent before its exit; they may say why it exited."""
        try:
            while child.connection.poll():
                self._read_messages(child, child.connection.recv())
        except (EOFError, OSError):
            pass

    def _register_waiting(self) -> None:
        for child in list(self._unregistered):
            if child.is_gone:
                self._unregistered.remove(child)
            elif self._children.register(child):
                self._unregistered.remove(child)
                if child.config.alone:
                    self._isolation.on_registered(child)
                if self._stopping:
                    self._drain(child)

    # The heartbeat's thread calls this.
    def _on_reply(self, reply: HeartbeatReply) -> None:
        for worker in reply.gone:
            child = self._children.find(worker)
            if child is not None:
                logger.error("Somebody took this worker's tasks, it starts anew id=%s", worker)
                child.kill()
        for worker, record in reply.cancelled:
            child = self._children.find(worker)
            if child is not None:
                child.send(messages.CancelTask(record))
        for worker, order in reply.orders.items():
            self._orders.put((worker, order))
        if reply.orders:
            self._wakeup.wake()

    def _obey_orders(self) -> None:
        try:
            while True:
                worker, order = self._orders.get_nowait()
                child = self._children.find(worker)
                if child is not None:
                    self._obey(child, order)
        except Empty:
            return

    def _obey(self, child: ChildHandle, order: str) -> None:
        logger.info("Order %s for child pid=%s", order, child.process.pid)
        match order:
            case "drain":
                child.quiet = True
                child.send(messages.Pause())
            case "resume":
                child.quiet = False
                child.send(messages.Resume())
            case "stop":
                self._drain(child)
            case "dump" if child.worker is not None:
                try:
                    workers.report(self._engine.database, child.worker, child.dump())
                except (DatabaseError, InterfaceError):
                    close_quietly(self._engine.database)

    def _check_children(self) -> None:
        self._watchdog.check(self._children.handles)
        for child in self._children.handles:
            if child.outgrown:
                self._drain(child)

    def _drain(self, child: ChildHandle) -> None:
        """Let a child finish within the grace; after that, the watchdog kills it."""
        if child.draining:
            return
        child.draining = True
        child.kill_at = time.monotonic() + self._config.grace.total_seconds()
        if child.worker is None:
            child.kill()
        child.send(messages.Drain())

    def _stop_if_asked(self) -> None:
        hopeless = self._children.starts.are_hopeless
        if not self._wakeup.stops and (hopeless or (self._config.burst and self._is_idle())):
            self._wakeup.stop()
        if self._wakeup.stops > self._stopping:
            self._stopping = self._wakeup.stops
            self._witness.is_stopping = True
            self._isolation.refuse_all()
            for child in list(self._children.handles):
                self._drain(child)
                if self._stopping > 1:
                    child.kill()

    def _is_idle(self) -> bool:
        registered = any(child.worker is not None for child in self._children.handles)
        ready = registered and self._isolation.is_idle and self._scheduler_thread.first_scan_done
        return ready and self._burst.is_over()
