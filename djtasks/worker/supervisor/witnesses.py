"""What a worker's supervisor, and a scheduler on its own, show of themselves."""

import time
from collections.abc import Callable, Sequence

from djtasks.engine import Engine
from djtasks.worker.child.child import PROGRESS_COUNTERS
from djtasks.worker.loops import Loop
from djtasks.worker.probes.health import Signs, Standstills
from djtasks.worker.supervisor.children import ChildHandle
from djtasks.worker.supervisor.heartbeat import Heartbeat

# As the watchdog has it: children that wait for the database are not deaf.
_MISSED_HEARTBEATS = 3


class SupervisorWitness:
    """A supervisor: its main thread, and the loops of its children."""

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
        """Return what can be seen now; from any one thread."""
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
    # A child that drains, or is for one task, does not fetch.
    return {
        f"The {name} loop of child {child.pid}": value
        for child in children
        for name, value in zip(PROGRESS_COUNTERS, list(child.counters), strict=True)
        if not (name == "fetch" and (child.draining or child.config.alone))
    }


class LoopWitness:
    """A process that is one loop, such as `runbeat`; pauses between two ticks are no standstill.

    The loop goes on while the database is away, so it tells of that by its errors only.
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
        """Return what can be seen now."""
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
