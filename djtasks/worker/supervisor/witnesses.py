"""Witnesses: the signs of life of a worker's supervisor and of a `runbeat` process."""

import time
from collections.abc import Callable, Sequence

from djtasks.engine import Engine
from djtasks.worker.child.child import PROGRESS_COUNTERS
from djtasks.worker.loops import Loop
from djtasks.worker.probes.health import Signs, Standstills
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.heartbeat import Heartbeat

# As in the watchdog: children that wait for the database are not stuck.
_MISSED_HEARTBEATS = 3


class SupervisorWitness:
    """Reports a supervisor's main thread and the loops of its children."""

    def __init__(
        self,
        engine: Engine,
        heartbeat: Heartbeat,
        children: Callable[[], Sequence[ChildHandle]],
    ) -> None:
        self._options = engine.options
        self._heartbeat = heartbeat
        self._children = children
        self._turned_at = time.monotonic()
        self._standstills = Standstills()
        self.is_stopping = False

    def turned(self) -> None:
        """Say that the main thread has come round once more."""
        self._turned_at = time.monotonic()

    def signs(self, now: float) -> Signs:
        """Return the current signs of life. Call it from one thread only."""
        children = list(self._children())
        silent = now - self._heartbeat.heartbeat_at
        borne = _MISSED_HEARTBEATS * self._options.heartbeat.total_seconds()
        counters = {} if silent > borne else _counters(children)
        return Signs(
            standstill={
                "The main thread of the supervisor": now - self._turned_at,
                **self._standstills.check(counters, now),
            },
            silent=silent,
            lease=self._options.lease.total_seconds(),
            workers=sum(child.worker is not None for child in children),
            is_stopping=self.is_stopping,
        )


def _counters(children: Sequence[ChildHandle]) -> dict[str, int]:
    # A child does not fetch while it drains or if it runs a single task.
    return {
        f"The {name} loop of child {child.pid}": value
        for child in children
        for name, value in zip(PROGRESS_COUNTERS, list(child.counters), strict=True)
        if not (name == "fetch" and (child.draining or child.config.alone))
    }


class LoopWitness:
    """Reports a process that runs one loop, such as `runbeat`; pauses do not count as stuck.

    The loop goes on while the database does not answer; then only its last success grows old.
    """

    def __init__(self, engine: Engine, loop: Loop) -> None:
        self._options = engine.options
        self._loop = loop
        self._turned_at = time.monotonic()
        self.is_stopping = False

    def turned(self) -> None:
        """Say that the main thread has come round once more."""
        self._turned_at = time.monotonic()

    def signs(self, now: float) -> Signs:
        """Return the current signs of life."""
        still = 0.0 if self._loop.is_waiting else now - self._loop.moved_at
        return Signs(
            standstill={
                "The main thread": now - self._turned_at,
                f"The {self._loop.name} loop": still,
            },
            silent=now - self._loop.succeeded_at,
            lease=self._options.lease.total_seconds(),
            is_stopping=self.is_stopping,
        )
