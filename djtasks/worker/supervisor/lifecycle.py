"""The lifecycle of children: launch, register, report, reap."""

import logging
import os
import socket
import time
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

import djtasks
from djtasks import signals
from djtasks.engine import Engine
from djtasks.protocol.recovery import Departure
from djtasks.store import workers
from djtasks.store.workers import ChildStatus
from djtasks.worker import messages
from djtasks.worker.child import hooks
from djtasks.worker.config import ChildConfig, WorkerConfig
from djtasks.worker.loops import close_quietly
from djtasks.worker.supervisor.children import ChildHandle, launch
from djtasks.worker.supervisor.departures import Departures, ExitedChild
from djtasks.worker.supervisor.launchers import Launcher
from djtasks.worker.supervisor.starts import Starts

logger = logging.getLogger("djtasks.worker")


class Children:
    """The children of one supervisor."""

    def __init__(
        self, engine: Engine, config: WorkerConfig, supervisor: UUID, *, launcher: Launcher
    ) -> None:
        self.handles: list[ChildHandle] = []
        self.departures = Departures(engine)
        self.starts = Starts()
        self._engine = engine
        self._config = config
        self._supervisor = supervisor
        self._launcher = launcher

    def find(self, worker: UUID) -> ChildHandle | None:
        """Return the living child with this id."""
        return next((child for child in self.handles if child.worker == worker), None)

    def fill(self) -> None:
        """Start the missing children, more slowly while they die at once."""
        ordinary = sum(not child.config.alone for child in self.handles)
        while ordinary < self._config.processes and self.starts.may_begin:
            self.start()
            ordinary += 1

    def start(self, *, alone: bool = False) -> ChildHandle | None:
        """Start one child; its row is inserted when it reports Ready.

        None if none can be started now.
        """
        config = ChildConfig(worker=self._config, supervisor=self._supervisor, alone=alone)
        try:
            child = launch(self._launcher, config)
        except (EOFError, OSError) as error:
            logger.warning("Child not started, the next one is tried soon error=%r", error)
            self.starts.failed()
            return None
        self.handles.append(child)
        return child

    def on_ready(self, child: ChildHandle) -> None:
        """Note that a child has prepared itself and waits for its row."""
        child.is_ready = True
        self.starts.succeeded()

    def register(self, child: ChildHandle) -> bool:
        """Insert the row of a child that has started, then send Go; return False on failure."""
        host, _pid, version = this_host()
        row = workers.NewWorker(
            id=child.id,
            supervisor=self._supervisor,
            backend=self._engine.alias,
            host=host,
            pid=child.process.pid,
            version=version,
            queues=self._config.queues or self._engine.queues,
            slots=1 if child.config.alone else self._config.slots,
            threads=None if child.config.alone else self._config.threads,
            alone=child.config.alone,
        )
        try:
            workers.register(self._engine.database, row)
        except (DatabaseError, InterfaceError) as error:
            if not child.is_waiting:
                logger.warning("Child waits for the database error=%s", error)
            child.is_waiting = True
            close_quietly(self._engine.database)
            return False
        child.is_registered = True
        child.send(messages.Go(child.id))
        _notify(signals.worker_started, row.host, child)
        return True

    def statuses(self) -> dict[UUID, ChildStatus]:
        """Return the status of each child that has a row, for the heartbeat."""
        return {
            child.worker: child.status()
            for child in list(self.handles)
            if child.worker is not None and not child.is_gone
        }

    def reap(self, child: ChildHandle) -> None:
        """List a child whose process has exited, so that its records are released."""
        child.is_gone = True
        self.handles.remove(child)
        child.bury()
        crashed = child.has_crashed
        if crashed:
            logger.error(
                "Child ended pid=%s exit=%s worker=%s",
                child.process.pid,
                child.process.exitcode,
                child.worker,
            )
        if child.worker is not None:
            departure = Departure(
                crashed=crashed, alone=child.config.alone, running=child.board.running()
            )
            self.departures.add(
                ExitedChild(worker=child.worker, departure=departure, hung=list(child.hung))
            )
            _notify(signals.worker_stopped, this_host()[0], child)
        child.close()
        if not child.is_ready and crashed:
            self.starts.failed(child.process.exitcode)
        elif not child.config.alone:
            self.starts.pace(time.monotonic() - child.started_at, crashed=crashed)


def this_host() -> tuple[str, int, str]:
    """Return host name, pid and version for a worker's row."""
    return socket.gethostname()[:255], os.getpid(), djtasks.__version__


def _notify(signal: Any, host: str, child: ChildHandle) -> None:
    hooks.send(signal, worker=child.worker, host=host, pid=child.process.pid)
