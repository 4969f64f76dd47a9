"""Run the scheduler: in a thread of a worker's supervisor, or as the process of `runbeat`."""

import logging
import time
from multiprocessing import connection as pipes
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

import djtasks
from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.scheduler.scheduler import Scheduler
from djtasks.schedules import periodic as declarations
from djtasks.store.sessions import engine_connection, prepared_process
from djtasks.worker.config import WATCHDOG, ProbeConfig
from djtasks.worker.duties.coordinator import LeaseKeeper
from djtasks.worker.exits import EXIT_STUCK, leave
from djtasks.worker.logs import logging_set_up
from djtasks.worker.loops import Loop, close_quietly
from djtasks.worker.os_signals import Wakeup
from djtasks.worker.probes import Probes
from djtasks.worker.supervisor.witnesses import LoopWitness

logger = logging.getLogger("djtasks.beat")

_LAST_TICK_SECONDS = 5.0
_CHECK_SECONDS = 1.0


class SchedulerThread:
    """A scheduler in its own thread. If it is off, it does nothing and no one waits for it."""

    def __init__(self, engine: Engine, holder: UUID, *, is_on: bool = True) -> None:
        self._is_on = is_on
        self._scheduler = Scheduler(engine, LeaseKeeper(engine, f"beat:{engine.alias}", holder))
        self._loop = Loop("beat", self._scheduler.tick, database=engine.database)

    def witness(self, engine: Engine) -> LoopWitness:
        """Return the witness that reports the health of this thread."""
        return LoopWitness(engine, self._loop)

    def start(self) -> None:
        """Start to fire schedules."""
        if self._is_on:
            self._loop.start()

    @property
    def first_scan_done(self) -> bool:
        """Whether everything that was due at the start is enqueued."""
        return not self._is_on or self._scheduler.first_scan_done

    @property
    def stands_still(self) -> bool:
        """Whether a tick has taken over a minute; pauses after database errors do not count."""
        for_seconds = time.monotonic() - self._loop.moved_at
        return not self._loop.is_waiting and for_seconds > WATCHDOG.total_seconds()

    def stop(self) -> None:
        """Stop after the current tick, and let another scheduler be first."""
        self._loop.stop()
        self._loop.join(_LAST_TICK_SECONDS)
        try:
            self._scheduler.stop()
        except (DatabaseError, InterfaceError):
            logger.warning("Lease not given up, it runs out by itself")


def run_scheduler(engine: Engine, wakeup: Wakeup, probing: ProbeConfig, *, is_verbose: bool) -> int:
    """Fire schedules in this process until asked to stop; return the exit code."""
    beat = SchedulerThread(engine, new_id())
    witness = beat.witness(engine)
    probes = Probes(engine, probing, witness)
    reuse = engine.options.reuse_connections
    with (
        logging_set_up(verbose=is_verbose),
        prepared_process(reuse_connections=reuse),
        engine_connection(engine.database),
        wakeup.installed(),
    ):
        registry.import_tasks(engine.options.imports)
        for line in (*lines(engine), *probes.lines):
            print(line, flush=True)
        beat.start()
        probes.start()
        while not wakeup.stops:
            witness.turned()
            pipes.wait([wakeup.reader], _CHECK_SECONDS)
            wakeup.clear()
            if beat.stands_still:
                _leave_if_stuck(engine)
        probes.stop()
        beat.stop()
    return 0


def lines(engine: Engine) -> list[str]:
    """Return the lines of the banner of `runbeat`."""
    settings = connections[engine.database].settings_dict
    return [
        f"djtasks {djtasks.__version__}, scheduler",
        f"  backend      {engine.alias}",
        f"  database     {engine.database} ({connections[engine.database].vendor}, "
        f"{settings['NAME']})",
        f"  tasks        {len(registry.all_tasks())} found",
        f"  schedules    {len(declarations.declared(engine.alias))} in the code",
    ]


def _leave_if_stuck(engine: Engine) -> None:
    """End the process if a tick has lasted a minute although the database answers."""
    try:
        engine.store.now()
    except (DatabaseError, InterfaceError):
        close_quietly(engine.database)
        return
    leave(EXIT_STUCK, why="No tick for a minute of a reachable database, leaving")
